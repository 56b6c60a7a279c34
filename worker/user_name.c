#include "worker/user_name.h"

#include "lib/model/erasure.h"
#include "lib/model/user.h"
#include "worker/client_name.h"

#include <string.h>

bool
user_name_given(const struct command_context *context)
{
	static const char *const names[] = { "client", "user", "email", "external-id" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (command_value(context, names[i]) != NULL)
			return true;
	return false;
}

bool
user_name_find(struct command_context *context, struct id *ret)
{
	const char *id = command_value(context, "user"), *email = command_value(context, "email");
	const char *external = command_value(context, "external-id");
	struct task *task = context->task;

	if ((id != NULL) + (email != NULL) + (external != NULL) != 1 ||
	    command_value(context, "client") == NULL)
		return task_fail(task, ERR_INVALID,
		    "--client is needed, and one of --user, --email and --external-id");
	if (!client_name_find(task, command_value(context, "client"), &task->client))
		return false;
	if (email != NULL)
		return erasure_find_email(task, email, ret);
	if (external != NULL)
		*ret = user_id_from_external(
		    task->client, (struct text){ external, strlen(external) });
	else if (!id_parse((struct text){ id, strlen(id) }, ret))
		return task_fail(task, ERR_INVALID, "--user takes an id");
	return true;
}
