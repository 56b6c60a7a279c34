/* The statements that store what a book decided. */
#include "lib/model/credit_book_private.h"

#include <string.h>

#include "lib/buf.h"

static const char accounts_sql[] =
    "UPDATE credit_accounts AS a\n"
    "SET current_balance = " CREDIT_OF_NANOS(
	"n.balance") ", "
		     "held = " CREDIT_OF_NANOS(
			 "n.held") ", "
				   "lifetime_purchased = " CREDIT_OF_NANOS(
				       "n.purchased") ", "
						      "lifetime_spent = " CREDIT_OF_NANOS(
							  "n.spent") ", "
								     "lifetime_refunded = " CREDIT_OF_NANOS(
									 "n.refunded") ", "
										       "uncovered = " CREDIT_OF_NANOS(
											   "n.uncovered") ", "
													  "spent_day = n.day, spent_today = " CREDIT_OF_NANOS(
													      "n.today") ", "
															 "spent_month = n.month, spent_this_month = " CREDIT_OF_NANOS(
															     "n.this_month") ", "
																	     "recharge_due_at = n.due_at, last_sequence = n.sequence, "
																	     "last_hash = decode(n.hash, 'hex'), last_posted_at = n.posted_at\n"
																	     "FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], "
																	     "$7::bigint[], $8::bigint[], $9::date[], $10::bigint[], $11::date[], $12::bigint[], "
																	     "$13::timestamptz[], $14::bigint[], $15::text[], $16::timestamptz[]) "
																	     "AS n (client_id, id, balance, held, purchased, spent, refunded, uncovered, day, today, "
																	     "month, this_month, due_at, sequence, hash, posted_at)\n"
																	     "WHERE a.client_id = n.client_id AND a.id = n.id";

static const char transactions_sql[] =
    "INSERT INTO credit_transactions (client_id, id, account_id, sequence, transaction_type, "
    "amount, balance_after, created_at, source_id, hold_id, refunded_id, grant_id, hash)\n"
    "SELECT n.client_id, n.id, n.account_id, n.sequence, n.type, " CREDIT_OF_NANOS(
	"n.amount") ", "
		    "" CREDIT_OF_NANOS(
			"n.balance_after") ", n.created_at, n.source_id, n.hold_id, "
					   "n.refunded_id, n.grant_id, decode(n.hash, 'hex')\n"
					   "FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[], "
					   "$7::bigint[], $8::timestamptz[], $9::uuid[], $10::uuid[], $11::uuid[], $12::uuid[], "
					   "$13::text[]) AS n (client_id, id, account_id, sequence, type, amount, balance_after, "
					   "created_at, source_id, hold_id, refunded_id, grant_id, hash)";

static const char details_sql[] =
    "INSERT INTO credit_details (client_id, transaction_id, account_id, description, metadata, "
    "created_by_ip, api_key_id)\n"
    "SELECT n.client_id, n.id, n.account_id, n.description, n.metadata::jsonb, n.address::inet, "
    "n.api_key_id\n"
    "FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], "
    "$7::uuid[]) AS n (client_id, id, account_id, description, metadata, address, api_key_id)";

static const char add_grants_sql[] =
    "INSERT INTO credit_grants (client_id, account_id, id, remaining, used_up, amount, priority, "
    "expires_at, created_at)\n"
    "SELECT n.client_id, n.account_id, n.id, " CREDIT_OF_NANOS(
	"n.remaining") ", "
		       "n.remaining = 0, " CREDIT_OF_NANOS(
			   "n.amount") ", n.priority, n.expires_at, n.created_at\n"
				       "FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], "
				       "$7::timestamptz[], $8::timestamptz[]) AS n (client_id, account_id, id, remaining, amount, "
				       "priority, expires_at, created_at)";

static const char change_grants_sql[] =
    "UPDATE credit_grants AS g\n"
    "SET remaining = " CREDIT_OF_NANOS(
	"n.remaining") ", used_up = n.remaining = 0\n"
		       "FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS n (client_id, id, remaining)\n"
		       "WHERE g.client_id = n.client_id AND g.id = n.id";

static const char add_holds_sql[] =
    "INSERT INTO credit_holds (client_id, id, account_id, source_id, amount, expires_at, "
    "burned_grants, burned_nanos, created_at)\n"
    "SELECT n.client_id, n.id, n.account_id, n.source_id, " CREDIT_OF_NANOS(
	"n.amount") ", "
		    "n.expires_at, n.grants::uuid[], n.nanos::bigint[], n.created_at\n"
		    "FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], "
		    "$6::timestamptz[], $7::text[], $8::text[], $9::timestamptz[]) AS n (client_id, id, "
		    "account_id, source_id, amount, expires_at, grants, nanos, created_at)";

static const char close_holds_sql[] = "DELETE FROM credit_holds AS h\n"
				      "USING unnest($1::uuid[], $2::uuid[]) AS n (client_id, id)\n"
				      "WHERE h.client_id = n.client_id AND h.id = n.id";

const char *const credit_book_statements[] = { accounts_sql, transactions_sql, details_sql,
	add_grants_sql, change_grants_sql, add_holds_sql, close_holds_sql, NULL };

#define COLUMNS_MAX 16
#define HEX_SIZE ((size_t)2 * SEAL_HASH_SIZE)

static void
add_arrays(struct db_params *params, const enum db_array_type *types, size_t count,
    struct db_array **arrays)
{
	for (size_t i = 0; i < count; i++)
		arrays[i] = db_add_array(params, types[i]);
}

static void
add_time(struct db_array *array, int64_t usec)
{
	if (usec == 0)
		db_array_null(array);
	else
		db_array_time(array, usec);
}

static struct text
text_of(const char *value)
{
	return (struct text){ .at = value, .len = value == NULL ? 0 : strlen(value) };
}

static void
add_hash(struct task *task, struct db_array *array, const uint8_t hash[SEAL_HASH_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *hex = arena_alloc(task->arena, HEX_SIZE);

	for (size_t i = 0; i < SEAL_HASH_SIZE; i++) {
		hex[2 * i] = digits[hash[i] >> 4];
		hex[2 * i + 1] = digits[hash[i] & 15];
	}
	db_array_text(array, (struct text){ hex, HEX_SIZE });
}

static void
add_account(struct task *task, struct db_array *const *a, const struct credit_account *account)
{
	const struct ledger *ledger = &account->ledger;

	db_array_id(a[0], account->client);
	db_array_id(a[1], account->id);
	db_array_int(a[2], ledger->balance);
	db_array_int(a[3], ledger->held);
	db_array_int(a[4], ledger->purchased);
	db_array_int(a[5], ledger->spent);
	db_array_int(a[6], ledger->refunded);
	db_array_int(a[7], ledger->uncovered);
	db_array_date(a[8], ledger->day);
	db_array_int(a[9], ledger->spent_today);
	db_array_date(a[10], ledger->month);
	db_array_int(a[11], ledger->spent_this_month);
	add_time(a[12], ledger->recharge_due_at);
	db_array_int(a[13], account->last_sequence);
	add_hash(task, a[14], account->last_hash);
	db_array_time(a[15], account->last_posted_at);
}

static size_t
account_step(struct task *task, const struct credit_book *book, struct db_step *ret)
{
	static const enum db_array_type types[] = { DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_INT,
		DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_DATE,
		DB_ARRAY_INT, DB_ARRAY_DATE, DB_ARRAY_INT, DB_ARRAY_TIME, DB_ARRAY_INT,
		DB_ARRAY_TEXT, DB_ARRAY_TIME };
	struct db_params *params = db_params(task);
	struct db_array *arrays[COLUMNS_MAX];
	size_t count = 0;

	add_arrays(params, types, COUNT(types), arrays);
	for (size_t i = 0; i < book->account_count; i++) {
		if (!book->accounts[i].changed)
			continue;
		add_account(task, arrays, &book->accounts[i].account);
		count++;
	}
	*ret = (struct db_step){ .sql = accounts_sql, .params = params };
	return count;
}

static void
add_transaction(struct task *task, struct db_array *const *a, const struct book_transaction *posted)
{
	const struct credit_transaction *transaction = &posted->transaction;

	db_array_id(a[0], posted->client);
	db_array_id(a[1], transaction->id);
	db_array_id(a[2], transaction->account);
	db_array_int(a[3], transaction->sequence);
	db_array_text(a[4], text_of(credit_type_names[transaction->type]));
	db_array_int(a[5], transaction->amount_nanos);
	db_array_int(a[6], transaction->balance_after);
	db_array_time(a[7], transaction->created_at);
	db_array_id(a[8], transaction->source);
	db_array_id(a[9], transaction->hold);
	db_array_id(a[10], transaction->refunded);
	db_array_id(a[11], transaction->grant);
	add_hash(task, a[12], transaction->hash);
}

static size_t
transaction_step(struct task *task, const struct credit_book *book, struct db_step *ret)
{
	static const enum db_array_type types[] = { DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID,
		DB_ARRAY_INT, DB_ARRAY_TEXT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_TIME, DB_ARRAY_ID,
		DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_TEXT };
	struct db_params *params = db_params(task);
	struct db_array *arrays[COLUMNS_MAX];

	add_arrays(params, types, COUNT(types), arrays);
	for (size_t i = 0; i < book->transaction_count; i++)
		add_transaction(task, arrays, &book->transactions[i]);
	*ret = (struct db_step){ .sql = transactions_sql, .params = params };
	return book->transaction_count;
}

static size_t
detail_step(struct task *task, const struct credit_book *book, struct db_step *ret)
{
	static const enum db_array_type types[] = { DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID,
		DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_TEXT, DB_ARRAY_ID };
	struct db_params *params = db_params(task);
	struct db_array *arrays[COLUMNS_MAX];
	size_t count = 0;

	add_arrays(params, types, COUNT(types), arrays);
	for (size_t i = 0; i < book->transaction_count; i++) {
		const struct credit_transaction *posted = &book->transactions[i].transaction;

		if (posted->description == NULL && posted->metadata.at == NULL &&
		    posted->address == NULL && id_is_nil(posted->api_key))
			continue;
		db_array_id(arrays[0], book->transactions[i].client);
		db_array_id(arrays[1], posted->id);
		db_array_id(arrays[2], posted->account);
		db_array_text(arrays[3], text_of(posted->description));
		db_array_text(arrays[4], posted->metadata);
		db_array_text(arrays[5], text_of(posted->address));
		db_array_id(arrays[6], posted->api_key);
		count++;
	}
	*ret = (struct db_step){ .sql = details_sql, .params = params };
	return count;
}

static void
add_grant(
    struct db_array *const *a, const struct book_account *account, const struct ledger_grant *grant)
{
	db_array_id(a[0], account->account.client);
	db_array_id(a[1], account->account.id);
	db_array_id(a[2], grant->id);
	db_array_int(a[3], grant->remaining);
	db_array_int(a[4], grant->amount);
	db_array_int(a[5], grant->priority);
	add_time(a[6], grant->expires_at);
	db_array_time(a[7], account->posted_at);
}

static size_t
new_grant_step(struct task *task, const struct credit_book *book, struct db_step *ret)
{
	static const enum db_array_type types[] = { DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID,
		DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_INT, DB_ARRAY_TIME, DB_ARRAY_TIME };
	struct db_params *params = db_params(task);
	struct db_array *arrays[COLUMNS_MAX];
	size_t count = 0;

	add_arrays(params, types, COUNT(types), arrays);
	for (size_t i = 0; i < book->account_count; i++) {
		const struct ledger *ledger = &book->accounts[i].account.ledger;

		for (size_t g = 0; g < ledger->grant_count; g++) {
			if (!ledger->grants[g].added)
				continue;
			add_grant(arrays, &book->accounts[i], &ledger->grants[g]);
			count++;
		}
	}
	*ret = (struct db_step){ .sql = add_grants_sql, .params = params };
	return count;
}

static size_t
grant_step(struct task *task, const struct credit_book *book, struct db_step *ret)
{
	struct db_params *params = db_params(task);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *remaining = db_add_array(params, DB_ARRAY_INT);
	size_t count = 0;

	for (size_t i = 0; i < book->account_count; i++) {
		const struct ledger *ledger = &book->accounts[i].account.ledger;

		for (size_t g = 0; g < ledger->grant_count; g++) {
			const struct ledger_grant *grant = &ledger->grants[g];

			if (!grant->changed || grant->added)
				continue;
			db_array_id(clients, book->accounts[i].account.client);
			db_array_id(ids, grant->id);
			db_array_int(remaining, grant->remaining);
			count++;
		}
	}
	*ret = (struct db_step){ .sql = change_grants_sql, .params = params };
	return count;
}

/* What the hold took, or from where, as one text: see db_array_texts(). */
static struct text
burned_of(struct task *task, const struct ledger_hold *hold, bool grants)
{
	struct buf buf = { .arena = task->arena };
	char id[ID_TEXT_SIZE];

	buf_putc(&buf, '{');
	for (size_t i = 0; i < hold->burned_count; i++) {
		buf_puts(&buf, i == 0 ? "" : ",");
		if (grants)
			buf_puts(&buf, id_format(hold->burned[i].grant, id));
		else
			buf_int(&buf, hold->burned[i].amount);
	}
	buf_putc(&buf, '}');
	return buf_text(&buf);
}

static void
add_hold(struct task *task, struct db_array *const *a, const struct book_hold *hold)
{
	db_array_id(a[0], hold->client);
	db_array_id(a[1], hold->ledger.id);
	db_array_id(a[2], hold->account->account.id);
	db_array_id(a[3], hold->source);
	db_array_int(a[4], hold->ledger.amount);
	add_time(a[5], hold->expires_at);
	db_array_text(a[6], burned_of(task, &hold->ledger, true));
	db_array_text(a[7], burned_of(task, &hold->ledger, false));
	db_array_time(a[8], hold->account->posted_at);
}

static size_t
new_hold_step(struct task *task, const struct credit_book *book, struct db_step *ret)
{
	static const enum db_array_type types[] = { DB_ARRAY_ID, DB_ARRAY_ID, DB_ARRAY_ID,
		DB_ARRAY_ID, DB_ARRAY_INT, DB_ARRAY_TIME, DB_ARRAY_TEXT, DB_ARRAY_TEXT,
		DB_ARRAY_TIME };
	struct db_params *params = db_params(task);
	struct db_array *arrays[COLUMNS_MAX];
	size_t count = 0;

	add_arrays(params, types, COUNT(types), arrays);
	for (size_t i = 0; i < book->hold_count; i++) {
		if (book->holds[i]->stored || !book->holds[i]->open)
			continue;
		add_hold(task, arrays, book->holds[i]);
		count++;
	}
	*ret = (struct db_step){ .sql = add_holds_sql, .params = params };
	return count;
}

static size_t
close_step(struct task *task, const struct credit_book *book, struct db_step *ret)
{
	struct db_params *params = db_params(task);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	size_t count = 0;

	for (size_t i = 0; i < book->hold_count; i++) {
		if (!book->holds[i]->stored || book->holds[i]->open)
			continue;
		db_array_id(clients, book->holds[i]->client);
		db_array_id(ids, book->holds[i]->ledger.id);
		count++;
	}
	*ret = (struct db_step){ .sql = close_holds_sql, .params = params };
	return count;
}

size_t
credit_steps(
    struct task *task, const struct credit_book *book, struct db_step steps[CREDIT_STEPS_MAX])
{
	/* A grant and what is said of a transaction come behind it. */
	static size_t (*const makers[])(struct task *, const struct credit_book *,
	    struct db_step *) = { account_step, transaction_step, detail_step, new_grant_step,
		grant_step, new_hold_step, close_step };
	size_t count = 0;

	_Static_assert(COUNT(makers) == CREDIT_STEPS_MAX, "a step is missing");
	for (size_t i = 0; i < COUNT(makers); i++)
		count += makers[i](task, book, &steps[count]) > 0;
	return count;
}
