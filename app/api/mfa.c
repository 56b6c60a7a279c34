#include "app/api/mfa.h"

#include <string.h>

#include "app/aside.h"
#include "lib/core/totp.h"
#include "lib/model/login.h"
#include "lib/model/mfa.h"

#define ISSUER "Tally"

struct enrol_input {
	const char *issuer;
};

const struct json_field mfa_post_fields[1] = {
	{ .name = "issuer",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct enrol_input, issuer),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = MFA_ISSUER_MAX,
	    .about = "Whom the user's authenticator names; without a colon. " ISSUER
		     " where not given." },
};

const struct json_field mfa_post_confirm_fields[1] = {
	{ .name = "code",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct mfa_proof, code),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = TOTP_DIGITS,
	    .max = TOTP_DIGITS },
};

const struct json_field mfa_post_verify_fields[2] = {
	{ .name = "code",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct mfa_proof, code),
	    .given = JSON_ALWAYS,
	    .min = TOTP_DIGITS,
	    .max = TOTP_DIGITS,
	    .about = "Of the user's authenticator; or recovery_code." },
	{ .name = "recovery_code",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct mfa_proof, recovery_code),
	    .given = JSON_ALWAYS,
	    .min = RECOVERY_CODE_DIGITS,
	    .max = RECOVERY_CODE_TYPED_MAX },
};

static void
write_enrolment(struct json_out *out, const void *object)
{
	const struct mfa_enrolment *enrolment = object;

	json_open(out);
	json_text(out, "secret", enrolment->secret);
	json_text(out, "otpauth_uri", enrolment->uri);
	json_close(out);
}

bool
mfa_post(struct request *req, struct reply *reply)
{
	struct enrol_input input = { .issuer = ISSUER };
	struct mfa_enrolment enrolment;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (req->body.len > 0 && !request_read_body(req, &input))
		return false;
	if (strchr(input.issuer, ':') != NULL)
		return task_fail_field(req->task, "issuer", "must not hold a colon");
	if (!mfa_enrol(req->task, id, input.issuer, &enrolment))
		return false;
	return reply_json(reply, 201, write_enrolment, &enrolment);
}

static void
write_codes(struct json_out *out, const void *object)
{
	json_open(out);
	json_texts(out, "recovery_codes", (struct json_texts){ object, RECOVERY_CODES });
	json_close(out);
}

bool
mfa_post_confirm(struct request *req, struct reply *reply)
{
	const char *codes[RECOVERY_CODES];
	struct mfa_proof proof = { 0 };
	struct id id;

	if (!request_id_param(req, 0, &id) || !request_read_body(req, &proof))
		return false;
	if (!mfa_confirm(req->task, id, proof.code, codes))
		return false;
	return reply_json(reply, 200, write_codes, codes);
}

static bool
begin(struct request *req, struct id id, struct login_attempt *ret)
{
	const struct login_name name = { .id = id };
	struct task aside = aside_begin(req);

	return aside_end(&aside, req, login_begin(&aside, &name, NULL, ret));
}

/* Always false. */
static bool
refuse(struct request *req, const struct login_attempt *attempt)
{
	struct task aside = aside_begin(req);

	task_clear_error(req->task);
	db_rollback(req->task);
	return aside_end(&aside, req, login_note_failure(&aside, attempt)) &&
	       task_fail(req->task, ERR_UNAUTHENTICATED, "The code is not right.");
}

static void
write_verified(struct json_out *out, const void *object UNUSED)
{
	json_open(out);
	json_bool(out, "verified", true);
	json_close(out);
}

bool
mfa_post_verify(struct request *req, struct reply *reply)
{
	struct task *task = req->task;
	struct login_attempt attempt;
	struct mfa_proof proof = { 0 };
	struct id id;

	if (!request_id_param(req, 0, &id) || !request_read_body(req, &proof))
		return false;
	if ((proof.code == NULL) == (proof.recovery_code == NULL))
		return task_fail_field(task, "code", "either code or recovery_code must be given");
	if (!begin(req, id, &attempt))
		return false;
	if (attempt.locked)
		return refuse(req, &attempt);
	if (mfa_check(task, id, &proof) && login_forgive(task, id))
		return reply_json(reply, 200, write_verified, NULL);
	return task->err.code == ERR_UNAUTHENTICATED && refuse(req, &attempt);
}

bool
mfa_post_codes(struct request *req, struct reply *reply)
{
	const char *codes[RECOVERY_CODES];
	struct id id;

	if (!request_id_param(req, 0, &id) || !mfa_renew_codes(req->task, id, codes))
		return false;
	return reply_json(reply, 200, write_codes, codes);
}

bool
mfa_delete(struct request *req, struct reply *reply)
{
	struct id id;

	return request_id_param(req, 0, &id) && mfa_disable(req->task, id) && reply_empty(reply);
}
