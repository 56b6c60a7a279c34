#include "lib/model/mfa.h"

#include <ctype.h>
#include <string.h>

#include "lib/core/totp.h"
#include "lib/model/audit.h"
#include "lib/model/user.h"
#include "lib/sealed.h"

static const char enrol_sql[] = "INSERT INTO user_mfa AS m (client_id, user_id, secret)\n"
				"VALUES ($1, $2, $3)\n"
				"ON CONFLICT (client_id, user_id) DO UPDATE\n"
				"SET secret = excluded.secret\n"
				"WHERE m.confirmed_at IS NULL\n"
				"RETURNING true";

/* One code is looked at at a time, or two could both be the first to use it. */
static const char find_sql[] = "SELECT secret, confirmed_at, last_step\n"
			       "FROM user_mfa\n"
			       "WHERE client_id = $1 AND user_id = $2\n"
			       "FOR UPDATE";

static const char confirm_sql[] = "UPDATE user_mfa\n"
				  "SET confirmed_at = $3,\n"
				  "last_step = $4,\n"
				  "recovery_codes = $5\n"
				  "WHERE client_id = $1 AND user_id = $2\n"
				  "AND confirmed_at IS NULL";

static const char use_step_sql[] = "UPDATE user_mfa\n"
				   "SET last_step = $3\n"
				   "WHERE client_id = $1 AND user_id = $2 AND last_step < $3\n"
				   "RETURNING true";

static const char use_code_sql[] = "UPDATE user_mfa\n"
				   "SET recovery_codes = array_remove(recovery_codes, $3)\n"
				   "WHERE client_id = $1 AND user_id = $2\n"
				   "AND confirmed_at IS NOT NULL AND $3 = ANY (recovery_codes)\n"
				   "RETURNING cardinality(recovery_codes)";

static const char renew_sql[] = "UPDATE user_mfa\n"
				"SET recovery_codes = $3\n"
				"WHERE client_id = $1 AND user_id = $2\n"
				"AND confirmed_at IS NOT NULL\n"
				"RETURNING true";

static const char disable_sql[] = "DELETE FROM user_mfa\n"
				  "WHERE client_id = $1 AND user_id = $2";

const char *const mfa_statements[] = { enrol_sql, find_sql, confirm_sql, use_step_sql, use_code_sql,
	renew_sql, disable_sql, NULL };

static const struct text nothing;

static struct text
as_text(const char *value)
{
	return (struct text){ value, strlen(value) };
}

static struct sealed_place
place_of(const struct task *task, struct id user)
{
	return (struct sealed_place){ "mfa", task->client, user };
}

/* Everything but letters, digits and what RFC 3986 leaves as it is. */
static void
put_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80 && (isalnum(c) || strchr("-._~@", c) != NULL))
			buf_putc(out, *text);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static const char *
name_of(struct task *task, const struct user *user)
{
	if (user->email != NULL)
		return user->email;
	if (user->username != NULL)
		return user->username;
	return id_format(user->head.id, arena_alloc(task->arena, ID_TEXT_SIZE));
}

/* github.com/google/google-authenticator, "Key Uri Format". */
static const char *
make_uri(struct task *task, const struct user *user, const char *issuer, const char *secret)
{
	struct buf uri = { .arena = task->arena };

	buf_puts(&uri, "otpauth://totp/");
	put_escaped(&uri, issuer);
	buf_putc(&uri, ':');
	put_escaped(&uri, name_of(task, user));
	buf_printf(&uri, "?secret=%s&issuer=", secret);
	put_escaped(&uri, issuer);
	buf_printf(&uri, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_STEP_S);
	return uri.at;
}

static bool
store_secret(struct task *task, struct id user, const uint8_t secret[TOTP_SECRET_SIZE])
{
	const struct sealed_place place = place_of(task, user);
	const struct text plain = { (const char *)secret, TOTP_SECRET_SIZE };
	struct db_params *params = db_params_of(task, user);
	struct db_rows *rows;
	struct text sealed;

	if (!sealed_close(task, &place, plain, &sealed))
		return false;
	db_add_bytes(params, sealed);
	if (!db_query(task, enrol_sql, params, &rows))
		return false;
	return db_count(rows) > 0 ||
	       task_fail(task, ERR_CONFLICT, "The user has a second factor already.");
}

bool
mfa_enrol(struct task *task, struct id user, const char *issuer, struct mfa_enrolment *ret)
{
	char *text = arena_alloc(task->arena, TOTP_SECRET_TEXT_SIZE);
	uint8_t secret[TOTP_SECRET_SIZE];
	struct user row;

	if (!resource_find_to_change(task, &user_resource, user, NULL, &row))
		return false;
	seal_random(secret, sizeof secret);
	if (!store_secret(task, user, secret))
		return false;
	totp_write_secret(secret, text);
	*ret = (struct mfa_enrolment){ text, make_uri(task, &row, issuer, text) };
	return audit_add(task, "enrol_mfa", "users", user, nothing, nothing);
}

/* Of a row of find_sql. *ret_step 0: the code is wrong. */
static bool
find_step(struct task *task, struct id user, const struct db_rows *rows, const char *code,
    int64_t *ret_step)
{
	const struct sealed_place place = place_of(task, user);
	struct text secret = { 0 };

	*ret_step = 0;
	if (!sealed_open(task, &place, db_bytes(rows, 0, 0), &secret))
		return false;
	if (!totp_find(secret, as_text(code), task->now, db_int(rows, 0, 2), ret_step))
		*ret_step = 0;
	return true;
}

static bool
set_enabled(struct task *task, const char *action, const struct user *before, bool enabled)
{
	struct user after = *before;

	after.mfa_enabled = enabled;
	return resource_change(task, &user_resource, action, before, &after);
}

static bool
store_confirmation(struct task *task, const struct user *user, int64_t step,
    const char *const hashes[RECOVERY_CODES])
{
	struct db_params *params = db_params_of(task, user->head.id);

	db_add_time(params, task->now);
	db_add_int(params, step);
	db_add_texts(params, hashes, RECOVERY_CODES);
	return db_query(task, confirm_sql, params, NULL) &&
	       set_enabled(task, "enable_mfa", user, true);
}

bool
mfa_confirm(
    struct task *task, struct id user, const char *code, const char *ret_codes[RECOVERY_CODES])
{
	const char *hashes[RECOVERY_CODES];
	struct db_rows *rows;
	struct user row;
	int64_t step;

	if (!resource_find_to_change(task, &user_resource, user, NULL, &row) ||
	    !db_query(task, find_sql, db_params_of(task, user), &rows))
		return false;
	if (db_count(rows) == 0 || !db_null(rows, 0, 1))
		return task_fail(
		    task, ERR_CONFLICT, "The user has no secret that waits to be confirmed.");
	if (!find_step(task, user, rows, code, &step))
		return false;
	if (step == 0)
		return task_fail_field(task, "code", "is not the code of this moment");
	recovery_codes_new(task, user, ret_codes, hashes);
	return store_confirmation(task, &row, step, hashes);
}

static bool
refuse(struct task *task)
{
	return task_fail(task, ERR_UNAUTHENTICATED, "The code is not right.");
}

static bool
check_code(struct task *task, struct id user, const char *code)
{
	struct db_params *params = db_params_of(task, user);
	struct db_rows *rows;
	int64_t step;

	if (!db_query(task, find_sql, db_params_of(task, user), &rows))
		return false;
	if (db_count(rows) == 0 || db_null(rows, 0, 1))
		return refuse(task);
	if (!find_step(task, user, rows, code, &step))
		return false;
	if (step == 0)
		return refuse(task);
	db_add_int(params, step);
	return db_query_one(task, use_step_sql, params, NULL);
}

static void
write_left(struct json_out *out, const void *left)
{
	json_open(out);
	json_int(out, "recovery_codes_left", *(const int64_t *)left);
	json_close(out);
}

static bool
check_recovery_code(struct task *task, struct id user, const char *code)
{
	struct db_params *params = db_params_of(task, user);
	struct db_rows *rows;
	int64_t left;

	db_add_text(params, recovery_code_hash(task, user, code));
	if (!db_query(task, use_code_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return refuse(task);
	left = db_int(rows, 0, 0);
	return audit_add(
	    task, "use_recovery_code", "users", user, nothing, audit_json(task, write_left, &left));
}

bool
mfa_check(struct task *task, struct id user, const struct mfa_proof *proof)
{
	if (proof->code != NULL)
		return check_code(task, user, proof->code);
	if (proof->recovery_code != NULL)
		return check_recovery_code(task, user, proof->recovery_code);
	return refuse(task);
}

bool
mfa_renew_codes(struct task *task, struct id user, const char *ret_codes[RECOVERY_CODES])
{
	struct db_params *params = db_params_of(task, user);
	const char *hashes[RECOVERY_CODES];
	struct db_rows *rows;
	struct user row;

	if (!resource_find_to_change(task, &user_resource, user, NULL, &row))
		return false;
	recovery_codes_new(task, user, ret_codes, hashes);
	db_add_texts(params, hashes, RECOVERY_CODES);
	if (!db_query(task, renew_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail(task, ERR_CONFLICT, "The user has no second factor.");
	return audit_add(task, "renew_recovery_codes", "users", user, nothing, nothing);
}

bool
mfa_disable(struct task *task, struct id user)
{
	struct user row;

	return resource_find_to_change(task, &user_resource, user, NULL, &row) &&
	       db_query(task, disable_sql, db_params_of(task, user), NULL) &&
	       set_enabled(task, "disable_mfa", &row, false);
}
