#include "lib/model/credit_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/model/keyset.h"

const char *const credit_type_names[] = {
	[CREDIT_PURCHASE] = "purchase",
	[CREDIT_USAGE] = "usage",
	[CREDIT_REFUND] = "refund",
	[CREDIT_ADJUSTMENT] = "adjustment",
	[CREDIT_HOLD] = "hold",
	[CREDIT_RELEASE] = "release",
	[CREDIT_EXPIRY] = "expiry",
	NULL,
};

static const char find_sql[] = "SELECT " CREDIT_TRANSACTION_COLUMNS "\n" CREDIT_TRANSACTION_TABLES
			       "WHERE t.client_id = $1 AND t.account_id = $2 AND t.id = $3";

static const char list_sql[] =
    "SELECT " CREDIT_TRANSACTION_COLUMNS "\n" CREDIT_TRANSACTION_TABLES
    "WHERE t.client_id = $1 AND t.account_id = $2 AND t.sequence < CASE WHEN $3::uuid IS NULL "
    "THEN 9223372036854775807 ELSE (SELECT sequence FROM credit_transactions "
    "WHERE client_id = $1 AND id = $3) END\n"
    "ORDER BY t.sequence DESC\n"
    "LIMIT $4";

static const char grants_sql[] = "SELECT id, " CREDIT_NANOS("amount") ", " CREDIT_NANOS(
    "remaining") ", priority, "
		 "expires_at, created_at\n"
		 "FROM credit_grants\n"
		 "WHERE client_id = $1 AND account_id = $2 AND NOT used_up\n"
		 "AND ($3::uuid IS NULL OR (priority, coalesce(expires_at, 'infinity'), id) > (\n"
		 "SELECT priority, coalesce(expires_at, 'infinity'), id FROM credit_grants "
		 "WHERE client_id = $1 AND id = $3))\n"
		 "ORDER BY priority, expires_at, id\n"
		 "LIMIT $4";

static const char holds_sql[] = "SELECT id, source_id, " CREDIT_NANOS(
    "amount") ", expires_at, created_at\n"
	      "FROM credit_holds\n"
	      "WHERE client_id = $1 AND account_id = $2 AND id < $3\n"
	      "ORDER BY id DESC\n"
	      "LIMIT $4";

const char *const credit_transaction_statements[] = { find_sql, list_sql, grants_sql, holds_sql,
	NULL };

enum credit_type
credit_type_of(const char *name)
{
	for (int type = 0; type < CREDIT_TYPES; type++)
		if (strcmp(name, credit_type_names[type]) == 0)
			return (enum credit_type)type;
	assert(false && "a type that the table's check refuses");
	return CREDIT_ADJUSTMENT;
}

struct credit_transaction
credit_transaction_read(const struct db_rows *rows, int row)
{
	struct credit_transaction transaction = {
		.id = db_id(rows, row, 0),
		.account = db_id(rows, row, 1),
		.sequence = db_int(rows, row, 2),
		.type = credit_type_of(db_text(rows, row, 3)),
		.amount_nanos = db_int(rows, row, 4),
		.balance_after = db_int(rows, row, 5),
		.created_at = db_time(rows, row, 6),
		.source = db_id(rows, row, 7),
		.hold = db_id(rows, row, 8),
		.refunded = db_id(rows, row, 9),
		.grant = db_id(rows, row, 10),
		.description = db_text(rows, row, 12),
		.metadata = db_bytes(rows, row, 13),
		.address = db_text(rows, row, 14),
		.api_key = db_id(rows, row, 15),
	};
	struct text hash = db_bytes(rows, row, 11);

	if (hash.len == sizeof transaction.hash) /* as the table's check has it */
		memcpy(transaction.hash, hash.at, hash.len);
	return transaction;
}

struct credit_transactions
credit_transactions_read(struct task *task, const struct db_rows *rows)
{
	size_t count = (size_t)db_count(rows);
	struct credit_transaction *list = arena_array(task->arena, count, sizeof *list);

	for (size_t i = 0; i < count; i++)
		list[i] = credit_transaction_read(rows, (int)i);
	return (struct credit_transactions){ list, count };
}

bool
credit_transaction_find(
    struct task *task, struct id account, struct id id, struct credit_transaction *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, account);
	db_add_id(params, id);
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	*ret = credit_transaction_read(rows, 0);
	return true;
}

static bool
list(struct task *task, const char *sql, struct id account, struct id after, int64_t limit,
    struct db_rows **ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, account);
	db_add_id(params, after);
	db_add_int(params, limit);
	return db_query(task, sql, params, ret);
}

bool
credit_transaction_list(struct task *task, struct id account, struct id after, int64_t limit,
    struct credit_transactions *ret)
{
	struct db_rows *rows;

	if (!list(task, list_sql, account, after, limit, &rows))
		return false;
	*ret = credit_transactions_read(task, rows);
	return true;
}

bool
credit_grant_list(
    struct task *task, struct id account, struct id after, int64_t limit, struct credit_grants *ret)
{
	struct credit_grant *grants;
	struct db_rows *rows;

	if (!list(task, grants_sql, account, after, limit, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	grants = arena_array(task->arena, ret->count, sizeof *grants);
	for (int i = 0; i < db_count(rows); i++)
		grants[i] = (struct credit_grant){
			.id = db_id(rows, i, 0),
			.amount_nanos = db_int(rows, i, 1),
			.remaining_nanos = db_int(rows, i, 2),
			.priority = db_int(rows, i, 3),
			.expires_at = db_time(rows, i, 4),
			.created_at = db_time(rows, i, 5),
		};
	ret->at = grants;
	return true;
}

bool
credit_hold_list(
    struct task *task, struct id account, struct id after, int64_t limit, struct credit_holds *ret)
{
	struct credit_hold *holds;
	struct db_rows *rows;

	if (!list(task, holds_sql, account, keyset_below(after), limit, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	holds = arena_array(task->arena, ret->count, sizeof *holds);
	for (int i = 0; i < db_count(rows); i++)
		holds[i] = (struct credit_hold){
			.id = db_id(rows, i, 0),
			.source = db_id(rows, i, 1),
			.amount_nanos = db_int(rows, i, 2),
			.expires_at = db_time(rows, i, 3),
			.created_at = db_time(rows, i, 4),
		};
	ret->at = holds;
	return true;
}

#define LINK_MAX 512 /* eleven facts: six ids, a word, four numbers */

static const char *
name_of(struct id id, char out[ID_TEXT_SIZE])
{
	return id_is_nil(id) ? "" : id_format(id, out);
}

void
credit_transaction_hash(const struct credit_transaction *transaction,
    const uint8_t previous[SEAL_HASH_SIZE], uint8_t ret[SEAL_HASH_SIZE])
{
	char account[ID_TEXT_SIZE], id[ID_TEXT_SIZE], source[ID_TEXT_SIZE], hold[ID_TEXT_SIZE];
	char refunded[ID_TEXT_SIZE], grant[ID_TEXT_SIZE], link[SEAL_HASH_SIZE + LINK_MAX];
	int len;

	memcpy(link, previous, SEAL_HASH_SIZE);
	len = snprintf(link + SEAL_HASH_SIZE, LINK_MAX, "%s|%lld|%s|%s|%lld|%lld|%lld|%s|%s|%s|%s",
	    id_format(transaction->account, account), (long long)transaction->sequence,
	    id_format(transaction->id, id), credit_type_names[transaction->type],
	    (long long)transaction->amount_nanos, (long long)transaction->balance_after,
	    (long long)transaction->created_at, name_of(transaction->source, source),
	    name_of(transaction->hold, hold), name_of(transaction->refunded, refunded),
	    name_of(transaction->grant, grant));
	assert(len > 0 && len < LINK_MAX);
	seal_hash((struct text){ link, SEAL_HASH_SIZE + (size_t)len }, ret);
}

static void
write_details(struct json_out *out, const struct credit_transaction *transaction)
{
	json_text(out, "description", transaction->description);
	if (transaction->metadata.at == NULL)
		json_null(out, "metadata");
	else
		json_raw(out, "metadata", transaction->metadata);
	json_text(out, "created_by_ip", transaction->address);
	json_id(out, "api_key_id", transaction->api_key);
}

void
credit_transaction_write(struct json_out *out, const void *object)
{
	const struct credit_transaction *transaction = object;

	json_open(out);
	json_id(out, "id", transaction->id);
	json_int(out, "sequence", transaction->sequence);
	json_text(out, "type", credit_type_names[transaction->type]);
	json_credits(out, "amount", transaction->amount_nanos);
	json_credits(out, "balance_after", transaction->balance_after);
	json_id(out, "source_id", transaction->source);
	json_id(out, "hold_id", transaction->hold);
	json_id(out, "refunded_id", transaction->refunded);
	json_id(out, "grant_id", transaction->grant);
	write_details(out, transaction);
	json_time(out, "created_at", transaction->created_at);
	json_close(out);
}

static void
write_expiry(struct json_out *out, int64_t expires_at)
{
	if (expires_at == 0)
		json_null(out, "expires_at");
	else
		json_time(out, "expires_at", expires_at);
}

void
credit_grant_write(struct json_out *out, const void *object)
{
	const struct credit_grant *grant = object;

	json_open(out);
	json_id(out, "id", grant->id);
	json_credits(out, "amount", grant->amount_nanos);
	json_credits(out, "remaining", grant->remaining_nanos);
	json_int(out, "priority", grant->priority);
	write_expiry(out, grant->expires_at);
	json_time(out, "created_at", grant->created_at);
	json_close(out);
}

void
credit_hold_write(struct json_out *out, const void *object)
{
	const struct credit_hold *hold = object;

	json_open(out);
	json_id(out, "id", hold->id);
	json_id(out, "authorization_id", hold->source);
	json_credits(out, "amount", hold->amount_nanos);
	write_expiry(out, hold->expires_at);
	json_time(out, "created_at", hold->created_at);
	json_close(out);
}
