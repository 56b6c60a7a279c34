/* The grants of the accounts in a book: as many as its postings need. */
#include "lib/model/credit_book_private.h"

/* The first of each account, in the order in which they burn; should these not cover what is
 * posted, all of them are read. */
#define GRANTS_READ 100

#define COLUMNS \
	"g.client_id, g.account_id, g.id, " CREDIT_NANOS("g.amount") ", " CREDIT_NANOS( \
	    "g.remaining") ", g.priority, g.expires_at"

static const char open_sql[] =
    "SELECT " COLUMNS ", false\n"
    "FROM unnest($1::uuid[], $2::uuid[]) AS w (client_id, account_id)\n"
    "CROSS JOIN LATERAL (SELECT * FROM credit_grants WHERE client_id = w.client_id "
    "AND account_id = w.account_id AND NOT used_up ORDER BY priority, expires_at, id LIMIT $3) "
    "AS g\n"
    "UNION ALL\n"
    "SELECT " COLUMNS ", true\n"
    "FROM unnest($1::uuid[], $2::uuid[]) AS w (client_id, account_id)\n"
    "CROSS JOIN LATERAL (SELECT * FROM credit_grants WHERE client_id = w.client_id "
    "AND expires_at <= $4 AND account_id = w.account_id AND NOT used_up ORDER BY expires_at "
    "LIMIT $3) AS g";

/* Where the holds give back to that may be closed. */
static const char of_holds_sql[] =
    "SELECT DISTINCT " COLUMNS ", true\n" CREDIT_BOOK_HOLDS
    "CROSS JOIN LATERAL unnest(h.burned_grants) AS b (id)\n"
    "CROSS JOIN LATERAL (SELECT * FROM credit_grants WHERE client_id = h.client_id "
    "AND id = b.id LIMIT 1) AS g";

const char *const credit_grant_statements[] = { open_sql, of_holds_sql, NULL };

static struct db_step
open_step(struct task *task, const struct credit_book *book, int64_t limit)
{
	struct db_params *params = db_params(task);

	credit_book_add_accounts(params, book);
	db_add_int(params, limit);
	db_add_time(params, task->now);
	return (struct db_step){ .sql = open_sql, .params = params };
}

void
credit_book_grant_steps(struct task *task, const struct credit_book *book, struct db_step steps[2])
{
	steps[0] = open_step(task, book, GRANTS_READ);
	steps[1] = (struct db_step){ of_holds_sql, credit_book_hold_params(task, book) };
}

static struct book_account *
account_of(const struct credit_book *book, const struct db_rows *rows, int row)
{
	return credit_book_account(book, db_id(rows, row, 0), db_id(rows, row, 1));
}

/* Room for those read and those that postings and releases may make. */
static void
make_room(
    struct task *task, struct credit_book *book, const struct db_rows *const *rows, size_t count)
{
	for (size_t i = 0; i < book->account_count; i++)
		book->accounts[i].grant_room =
		    book->accounts[i].posting_count + book->accounts[i].hold_count + 1;
	for (size_t i = 0; i < count; i++) {
		for (int row = 0; row < db_count(rows[i]); row++) {
			struct book_account *account = account_of(book, rows[i], row);

			if (account != NULL)
				account->grant_room++;
		}
	}
	for (size_t i = 0; i < book->account_count; i++) {
		struct ledger *ledger = &book->accounts[i].account.ledger;

		ledger->grants =
		    arena_array(task->arena, book->accounts[i].grant_room, sizeof *ledger->grants);
		ledger->grant_count = 0;
	}
}

static bool
has_grant(const struct ledger *ledger, struct id id)
{
	for (size_t i = 0; i < ledger->grant_count; i++)
		if (id_equal(ledger->grants[i].id, id))
			return true;
	return false;
}

/* again: rows that may have been among others. */
static void
add_rows(const struct credit_book *book, const struct db_rows *rows, bool again)
{
	for (int i = 0; i < db_count(rows); i++) {
		struct book_account *account = account_of(book, rows, i);
		struct id id = db_id(rows, i, 2);

		if (db_bool(rows, i, 7) != again || account == NULL ||
		    (again && has_grant(&account->account.ledger, id)))
			continue;
		ledger_add_grant(&account->account.ledger, (struct ledger_grant){
							       .id = id,
							       .amount = db_int(rows, i, 3),
							       .remaining = db_int(rows, i, 4),
							       .priority = db_int(rows, i, 5),
							       .expires_at = db_time(rows, i, 6),
							   });
	}
}

/* What the first grants are worth that have not expired. */
static bool
covers(const struct task *task, const struct book_account *account)
{
	const struct ledger *ledger = &account->account.ledger;
	int64_t left = account->demand;

	for (size_t i = 0; i < ledger->grant_count && left > 0; i++) {
		const struct ledger_grant *grant = &ledger->grants[i];

		if (grant->expires_at == 0 || grant->expires_at > task->now)
			left -= grant->remaining;
	}
	return left <= 0;
}

/* Whether some account may have more grants than were read, and needs them. */
static bool
needs_more(struct task *task, const struct credit_book *book, const struct db_rows *open)
{
	for (int row = 0; row < db_count(open); row++) {
		struct book_account *account = account_of(book, open, row);

		if (account != NULL && db_bool(open, row, 7))
			account->expired_read++;
		else if (account != NULL)
			account->grants_read++;
	}
	for (size_t i = 0; i < book->account_count; i++) {
		const struct book_account *account = &book->accounts[i];

		if (account->expired_read == GRANTS_READ ||
		    (account->grants_read == GRANTS_READ && !covers(task, account)))
			return true;
	}
	return false;
}

static void
fill(struct task *task, struct credit_book *book, const struct db_rows *open,
    const struct db_rows *of_holds)
{
	const struct db_rows *rows[] = { open, of_holds };

	make_room(task, book, rows, COUNT(rows));
	add_rows(book, open, false);
	add_rows(book, open, true);
	add_rows(book, of_holds, true);
}

bool
credit_book_take_grants(struct task *task, struct credit_book *book, struct db_rows *const rows[2])
{
	struct db_step step;
	struct db_rows *all;

	fill(task, book, rows[0], rows[1]);
	if (!needs_more(task, book, rows[0]))
		return true;
	step = open_step(task, book, INT64_MAX);
	if (!db_pipeline(task, &step, 1, &all))
		return false;
	fill(task, book, all, rows[1]);
	return true;
}
