#include "app/api/users_export.h"

#include "lib/model/user_export.h"

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

	if (!request_id_param(req, 0, &user))
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
