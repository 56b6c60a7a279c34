#include "lib/model/credit_due.h"

#include "lib/model/credit_book.h"

static const char count_sql[] =
    "SELECT (SELECT count(*) FROM credit_holds WHERE client_id = $1 AND expires_at <= $2)\n"
    "+ (SELECT count(*) FROM credit_grants WHERE client_id = $1 AND expires_at <= $2 "
    "AND NOT used_up)";

static const char list_sql[] = "(SELECT account_id\n"
			       "FROM credit_holds\n"
			       "WHERE client_id = $1 AND expires_at <= $2\n"
			       "ORDER BY expires_at\n"
			       "LIMIT $3)\n"
			       "UNION\n"
			       "(SELECT account_id\n"
			       "FROM credit_grants\n"
			       "WHERE client_id = $1 AND expires_at <= $2 AND NOT used_up\n"
			       "ORDER BY expires_at\n"
			       "LIMIT $3)\n"
			       "LIMIT $3";

const char *const credit_due_statements[] = { count_sql, list_sql, NULL };

bool
credit_due_count(struct task *task, int64_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_time(params, task->now);
	if (!db_query_one(task, count_sql, params, &rows))
		return false;
	*ret = db_int(rows, 0, 0);
	return true;
}

static bool
list(struct task *task, struct credit_posting **ret, size_t *ret_count)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_time(params, task->now);
	db_add_int(params, CREDIT_DUE_ACCOUNTS);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	*ret_count = (size_t)db_count(rows);
	*ret = arena_array(task->arena, *ret_count, sizeof **ret);
	for (size_t i = 0; i < *ret_count; i++)
		(*ret)[i] = (struct credit_posting){ .client = task->client,
			.account_id = db_id(rows, (int)i, 0),
			.type = CREDIT_EXPIRY };
	return true;
}

bool
credit_due_settle(struct task *task, int64_t *ret_posted)
{
	struct db_step steps[CREDIT_STEPS_MAX];
	struct credit_posting *postings;
	struct credit_book *book;
	size_t count;
	bool unknown;

	*ret_posted = 0;
	if (!list(task, &postings, &count))
		return false;
	if (count == 0)
		return db_commit(task);
	if (!credit_decide(task, postings, count, &book) ||
	    !db_pipeline_commit(task, steps, credit_steps(task, book, steps), NULL, &unknown))
		return false;
	*ret_posted = (int64_t)credit_book_count(book);
	return true;
}
