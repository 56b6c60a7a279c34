#include "lib/model/login.h"

#include <assert.h>
#include <string.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/model/audit.h"
#include "lib/seal.h"

/* The folding's collation must not become that of the comparison: the index has the default one. */
#define FIND(condition) \
	"SELECT id, password_hash\n" \
	"FROM users\n" \
	"WHERE client_id = $1 AND deleted_at IS NULL\n" \
	"AND " condition

static const char find_by_id_sql[] = FIND("id = $2");
static const char find_by_external_id_sql[] = FIND("external_id = $2");
static const char find_by_email_sql[] =
    FIND("email_folded = lower($2 COLLATE \"und-x-icu\") COLLATE \"default\"");
static const char find_by_username_sql[] =
    FIND("username_folded = lower($2 COLLATE \"und-x-icu\") COLLATE \"default\"");

/* $5: how many are borne. Who is locked out is so until a time that further attempts do not move.
 */
static const char count_sql[] =
    "INSERT INTO login_failures AS f (client_id, subject, failures, until)\n"
    "VALUES ($1, $2, 1, $3)\n"
    "ON CONFLICT (client_id, subject) DO UPDATE\n"
    "SET failures = CASE WHEN f.until <= $4 THEN 1 ELSE least(f.failures, $5) + 1 END,\n"
    "until = CASE WHEN f.until > $4 AND f.failures >= $5 THEN f.until ELSE excluded.until END\n"
    "RETURNING failures, until";

static const char take_back_sql[] = "UPDATE login_failures\n"
				    "SET failures = failures - 1\n"
				    "WHERE client_id = $1 AND subject = $2 AND failures > 0";

static const char forgive_sql[] = "DELETE FROM login_failures\n"
				  "WHERE client_id = $1 AND subject = $2";

/* The lock is against who suspends the user at the same time, and ends the sessions there are. */
static const char note_sql[] =
    "UPDATE users\n"
    "SET last_login_at = $3,\n"
    "last_login_ip = $4::inet,\n"
    "password_hash = coalesce($5, password_hash)\n"
    "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL AND account_status = 'active'\n"
    "AND password_hash = $6\n"
    "RETURNING mfa_enabled";

const char *const login_statements[] = { find_by_id_sql, find_by_external_id_sql, find_by_email_sql,
	find_by_username_sql, count_sql, take_back_sql, forgive_sql, note_sql, NULL };

static bool
find(struct task *task, const struct login_name *name, struct db_rows **ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	if (name->email != NULL) {
		db_add_text(params, name->email);
		return db_query(task, find_by_email_sql, params, ret);
	}
	if (name->username != NULL) {
		db_add_text(params, name->username);
		return db_query(task, find_by_username_sql, params, ret);
	}
	if (name->external_id != NULL) {
		db_add_text(params, name->external_id);
		return db_query(task, find_by_external_id_sql, params, ret);
	}
	db_add_id(params, name->id);
	return db_query_one(task, find_by_id_sql, params, ret);
}

/* A kind and a value as one key: two kinds never have the same. */
static struct text
subject_of(struct task *task, const char *kind, const void *value, size_t len)
{
	struct buf buf = { .arena = task->arena };
	uint8_t *hash = arena_alloc(task->arena, SEAL_HASH_SIZE);

	buf_puts(&buf, kind);
	buf_putc(&buf, ':');
	buf_add(&buf, value, len);
	seal_hash(buf_text(&buf), hash);
	return (struct text){ (const char *)hash, SEAL_HASH_SIZE };
}

static struct text
subject_of_user(struct task *task, struct id user)
{
	return subject_of(task, "user", user.bytes, sizeof user.bytes);
}

/* A name that nobody has is counted, too: it costs as much as one that somebody has. */
static struct text
subject_of_nobody(struct task *task, const struct login_name *name)
{
	if (name->email != NULL)
		return subject_of(task, "email", name->email, strlen(name->email));
	if (name->username != NULL)
		return subject_of(task, "username", name->username, strlen(name->username));
	assert(name->external_id != NULL);
	return subject_of(task, "external_id", name->external_id, strlen(name->external_id));
}

static struct db_params *
key(struct task *task, struct text subject)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_bytes(params, subject);
	return params;
}

/* *ret_until: 0 where there are not too many. */
static bool
count(struct task *task, struct text subject, int64_t max, int64_t *ret_until)
{
	struct db_params *params = key(task, subject);
	struct db_rows *rows;

	db_add_time(params, task->now + LOGIN_FAILURES_S * CLOCK_SECOND);
	db_add_time(params, task->now);
	db_add_int(params, max);
	if (!db_query_one(task, count_sql, params, &rows))
		return false;
	*ret_until = db_int(rows, 0, 0) > max ? db_time(rows, 0, 1) : 0;
	return true;
}

static bool
count_address(struct task *task, const char *address, struct text *ret)
{
	uint8_t network[ADDRESS_NETWORK_SIZE];
	int64_t until;

	if (address == NULL || !address_network(address, network))
		return true;
	*ret = subject_of(task, "address", network, sizeof network);
	if (!count(task, *ret, LOGIN_ADDRESS_FAILURES_MAX, &until))
		return false;
	if (until == 0)
		return true;
	(void)task_fail(task, ERR_RATE, "Too many logins failed from this address.");
	task->err.retry_after = (int)((until - task->now) / CLOCK_SECOND) + 1;
	return false;
}

bool
login_begin(struct task *task, const struct login_name *name, const char *address,
    struct login_attempt *ret)
{
	struct db_rows *rows;
	int64_t until;

	*ret = (struct login_attempt){ 0 };
	if (!count_address(task, address, &ret->network) || !find(task, name, &rows))
		return false;
	if (db_count(rows) > 0) {
		ret->user = db_id(rows, 0, 0);
		ret->password_hash = db_text(rows, 0, 1);
	}
	ret->subject =
	    db_count(rows) > 0 ? subject_of_user(task, ret->user) : subject_of_nobody(task, name);
	if (!count(task, ret->subject, LOGIN_FAILURES_MAX, &until))
		return false;
	ret->locked = until != 0;
	return true;
}

/* In the order in which they were counted, or two logins could wait for each other. */
static bool
take_back(struct task *task, const struct login_attempt *attempt)
{
	if (attempt->network.at != NULL &&
	    !db_query(task, take_back_sql, key(task, attempt->network), NULL))
		return false;
	return db_query(task, forgive_sql, key(task, attempt->subject), NULL);
}

/* Of who is locked out no attempt was counted. */
bool
login_undo(struct task *task, const struct login_attempt *attempt)
{
	if (attempt->locked)
		return true;
	if (attempt->network.at != NULL &&
	    !db_query(task, take_back_sql, key(task, attempt->network), NULL))
		return false;
	return db_query(task, take_back_sql, key(task, attempt->subject), NULL);
}

static bool
note(struct task *task, const struct login_attempt *attempt, const char *better_hash,
    const char *address, bool *ret_mfa)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, attempt->user);
	db_add_time(params, task->now);
	db_add_text(params, address);
	db_add_text(params, better_hash);
	db_add_text(params, attempt->password_hash);
	if (!db_query(task, note_sql, params, &rows))
		return false;
	*ret_mfa = db_count(rows) > 0 && db_bool(rows, 0, 0);
	return db_count(rows) > 0 ||
	       task_fail(task, ERR_UNAUTHENTICATED, "The user cannot log in.");
}

static void
write_session(struct json_out *out, const void *object)
{
	const struct session *session = object;

	json_open(out);
	json_id(out, "session_id", session->head.id);
	json_text(out, "ip_address", session->ip_address);
	json_close(out);
}

static bool
audit(struct task *task, const char *action, const struct login_attempt *attempt,
    void (*write)(struct json_out *out, const void *object), const void *object)
{
	static const struct text none = { 0 };

	return audit_add(
	    task, action, "users", attempt->user, none, audit_json(task, write, object));
}

bool
login_end(struct task *task, const struct login_attempt *attempt, const char *better_hash,
    const struct mfa_proof *proof, struct session *session)
{
	bool mfa = false;

	session->user = attempt->user;
	if (!note(task, attempt, better_hash, session->ip_address, &mfa))
		return false;
	/* The failures come behind the second factor, as where that is checked alone. */
	return (!mfa || mfa_check(task, attempt->user, proof)) && take_back(task, attempt) &&
	       resource_add(task, &session_resource, session) &&
	       audit(task, "login", attempt, write_session, session);
}

static void
write_failure(struct json_out *out, const void *object)
{
	const struct login_attempt *attempt = object;

	json_open(out);
	json_bool(out, "locked", attempt->locked);
	json_close(out);
}

bool
login_note_failure(struct task *task, const struct login_attempt *attempt)
{
	return audit(task, "login_failure", attempt, write_failure, attempt);
}

bool
login_forgive(struct task *task, struct id user)
{
	return db_query(task, forgive_sql, key(task, subject_of_user(task, user)), NULL);
}
