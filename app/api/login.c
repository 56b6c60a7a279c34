#include "app/api/login.h"

#include "app/aside.h"
#include "app/hashing.h"
#include "app/rest.h"
#include "lib/address.h"
#include "lib/core/totp.h"
#include "lib/model/login.h"
#include "lib/model/password.h"
#include "lib/model/user.h"
#include "lib/model/verification.h"

#include <string.h>

#define MEMBER(member) .offset = offsetof(struct login_input, member), .given = JSON_ALWAYS
#define TEXT(column, least, most) .name = (column), .type = JSON_TEXT, .min = (least), .max = (most)

struct login_input {
	struct login_name name;
	const char *password;
	struct mfa_proof proof;
	struct session session;
};

const struct json_field login_post_fields[9] = {
	{ TEXT("email", 1, USER_EMAIL_MAX), MEMBER(name.email),
	    .about = "One of email, username and external_id says who." },
	{ TEXT("username", 1, USER_NAME_MAX), MEMBER(name.username) },
	{ TEXT("external_id", 1, USER_EXTERNAL_ID_MAX), MEMBER(name.external_id) },
	{ TEXT("password", 1, PASSWORD_MAX_BYTES), MEMBER(password), .required = true },
	{ TEXT("code", TOTP_DIGITS, TOTP_DIGITS), MEMBER(proof.code),
	    .about = "Of the authenticator, where the user's mfa_enabled is true; or "
		     "recovery_code." },
	{ TEXT("recovery_code", RECOVERY_CODE_DIGITS, RECOVERY_CODE_TYPED_MAX),
	    MEMBER(proof.recovery_code) },
	{ TEXT("ip_address", 2, USER_ADDRESS_MAX), MEMBER(session.ip_address),
	    .about = "The user's, IPv4 or IPv6; failures are counted by it, too." },
	{ TEXT("user_agent", 0, SESSION_USER_AGENT_MAX), MEMBER(session.user_agent) },
	{ .name = "expires_in_s",
	    .type = JSON_INT,
	    MEMBER(session.expires_in_s),
	    .min = 1,
	    .max = SESSION_LIFETIME_MAX_S,
	    .about = "Of the session: seconds from now." },
};

static bool
read_input(struct request *req, struct login_input *ret)
{
	struct task *task = req->task;
	const struct login_name *name = &ret->name;

	if (!request_read_body(req, ret))
		return false;
	if ((name->email != NULL) + (name->username != NULL) + (name->external_id != NULL) != 1)
		task_fail_field(
		    task, "email", "one of email, username and external_id must be given");
	if (ret->proof.code != NULL && ret->proof.recovery_code != NULL)
		task_fail_field(task, "code", "only one of code and recovery_code may be given");
	if (ret->session.ip_address != NULL && !address_valid(ret->session.ip_address))
		task_fail_field(task, "ip_address", "must be an IPv4 or IPv6 address");
	password_check(task, "password", ret->password);
	return task->err.code == ERR_NONE;
}

static bool
begin(struct request *req, const struct login_input *input, struct login_attempt *ret)
{
	struct task aside = aside_begin(req);

	return aside_end(
	    &aside, req, login_begin(&aside, &input->name, input->session.ip_address, ret));
}

/* One sentence for every reason. Always false. What the request has done is undone before: it does
 * not hold one connection while it waits for the other. */
static bool
refuse(struct request *req, const struct login_attempt *attempt)
{
	struct task aside = aside_begin(req);

	task_clear_error(req->task);
	db_rollback(req->task);
	return aside_end(&aside, req, login_note_failure(&aside, attempt)) &&
	       task_fail(req->task, ERR_UNAUTHENTICATED, "Nobody can log in with these.");
}

bool
login_check_password(struct request *req, const struct login_attempt *attempt, const char *password,
    bool *ret_right, const char **ret_better)
{
	const char *hash = attempt->locked ? NULL : attempt->password_hash;
	struct task aside;

	if (hashing_check(req->task, req->app->hashing, password, hash, ret_right, ret_better))
		return true;
	aside = aside_begin(req);
	/* Where that fails, too, the attempt stays counted, which is the lesser harm. */
	(void)!aside_end(&aside, req, login_undo(&aside, attempt));
	return false;
}

bool
login_post(struct request *req, struct reply *reply)
{
	struct login_input input = { .session.expires_in_s = req->app->conf.session_lifetime_s };
	struct login_attempt attempt;
	const char *better;
	bool right;

	if (!read_input(req, &input) || !begin(req, &input, &attempt))
		return false;
	if (!login_check_password(req, &attempt, input.password, &right, &better))
		return false;
	if (!right)
		return refuse(req, &attempt);
	if (login_end(req->task, &attempt, better, &input.proof, &input.session))
		return rest_reply(reply, 201, &session_resource, &input.session, true);
	return req->task->err.code == ERR_UNAUTHENTICATED && refuse(req, &attempt);
}

struct verify_input {
	const char *token;
};

const struct json_field login_verify_email_fields[1] = {
	{ TEXT("token", 1, VERIFICATION_TOKEN_SIZE), .offset = offsetof(struct verify_input, token),
	    .given = JSON_ALWAYS, .required = true },
};

bool
login_verify_email(struct request *req, struct reply *reply)
{
	struct verify_input input = { 0 };
	struct user user;

	if (!request_read_body(req, &input))
		return false;
	if (!verification_take(req->task, (struct text){ input.token, strlen(input.token) }, &user))
		return false;
	return rest_reply(reply, 200, &user_resource, &user, false);
}
