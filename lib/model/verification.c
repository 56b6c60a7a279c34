#include "lib/model/verification.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/model/alert.h"
#include "lib/model/audit.h"
#include "lib/seal.h"

static const char make_sql[] =
    "INSERT INTO email_verifications AS v (client_id, user_id, token_hash, email, created_at,\n"
    "expires_at)\n"
    "VALUES ($1, $2, $3, $4, $5, $6)\n"
    "ON CONFLICT (client_id, user_id) DO UPDATE\n"
    "SET token_hash = excluded.token_hash,\n"
    "email = excluded.email,\n"
    "created_at = excluded.created_at,\n"
    "expires_at = excluded.expires_at\n"
    "WHERE v.created_at <= $7\n"
    "RETURNING true";

static const char find_sql[] = "SELECT user_id\n"
			       "FROM email_verifications\n"
			       "WHERE client_id = $1 AND token_hash = $2";

/* Behind the lock of the user, as others that change it lock first: so one of two uses finds it. */
static const char take_sql[] =
    "DELETE FROM email_verifications\n"
    "WHERE client_id = $1 AND token_hash = $2 AND expires_at > $3 AND email = $4\n"
    "RETURNING true";

const char *const verification_statements[] = { make_sql, find_sql, take_sql, NULL };

static struct text
hash_token(struct task *task, struct text token)
{
	uint8_t *hash = arena_alloc(task->arena, SEAL_HASH_SIZE);

	seal_hash(token, hash);
	return (struct text){ (const char *)hash, SEAL_HASH_SIZE };
}

static bool
make(struct task *task, const struct user *user, struct text token, int64_t expires_at)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, user->head.id);
	db_add_bytes(params, hash_token(task, token));
	db_add_text(params, user->email);
	db_add_time(params, task->now);
	db_add_time(params, expires_at);
	db_add_time(params, task->now - VERIFICATION_EVERY_S * CLOCK_SECOND);
	if (!db_query(task, make_sql, params, &rows))
		return false;
	if (db_count(rows) > 0)
		return true;
	(void)task_fail(task, ERR_RATE, "The user was sent a token a moment ago.");
	task->err.retry_after = VERIFICATION_EVERY_S;
	return false;
}

struct payload {
	struct id user;
	const struct verification *verification;
};

static void
write_payload(struct json_out *out, const void *object)
{
	const struct payload *payload = object;

	json_open(out);
	json_id(out, "user_id", payload->user);
	json_text(out, "email", payload->verification->email);
	json_time(out, "expires_at", payload->verification->expires_at);
	json_close(out);
}

static bool
deliver(struct task *task, struct id user, const char *token, struct verification *verification)
{
	const struct payload payload = { user, verification };
	struct alert alert = { 0 };
	bool raised;

	if (!alert_raise(task,
		&(struct alert_input){ .kind = ALERT_EMAIL_VERIFICATION,
		    .payload = audit_json(task, write_payload, &payload),
		    .token = token },
		&alert, &raised))
		return false;
	verification->deliveries = alert.deliveries;
	return alert.deliveries > 0 ||
	       task_fail(task, ERR_CONFLICT, "No webhook of the client takes %s.",
		   alert_kind_names[ALERT_EMAIL_VERIFICATION]);
}

static bool
find_unverified(struct task *task, struct id id, struct user *ret)
{
	if (!resource_find_to_change(task, &user_resource, id, NULL, ret))
		return false;
	if (ret->email == NULL)
		return task_fail(task, ERR_CONFLICT, "The user has no e-mail address.");
	return !ret->email_verified ||
	       task_fail(task, ERR_CONFLICT, "The user's e-mail address is verified already.");
}

bool
verification_send(struct task *task, struct id id, struct verification *ret)
{
	static const struct text none = { 0 };
	char token[VERIFICATION_TOKEN_SIZE] = VERIFICATION_PREFIX;
	struct user user = { 0 };

	if (!find_unverified(task, id, &user))
		return false;
	seal_random_base62(token + sizeof VERIFICATION_PREFIX - 1, VERIFICATION_DIGITS);
	*ret = (struct verification){
		.email = user.email,
		.expires_at = task->now + VERIFICATION_LIFETIME_S * CLOCK_SECOND,
	};
	return make(task, &user, (struct text){ token, sizeof token - 1 }, ret->expires_at) &&
	       deliver(task, id, token, ret) &&
	       audit_add(task, "send_verification", "users", id, none,
		   audit_json(task, verification_write, ret));
}

static bool
refuse(struct task *task)
{
	return task_fail_field(task, "token", "is unknown, was used or has expired");
}

/* *ret_found false: nobody living has such a token. */
static bool
find(struct task *task, struct text token, struct user *ret, bool *ret_found)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	*ret_found = false;
	db_add_id(params, task->client);
	db_add_bytes(params, hash_token(task, token));
	if (!db_query(task, find_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return true;
	*ret_found = resource_find_to_change(task, &user_resource, db_id(rows, 0, 0), NULL, ret);
	if (!*ret_found && task->err.code == ERR_NOT_FOUND)
		task_clear_error(task);
	return task->err.code == ERR_NONE;
}

bool
verification_take(struct task *task, struct text token, struct user *ret)
{
	struct db_params *params = db_params(task);
	struct user before;
	struct db_rows *rows;
	bool found;

	if (!find(task, token, &before, &found))
		return false;
	if (!found || before.email == NULL)
		return refuse(task);
	db_add_id(params, task->client);
	db_add_bytes(params, hash_token(task, token));
	db_add_time(params, task->now);
	db_add_text(params, before.email);
	if (!db_query(task, take_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return refuse(task);
	*ret = before;
	ret->email_verified = true;
	return resource_change(task, &user_resource, "verify_email", &before, ret);
}

void
verification_write(struct json_out *out, const void *object)
{
	const struct verification *verification = object;

	json_open(out);
	json_text(out, "email", verification->email);
	json_time(out, "expires_at", verification->expires_at);
	json_int(out, "webhooks", verification->deliveries);
	json_close(out);
}
