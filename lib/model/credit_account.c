#include "lib/model/credit_private.h"

#include <string.h>

#include "lib/zone.h"

const char *const credit_owner_names[] = {
	[CREDIT_OF_USER] = "user",
	[CREDIT_OF_CLIENT] = "client",
	NULL,
};

#define FROM \
	"FROM credit_accounts AS a\n" \
	"JOIN clients AS c ON c.id = a.client_id\n"

static const char of_user_sql[] =
    "SELECT " CREDIT_ACCOUNT_COLUMNS "\n" FROM "WHERE a.client_id = $1 AND a.user_id = $2";

static const char of_client_sql[] =
    "SELECT " CREDIT_ACCOUNT_COLUMNS "\n" FROM "WHERE a.client_id = $1 AND a.owner = 'client'";

static const char lock_of_user_sql[] =
    "SELECT " CREDIT_ACCOUNT_COLUMNS "\n" FROM "WHERE a.client_id = $1 AND a.user_id = $2\n"
    "FOR NO KEY UPDATE OF a";

static const char lock_of_client_sql[] =
    "SELECT " CREDIT_ACCOUNT_COLUMNS "\n" FROM "WHERE a.client_id = $1 AND a.owner = 'client'\n"
    "FOR NO KEY UPDATE OF a";

static const char add_for_user_sql[] =
    "INSERT INTO credit_accounts (client_id, id, owner, user_id)\n"
    "SELECT client_id, $3, 'user', id\n"
    "FROM users\n"
    "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL\n"
    "ON CONFLICT DO NOTHING";

static const char add_for_client_sql[] = "INSERT INTO credit_accounts (client_id, id, owner)\n"
					 "VALUES ($1, $2, 'client')\n"
					 "ON CONFLICT DO NOTHING";

static const char change_sql[] =
    "UPDATE credit_accounts\n"
    "SET overdraft = " CREDIT_OF_NANOS(
	"$3::bigint") ", "
		      "daily_limit = " CREDIT_OF_NANOS(
			  "$4::bigint") ", "
					"monthly_limit = " CREDIT_OF_NANOS(
					    "$5::bigint") ", timezone = $6, "
							  "auto_recharge_enabled = $7, "
							  "auto_recharge_threshold = " CREDIT_OF_NANOS(
							      "$8::bigint") ", "
									    "auto_recharge_amount = " CREDIT_OF_NANOS(
										"$9::bigint") ", "
											      "recharge_due_at = $10::timestamptz\n"
											      "WHERE client_id = $1 AND id = $2\n"
											      "RETURNING updated_at";

static const char zone_sql[] = "SELECT timezone\n"
			       "FROM clients\n"
			       "WHERE id = $1";

static const char see_all_sql[] = "SELECT set_config('app.user_id', '', true)";

const char *const credit_account_statements[] = { of_user_sql, of_client_sql, lock_of_user_sql,
	lock_of_client_sql, add_for_user_sql, add_for_client_sql, change_sql, zone_sql, see_all_sql,
	NULL };

static int64_t
limit_of(const struct db_rows *rows, int row, int column)
{
	return db_null(rows, row, column) ? LEDGER_NO_LIMIT : db_int(rows, row, column);
}

static struct ledger
read_ledger(const struct db_rows *rows, int row)
{
	return (struct ledger){
		.balance = db_int(rows, row, 4),
		.held = db_int(rows, row, 5),
		.purchased = db_int(rows, row, 6),
		.spent = db_int(rows, row, 7),
		.refunded = db_int(rows, row, 8),
		.uncovered = db_int(rows, row, 9),
		.overdraft = db_int(rows, row, 10),
		.daily_limit = limit_of(rows, row, 11),
		.monthly_limit = limit_of(rows, row, 12),
		.day = db_date(rows, row, 13),
		.spent_today = db_int(rows, row, 14),
		.month = db_date(rows, row, 15),
		.spent_this_month = db_int(rows, row, 16),
		.recharge_enabled = db_bool(rows, row, 17),
		.recharge_threshold = db_int(rows, row, 18),
		.recharge_due_at = db_null(rows, row, 20) ? 0 : db_time(rows, row, 20),
	};
}

struct credit_account
credit_account_read(const struct db_rows *rows, int row)
{
	struct credit_account account = {
		.client = db_id(rows, row, 0),
		.id = db_id(rows, row, 1),
		.owner = strcmp(db_text(rows, row, 2), "client") == 0 ? CREDIT_OF_CLIENT
								      : CREDIT_OF_USER,
		.user = db_id(rows, row, 3),
		.ledger = read_ledger(rows, row),
		.recharge_amount = db_int(rows, row, 19),
		.last_sequence = db_int(rows, row, 21),
		.last_posted_at = db_time(rows, row, 23),
		.created_at = db_time(rows, row, 24),
		.updated_at = db_time(rows, row, 25),
		.timezone = db_text(rows, row, 26),
		.zone_name = db_text(rows, row, 27),
	};
	struct text hash = db_bytes(rows, row, 22);

	if (hash.len == sizeof account.last_hash) /* as the table's check has it */
		memcpy(account.last_hash, hash.at, hash.len);
	return account;
}

static bool
read_one(struct task *task, struct id user, bool lock, int *ret_count, struct credit_account *ret)
{
	const char *of_client = lock ? lock_of_client_sql : of_client_sql;
	const char *of_user = lock ? lock_of_user_sql : of_user_sql;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	if (!id_is_nil(user))
		db_add_id(params, user);
	if (!db_query(task, id_is_nil(user) ? of_client : of_user, params, &rows))
		return false;
	*ret_count = db_count(rows);
	if (*ret_count > 0)
		*ret = credit_account_read(rows, 0);
	return true;
}

static bool
add(struct task *task, struct id user)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	if (!id_is_nil(user))
		db_add_id(params, user);
	db_add_id(params, id_new(task->now));
	return db_query(
	    task, id_is_nil(user) ? add_for_client_sql : add_for_user_sql, params, NULL);
}

static bool
find(struct task *task, struct id user, bool lock, struct credit_account *ret)
{
	int count;

	if (!read_one(task, user, lock, &count, ret))
		return false;
	if (count > 0)
		return true;
	if (!add(task, user) || !read_one(task, user, lock, &count, ret))
		return false;
	return count > 0 || task_fail(task, ERR_NOT_FOUND, "there is no such user");
}

bool
credit_account_find(struct task *task, struct id user, struct credit_account *ret)
{
	return find(task, user, false, ret);
}

bool
credit_account_find_to_change(struct task *task, struct id user, struct credit_account *ret)
{
	return find(task, user, true, ret);
}

static bool
check(struct task *task, const struct credit_account *account)
{
	const struct ledger *ledger = &account->ledger;
	const struct zone *zone;

	if (ledger->balance < -ledger->overdraft)
		return task_fail_field(task, "overdraft", "is less than what is owed already");
	if (account->timezone == NULL || zone_find(task, account->timezone, &zone))
		return true;
	if (task->err.code != ERR_INVALID)
		return false;
	task_clear_error(task);
	return task_fail_field(task, "timezone", "is not the name of an IANA time zone");
}

static void
add_limit(struct db_params *params, int64_t limit)
{
	if (limit == LEDGER_NO_LIMIT)
		db_add_null(params);
	else
		db_add_int(params, limit);
}

static bool
set_zone_name(struct task *task, struct credit_account *account)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	account->zone_name = account->timezone;
	if (account->timezone != NULL)
		return true;
	db_add_id(params, account->client);
	if (!db_query_one(task, zone_sql, params, &rows))
		return false;
	account->zone_name = db_text(rows, 0, 0);
	return true;
}

bool
credit_account_change(struct task *task, struct credit_account *account)
{
	struct ledger *ledger = &account->ledger;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (!check(task, account))
		return false;
	ledger_check_recharge(ledger, task->now);
	db_add_id(params, account->client);
	db_add_id(params, account->id);
	db_add_int(params, ledger->overdraft);
	add_limit(params, ledger->daily_limit);
	add_limit(params, ledger->monthly_limit);
	db_add_text(params, account->timezone);
	db_add_bool(params, ledger->recharge_enabled);
	db_add_int(params, ledger->recharge_threshold);
	db_add_int(params, account->recharge_amount);
	if (ledger->recharge_due_at == 0)
		db_add_null(params);
	else
		db_add_time(params, ledger->recharge_due_at);
	if (!db_query_one(task, change_sql, params, &rows))
		return false;
	account->updated_at = db_time(rows, 0, 0);
	return set_zone_name(task, account);
}

bool
credit_account_see_all(struct task *task)
{
	return db_query(task, see_all_sql, NULL, NULL);
}

bool
credit_account_begin_day(struct task *task, struct credit_account *account)
{
	const struct zone *zone;

	if (!zone_find(task, account->zone_name, &zone))
		return false;
	ledger_begin_day(&account->ledger, zone_date(zone, task->now));
	return true;
}

static void
write_limit(struct json_out *out, const char *key, int64_t limit)
{
	if (limit == LEDGER_NO_LIMIT)
		json_null(out, key);
	else
		json_credits(out, key, limit);
}

static void
write_time(struct json_out *out, const char *key, int64_t usec)
{
	if (usec == 0)
		json_null(out, key);
	else
		json_time(out, key, usec);
}

void
credit_account_write(struct json_out *out, const void *object)
{
	const struct credit_account *account = object;
	const struct ledger *ledger = &account->ledger;

	json_open(out);
	json_id(out, "id", account->id);
	json_text(out, "owner", credit_owner_names[account->owner]);
	json_id(out, "user_id", account->user);
	json_credits(out, "current_balance", ledger->balance);
	json_credits(out, "held", ledger->held);
	json_credits(out, "lifetime_purchased", ledger->purchased);
	json_credits(out, "lifetime_spent", ledger->spent);
	json_credits(out, "lifetime_refunded", ledger->refunded);
	json_credits(out, "uncovered", ledger->uncovered);
	json_credits(out, "overdraft", ledger->overdraft);
	write_limit(out, "daily_limit", ledger->daily_limit);
	write_limit(out, "monthly_limit", ledger->monthly_limit);
	json_credits(out, "spent_today", ledger->spent_today);
	json_credits(out, "spent_this_month", ledger->spent_this_month);
	json_text(out, "timezone", account->timezone);
	json_bool(out, "auto_recharge_enabled", ledger->recharge_enabled);
	json_credits(out, "auto_recharge_threshold", ledger->recharge_threshold);
	json_credits(out, "auto_recharge_amount", account->recharge_amount);
	write_time(out, "recharge_due_at", ledger->recharge_due_at);
	json_time(out, "created_at", account->created_at);
	json_time(out, "updated_at", account->updated_at);
	json_close(out);
}
