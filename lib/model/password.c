#include "lib/model/password.h"

#include <string.h>

#include "lib/model/login.h"
#include "lib/model/user.h"

void
password_check(struct task *task, const char *field, const char *password)
{
	if (strlen(password) > PASSWORD_MAX_BYTES)
		task_fail_field(task, field,
		    arena_printf(task->arena, "must have at most %d bytes", PASSWORD_MAX_BYTES));
}

bool
password_set(struct task *task, struct id user, const char *verified, const char *hash,
    const char *kept_session)
{
	struct user before, after;

	if (!resource_find_to_change(task, &user_resource, user, NULL, &before))
		return false;
	if (verified != NULL &&
	    (before.password_hash == NULL || strcmp(before.password_hash, verified) != 0))
		return task_fail(task, ERR_CONFLICT, "The password was changed meanwhile.");
	after = before;
	after.password_hash = hash;
	return resource_change(task, &user_resource, "set_password", &before, &after) &&
	       login_forgive(task, user) && user_end_sessions(task, user, kept_session);
}
