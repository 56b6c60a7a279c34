#include "app/api/users.h"

#include "app/api/login.h"
#include "app/aside.h"
#include "app/hashing.h"
#include "app/ingest/ingest.h"
#include "app/ingest/known.h"
#include "lib/model/login.h"
#include "lib/model/password.h"
#include "lib/model/session.h"
#include "lib/model/user.h"
#include "lib/model/verification.h"

/* Other processes are told; here it holds for the next record. */
void
users_changed(struct request *req)
{
	known_forget(ingest_known(req->app->ingest));
}

struct password_input {
	const char *password;
	const char *current_password; /* NULL: the application answers for it */
	const char *session_token; /* NULL: no session goes on */
};

const struct json_field users_set_password_fields[3] = {
	{ .name = "password",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct password_input, password),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = PASSWORD_MIN,
	    .max = PASSWORD_MAX_BYTES,
	    .about = "At most 1024 bytes." },
	{ .name = "current_password",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct password_input, current_password),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = PASSWORD_MAX_BYTES,
	    .about = "Where given, it must be right; failures count as those of logging in do." },
	{ .name = "session_token",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct password_input, session_token),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = SESSION_TOKEN_SIZE - 1,
	    .about = "Of the session that asks, which goes on; the user's others end." },
};

static bool
read_password(struct request *req, struct password_input *ret)
{
	struct task *task = req->task;

	if (!request_read_body(req, ret))
		return false;
	password_check(task, "password", ret->password);
	if (ret->current_password != NULL)
		password_check(task, "current_password", ret->current_password);
	return task->err.code == ERR_NONE;
}

static bool
find(struct request *req, struct id id)
{
	struct task aside = aside_begin(req);
	struct user user;

	return aside_end(&aside, req, resource_find(&aside, &user_resource, id, &user));
}

/* *ret: the hash that the password was held against. */
static bool
verify(struct request *req, struct id id, const char *password, const char **ret)
{
	const struct login_name name = { .id = id };
	struct task aside = aside_begin(req);
	struct login_attempt attempt;
	const char *better;
	bool right;

	if (!aside_end(&aside, req, login_begin(&aside, &name, NULL, &attempt)))
		return false;
	*ret = attempt.password_hash;
	if (!login_check_password(req, &attempt, password, &right, &better))
		return false;
	if (!right)
		return task_fail_field(req->task, "current_password", "is not the user's password");
	aside = aside_begin(req);
	return aside_end(&aside, req, login_undo(&aside, &attempt));
}

bool
users_set_password(struct request *req, struct reply *reply)
{
	struct password_input input = { 0 };
	const char *verified = NULL, *hash;
	struct id id;

	if (!request_id_param(req, 0, &id) || !read_password(req, &input))
		return false;
	if (input.current_password == NULL ? !find(req, id)
					   : !verify(req, id, input.current_password, &verified))
		return false;
	if (!hashing_make(req->task, req->app->hashing, input.password, &hash))
		return false;
	return password_set(req->task, id, verified, hash, input.session_token) &&
	       reply_empty(reply);
}

bool
users_verify_email(struct request *req, struct reply *reply)
{
	struct verification verification;
	struct id id;

	if (!request_id_param(req, 0, &id) || !verification_send(req->task, id, &verification))
		return false;
	return reply_json(reply, 202, verification_write, &verification);
}
