#include "app/api/users_export.h"

#include "app/auth.h"
#include "lib/model/scope.h"
#include "lib/model/user_export.h"

/* Beside the route's own: what the rows are read with, each on its own route. */
static const enum scope needed[] = { SCOPE_LOGS_READ, SCOPE_BUDGETS_READ, SCOPE_CREDITS,
	SCOPE_CONVERSATIONS, SCOPE_TOOLS, SCOPE_ADMIN };

static bool
check_scopes(const struct request *req)
{
	for (size_t i = 0; i < COUNT(needed); i++)
		if ((req->identity->scopes & UINT64_C(1) << needed[i]) == 0)
			return task_fail(req->task, ERR_FORBIDDEN, "The key lacks the scope %s.",
			    scope_names[needed[i]]);
	return true;
}

static bool
add_table(struct request *req, struct user_export *export, struct buf *to)
{
	int64_t count;

	do {
		if (!user_export_rows(req->task, export, to, &count))
			return false;
		if (to->len > USERS_EXPORT_BYTES_MAX)
			return task_fail(req->task, ERR_CONFLICT,
			    "More is kept than an answer may hold: use tally export-user.");
	} while (count > 0);
	return true;
}

bool
users_export(struct request *req, struct reply *reply)
{
	struct user_export *export;
	struct id user;
	bool any;

	if (!check_scopes(req) || !request_id_param(req, 0, &user))
		return false;
	if (!user_export_open(req->task, user, &export))
		return false;
	do {
		if (!user_export_table(req->task, export, &any))
			return false;
		if (any && !add_table(req, export, &reply->body))
			return false;
	} while (any);
	return reply_done(reply, 200, "application/x-ndjson");
}
