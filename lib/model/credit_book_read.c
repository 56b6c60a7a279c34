/* What a batch of postings needs to know: the accounts, locked, and what belongs to them. */
#include "lib/model/credit_book_private.h"

#include <string.h>

/*
 * Before any account is locked, and in the order of the users: whoever makes one waits only for
 * others who do the same.
 */
static const char add_sql[] =
    "INSERT INTO credit_accounts (client_id, id, owner, user_id)\n"
    "SELECT n.client_id, n.id, CASE WHEN n.user_id IS NULL THEN 'client' ELSE 'user' END, "
    "n.user_id\n"
    "FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS n (client_id, id, user_id)\n"
    "WHERE CASE WHEN n.user_id IS NULL\n"
    "THEN (SELECT id FROM credit_accounts WHERE client_id = n.client_id AND owner = 'client' "
    "LIMIT 1) IS NULL\n"
    "ELSE (SELECT id FROM credit_accounts WHERE client_id = n.client_id "
    "AND user_id = n.user_id LIMIT 1) IS NULL END\n"
    "ORDER BY n.client_id, n.user_id\n"
    "ON CONFLICT DO NOTHING";

/* By user, by the hold that a call closes, by their ids; locked in the order of the ids. */
static const char lock_sql[] =
    "SELECT " CREDIT_ACCOUNT_COLUMNS "\n"
    "FROM (\n"
    "SELECT n.client_id, f.id\n"
    "FROM unnest($1::uuid[], $2::uuid[]) AS n (client_id, user_id)\n"
    "CROSS JOIN LATERAL (SELECT id FROM credit_accounts WHERE client_id = n.client_id "
    "AND user_id = n.user_id LIMIT 1) AS f\n"
    "UNION\n"
    "SELECT n.client_id, f.id\n"
    "FROM unnest($1::uuid[], $2::uuid[]) AS n (client_id, user_id)\n"
    "CROSS JOIN LATERAL (SELECT id FROM credit_accounts WHERE client_id = n.client_id "
    "AND owner = 'client' AND n.user_id IS NULL LIMIT 1) AS f\n"
    "UNION\n"
    "SELECT n.client_id, f.account_id\n"
    "FROM unnest($3::uuid[], $4::uuid[]) AS n (client_id, id)\n"
    "CROSS JOIN LATERAL (SELECT account_id FROM credit_holds WHERE client_id = n.client_id "
    "AND id = n.id LIMIT 1) AS f\n"
    "UNION\n"
    "SELECT n.client_id, n.id\n"
    "FROM unnest($5::uuid[], $6::uuid[]) AS n (client_id, id)) AS w\n"
    "JOIN credit_accounts AS a ON a.client_id = w.client_id AND a.id = w.id\n"
    "JOIN clients AS c ON c.id = a.client_id\n"
    "ORDER BY a.client_id, a.id\n"
    "FOR NO KEY UPDATE OF a";

static const char holds_sql[] =
    "SELECT h.client_id, h.id, h.account_id, h.source_id, " CREDIT_NANOS(
	"h.amount") ", "
		    "h.expires_at, h.burned_grants::text[], h.burned_nanos\n" CREDIT_BOOK_HOLDS
		    "ORDER BY h.client_id, h.expires_at, h.id";

static const char usages_sql[] = "SELECT t.client_id, t.id, t.account_id, -" CREDIT_NANOS(
    "t.amount") " - coalesce((\n"
		"SELECT " CREDIT_NANOS(
		    "sum(r.amount)") " FROM credit_transactions AS r\n"
				     "WHERE r.client_id = n.client_id AND r.refunded_id = n.id), 0)\n"
				     "FROM unnest($1::uuid[], $2::uuid[]) AS n (client_id, id)\n"
				     "JOIN credit_transactions AS t ON t.client_id = n.client_id AND t.id = n.id\n"
				     "WHERE t.transaction_type = 'usage'";

static const char sources_sql[] =
    "SELECT n.client_id, n.id, n.type::integer\n"
    "FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) "
    "AS n (client_id, id, type, name)\n"
    "CROSS JOIN LATERAL (SELECT FROM credit_transactions WHERE client_id = n.client_id "
    "AND source_id = n.id AND transaction_type = n.name LIMIT 1) AS t";

/* The bounds of time spare partitions. */
static const char records_sql[] =
    "SELECT n.client_id, n.id\n"
    "FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS n (client_id, id, created_at)\n"
    "CROSS JOIN LATERAL (SELECT FROM chat_logs WHERE client_id = n.client_id AND id = n.id "
    "AND created_at = n.created_at AND created_at >= $4 AND created_at <= $5 LIMIT 1) AS l";

const char *const credit_read_statements[] = { add_sql, lock_sql, holds_sql, usages_sql,
	sources_sql, records_sql, NULL };

static void
add_names(struct db_params *params, const struct book_names *names)
{
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);

	for (size_t i = 0; i < names->count; i++) {
		db_array_id(clients, names->at[i].client);
		db_array_id(ids, names->at[i].id);
	}
}

void
credit_book_add_accounts(struct db_params *params, const struct credit_book *book)
{
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);

	for (size_t i = 0; i < book->account_count; i++) {
		db_array_id(clients, book->accounts[i].account.client);
		db_array_id(ids, book->accounts[i].account.id);
	}
}

/*
 * Of users whose account has to be there. A new one has nothing to hold: made for that, it would
 * name a user whom nobody makes once the authorization is refused, and no batch could be committed.
 */
static bool
makes_account(const struct credit_posting *posting)
{
	return posting->type != CREDIT_RELEASE && posting->type != CREDIT_EXPIRY &&
	       posting->type != CREDIT_HOLD && id_is_nil(posting->account_id);
}

static struct db_step
add_step(struct task *task, const struct credit_book *book)
{
	struct db_params *params = db_params(task);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *users = db_add_array(params, DB_ARRAY_ID);

	for (size_t i = 0; i < book->users.count; i++) {
		if (!book->users.at[i].known)
			continue;
		db_array_id(clients, book->users.at[i].client);
		db_array_id(ids, id_new(task->now));
		db_array_id(users, book->users.at[i].id);
	}
	return (struct db_step){ .sql = add_sql, .params = params };
}

static struct db_step
lock_step(struct task *task, const struct credit_book *book)
{
	struct db_params *params = db_params(task);

	add_names(params, &book->users);
	add_names(params, &book->holds_by_id);
	add_names(params, &book->named_accounts);
	return (struct db_step){ .sql = lock_sql, .params = params };
}

static void
set_account_of_user(struct credit_book *book, struct book_account *account)
{
	struct book_name *name = NULL;

	if (account->account.owner == CREDIT_OF_CLIENT || !id_is_nil(account->account.user))
		name = credit_name_find(
		    &book->users, account->account.client, account->account.user, CREDIT_PURCHASE);
	if (name != NULL)
		name->account = account;
}

bool
credit_book_lock(struct task *task, struct credit_book *book)
{
	struct db_step steps[2];
	struct db_rows *rows[2];

	/* A name is known here if its account is to be made. */
	for (size_t i = 0; i < book->posting_count; i++) {
		const struct credit_posting *posting = &book->postings[i];

		if (makes_account(posting))
			credit_name_find(
			    &book->users, posting->client, posting->user, CREDIT_PURCHASE)
			    ->known = true;
	}
	steps[0] = add_step(task, book);
	steps[1] = lock_step(task, book);
	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	book->account_count = (size_t)db_count(rows[1]);
	book->accounts = arena_array(task->arena, book->account_count, sizeof *book->accounts);
	for (size_t i = 0; i < book->account_count; i++) {
		book->accounts[i].account = credit_account_read(rows[1], (int)i);
		set_account_of_user(book, &book->accounts[i]);
	}
	return true;
}

const struct db_params *
credit_book_hold_params(struct task *task, const struct credit_book *book)
{
	struct db_params *params = db_params(task);

	add_names(params, &book->holds_by_id);
	credit_book_add_accounts(params, book);
	db_add_time(params, task->now);
	db_add_int(params, CREDIT_OVERDUE_MAX);
	return params;
}

static struct db_step
usage_step(struct task *task, const struct credit_book *book)
{
	struct db_params *params = db_params(task);

	add_names(params, &book->usages);
	return (struct db_step){ .sql = usages_sql, .params = params };
}

static struct db_step
source_step(struct task *task, const struct credit_book *book)
{
	struct db_params *params = db_params(task);
	struct db_array *types, *names;

	add_names(params, &book->sources);
	types = db_add_array(params, DB_ARRAY_INT);
	names = db_add_array(params, DB_ARRAY_TEXT);
	for (size_t i = 0; i < book->sources.count; i++) {
		const char *name = credit_type_names[book->sources.at[i].type];

		db_array_int(types, book->sources.at[i].type);
		db_array_text(names, (struct text){ name, strlen(name) });
	}
	return (struct db_step){ .sql = sources_sql, .params = params };
}

static struct db_step
record_step(struct task *task, const struct credit_book *book)
{
	struct db_params *params = db_params(task);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *times = db_add_array(params, DB_ARRAY_TIME);
	int64_t first = task->now, last = first;

	for (size_t i = 0; i < book->posting_count; i++) {
		const struct credit_posting *posting = &book->postings[i];
		int64_t at = posting->source_created_at;

		if (posting->type != CREDIT_USAGE || id_is_nil(posting->source))
			continue;
		db_array_id(clients, posting->client);
		db_array_id(ids, posting->source);
		db_array_time(times, at);
		first = at < first ? at : first;
		last = at > last ? at : last;
	}
	db_add_time(params, first);
	db_add_time(params, last);
	return (struct db_step){ .sql = records_sql, .params = params };
}

static void
read_burned(struct task *task, const struct db_rows *rows, int row, struct ledger_hold *hold)
{
	struct json_texts grants;
	struct json_ints nanos;

	db_texts(rows, row, 6, task, &grants);
	db_ints(rows, row, 7, task, &nanos);
	hold->burned = arena_array(task->arena, grants.count, sizeof *hold->burned);
	for (size_t i = 0; i < grants.count && i < nanos.count; i++) {
		struct ledger_burn *burn = &hold->burned[hold->burned_count];

		burn->amount = nanos.at[i];
		hold->burned_count +=
		    id_parse((struct text){ grants.at[i], strlen(grants.at[i]) }, &burn->grant);
	}
}

static void
read_holds(struct task *task, struct credit_book *book, const struct db_rows *rows)
{
	book->holds = arena_array(
	    task->arena, (size_t)db_count(rows) + book->posting_count, sizeof(*book->holds));
	/* From the newest on, so that the oldest comes first in its account's list. */
	for (int i = db_count(rows); i-- > 0;) {
		struct book_hold *hold = arena_alloc(task->arena, sizeof *hold);
		struct book_name *name;

		hold->client = db_id(rows, i, 0);
		hold->ledger.id = db_id(rows, i, 1);
		hold->account = credit_book_account(book, hold->client, db_id(rows, i, 2));
		hold->source = db_id(rows, i, 3);
		hold->ledger.amount = db_int(rows, i, 4);
		hold->expires_at = db_time(rows, i, 5);
		hold->stored = hold->open = true;
		read_burned(task, rows, i, &hold->ledger);
		name = credit_name_find(
		    &book->holds_by_id, hold->client, hold->ledger.id, CREDIT_PURCHASE);
		if (name != NULL) {
			name->hold = hold;
		} else if (hold->account != NULL) {
			hold->next_overdue = hold->account->overdue;
			hold->account->overdue = hold;
		}
		book->holds[book->hold_count++] = hold;
	}
}

static void
read_usages(struct credit_book *book, const struct db_rows *rows)
{
	for (int i = 0; i < db_count(rows); i++) {
		struct book_name *name = credit_name_find(
		    &book->usages, db_id(rows, i, 0), db_id(rows, i, 1), CREDIT_PURCHASE);

		if (name == NULL)
			continue;
		name->account = credit_book_account(book, name->client, db_id(rows, i, 2));
		name->left = db_int(rows, i, 3);
	}
}

/* Those that were posted before. */
static void
read_sources(struct credit_book *book, const struct db_rows *rows, bool records)
{
	for (int i = 0; i < db_count(rows); i++) {
		enum credit_type type =
		    records ? CREDIT_USAGE : (enum credit_type)db_int(rows, i, 2);
		struct book_name *name =
		    credit_name_find(&book->sources, db_id(rows, i, 0), db_id(rows, i, 1), type);

		if (name != NULL)
			name->known = true;
	}
}

/* A call's hold says whose account pays; without one the posting does. */
static struct book_account *
account_of(const struct credit_book *book, const struct credit_posting *posting)
{
	const struct book_name *hold =
	    credit_name_find(&book->holds_by_id, posting->client, posting->hold, CREDIT_PURCHASE);
	const struct book_name *user;

	if (hold != NULL && hold->hold != NULL && hold->hold->account != NULL &&
	    !id_is_nil(posting->source))
		return hold->hold->account;
	if (!id_is_nil(posting->account_id))
		return credit_book_account(book, posting->client, posting->account_id);
	user = credit_name_find(&book->users, posting->client, posting->user, CREDIT_PURCHASE);
	return user->account;
}

static void
assign_accounts(struct task *task, struct credit_book *book)
{
	book->posting_accounts =
	    arena_array(task->arena, book->posting_count, sizeof(*book->posting_accounts));
	for (size_t i = 0; i < book->posting_count; i++) {
		struct book_account *account = account_of(book, &book->postings[i]);
		int64_t amount = book->postings[i].amount_nanos;

		book->posting_accounts[i] = account;
		if (account == NULL)
			continue;
		account->posting_count++;
		if (amount == INT64_MIN || __builtin_add_overflow(account->demand,
					       amount < 0 ? -amount : amount, &account->demand))
			account->demand = INT64_MAX;
	}
	for (size_t i = 0; i < book->hold_count; i++)
		if (book->holds[i]->account != NULL)
			book->holds[i]->account->hold_count++;
}

bool
credit_book_read(struct task *task, struct credit_book *book)
{
	struct db_step steps[6] = { { .sql = holds_sql,
	    .params = credit_book_hold_params(task, book) } };
	struct db_rows *rows[6];
	size_t count = 3, usages = 0, sources = 0;

	credit_book_grant_steps(task, book, steps + 1);
	if (book->usages.count > 0) {
		usages = count;
		steps[count++] = usage_step(task, book);
	}
	if (book->sources.count > 0) {
		sources = count;
		steps[count++] = source_step(task, book);
		steps[count++] = record_step(task, book);
	}
	if (!db_pipeline(task, steps, count, rows))
		return false;
	read_holds(task, book, rows[0]);
	if (usages > 0)
		read_usages(book, rows[usages]);
	if (sources > 0) {
		read_sources(book, rows[sources], false);
		read_sources(book, rows[sources + 1], true);
	}
	assign_accounts(task, book);
	return credit_book_take_grants(task, book, rows + 1);
}
