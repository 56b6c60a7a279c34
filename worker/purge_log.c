#include "worker/purge.h"

#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/model/budget_carry.h"
#include "lib/model/chat_log.h"
#include "lib/model/day.h"
#include "lib/model/rollup.h"
#include "worker/books.h"
#include "worker/partition.h"
#include "worker/tenants.h"

#define ROWS_BATCH 5000
/* tallyd takes records up to the client's retention ago; this long after it, none can be on its
 * way. */
#define MARGIN CLOCK_DAY
/* A partition may hold the beginning of a client's day that ends up to a day later. */
#define PARTITION_MARGIN (2 * CLOCK_DAY)

static const char longest_sql[] =
    "SELECT coalesce(max(coalesce(log_retention_days, $1::bigint)), $1::bigint) "
    "FROM clients "
    "WHERE id <> '00000000-0000-0000-0000-000000000000'";

/*
 * How many days a partition holds records of that are not closed. The clients in it are found one
 * after the other by the primary key, then whether there is a record of a day that is not closed:
 * it takes as long as there are clients, however many records they have.
 *
 * The days of a client follow each other without a gap and cover the partition, so that no record
 * is of none; one of a client that is not there is of a day that is not closed. The order of ids is
 * the order of time. The last select has a limit, or the planner joins it with all of the log.
 */
#define IN_PARTITION "l.created_at >= $1 AND l.created_at < $2 "
#define CLIENT "SELECT l.client_id FROM chat_logs l WHERE " IN_PARTITION
#define FIRST "ORDER BY l.client_id, l.id LIMIT 1"
/* The first instant of a date, as zone_day_start() has it. Of a midnight that comes twice
 * PostgreSQL takes the second; the first is by the clock that was in force some hours before. */
#define MIDNIGHT(date) "(" date ")::timestamp "
#define LAST(date) "(" MIDNIGHT(date) "AT TIME ZONE c.timezone)"
#define BEFORE(date) "(" LAST(date) " - interval '3 hours')"
#define EARLIER(date) \
	"(" BEFORE(date) " + (" MIDNIGHT(date) "- " BEFORE(date) " AT TIME ZONE c.timezone))"
#define START(date) \
	"CASE WHEN " EARLIER(date) " AT TIME ZONE c.timezone >= " MIDNIGHT( \
	    date) "THEN least(" LAST(date) ", " EARLIER(date) ") ELSE " LAST(date) " END"
#define DAY_START START("day.date")
#define DAY_END START("day.date + 1")
/* The least id of its millisecond. */
#define SINCE_ID "(lpad(to_hex((extract(epoch FROM since) * 1000)::bigint), 12, '0') " LEAST_ID
#define UNTIL_ID "(lpad(to_hex((extract(epoch FROM until) * 1000)::bigint), 12, '0') " LEAST_ID
#define LEAST_ID "|| repeat('0', 20))::uuid "
static const char open_days_sql[] =
    "WITH RECURSIVE owners AS ("
    "SELECT (" CLIENT FIRST ") AS id "
    "UNION ALL "
    "SELECT (" CLIENT "AND l.client_id > o.id " FIRST ") "
    "FROM owners o "
    "WHERE o.id IS NOT NULL), "
    "days AS ("
    "SELECT c.id, day.date, "
    "greatest($1, " DAY_START ") AS since, least($2, " DAY_END ") AS until "
    "FROM owners o "
    "JOIN clients c ON c.id = o.id "
    "CROSS JOIN LATERAL ("
    "SELECT ($1 AT TIME ZONE c.timezone)::date + n AS date "
    "FROM generate_series(-1, 2) AS n) AS day) "
    "SELECT (SELECT count(*) "
    "FROM days "
    "WHERE since < until "
    "AND NOT EXISTS ("
    "SELECT FROM daily_costs d "
    "WHERE d.client_id = days.id AND d.date = days.date AND d.closed_at IS NOT NULL) "
    "AND (SELECT true "
    "FROM chat_logs l "
    "WHERE " IN_PARTITION "AND l.client_id = days.id "
    "AND l.id >= " SINCE_ID "AND l.id < " UNTIL_ID
    "AND l.created_at >= since AND l.created_at < until "
    "LIMIT 1)) + "
    "(SELECT count(*) "
    "FROM owners o "
    "WHERE o.id IS NOT NULL "
    "AND NOT EXISTS (SELECT FROM clients c WHERE c.id = o.id))";

/* The last record of a batch; all those of its time, in whole milliseconds, go with it. */
static const char batch_sql[] = "SELECT created_at "
				"FROM chat_logs "
				"WHERE client_id = $1 "
				"AND id < $2 "
				"AND created_at < $3 "
				"ORDER BY id "
				"OFFSET $4 "
				"LIMIT 1";

static const char delete_sql[] = "DELETE FROM chat_logs "
				 "WHERE client_id = $1 "
				 "AND id < $2 "
				 "AND created_at < $3";

/* The last day that may be closed. */
static int32_t
last_day(const struct task *task, const struct tenant *tenant)
{
	int64_t kept = tenant->log_retention_days * CLOCK_DAY + MARGIN;

	/* The day before the one in which that instant lies is over by then. */
	return task->now < kept ? -1 : zone_date(tenant->zone, task->now - kept) - 1;
}

/* *ret_whole false: records of the day are on their way, and it has to wait. */
static bool
correct_day(
    struct command_context *context, const struct tenant *tenant, int32_t date, bool *ret_whole)
{
	struct books books;

	if (!books_read(context->task, tenant->zone, date, &books))
		return false;
	*ret_whole = !books.open && books.verdict != BOOKS_LATE;
	if (!*ret_whole)
		return true;
	if (books.verdict == BOOKS_DRIFT)
		books_print(context, tenant, &books, BOOK_DAILY_COSTS, NULL, !context->dry_run);
	return context->dry_run || day_correct(context->task, &books.log);
}

/*
 * From here on the day is kept as it is: its row is set from the log while the log is whole, unless
 * reconcile has found them equal. A day that Redis still counts, or that flush or rollup are yet to
 * sum again, has to wait.
 */
static bool
close_day(
    struct command_context *context, const struct tenant *tenant, int32_t date, bool *ret_closed)
{
	struct task *task = context->task;
	enum day_state state;
	bool whole = true;

	if (!day_lock(task) || !day_find_state(task, tenant->zone, date, &state))
		return false;
	*ret_closed = state == DAY_CLOSED;
	if (state == DAY_OPEN && !correct_day(context, tenant, date, &whole))
		return false;
	if (state == DAY_CLOSED || !whole || context->dry_run)
		return true;
	if (!rollup_close(task, zone_day_start(tenant->zone, date + 1), ret_closed))
		return false;
	if (!*ret_closed)
		return true;
	if (!day_close(task, date))
		return false;
	FAILPOINT("purge-closed");
	return db_commit(task);
}

/* Closes what may be closed, one day after the other; *ret_all false: a day has to wait, and those
 * behind it. */
static bool
close_days(struct command_context *context, const struct tenant *tenant, bool *ret_all)
{
	struct task *task = context->task;
	int32_t date, last = last_day(task, tenant);
	bool any, closed;

	*ret_all = true;
	for (date = 0; date <= last; date++) {
		if (!day_next(task, tenant->zone, date, &any, &date) || !db_commit(task))
			return false;
		if (!any || date > last)
			return true;
		if (!close_day(context, tenant, date, &closed))
			return false;
		db_rollback(task);
		*ret_all = *ret_all && closed;
		if (!closed && !context->dry_run)
			return true;
	}
	return true;
}

static bool
count_open_days(struct task *task, int32_t date, int64_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_time(params, date * CLOCK_DAY);
	db_add_time(params, (date + 1) * CLOCK_DAY);
	if (!db_query(task, open_days_sql, params, &rows) || !db_commit(task))
		return false;
	*ret = db_int(rows, 0, 0);
	return true;
}

/* The log is dropped once its days are closed; nothing is ever summed from the others. */
static bool
drop_one(struct command_context *context, enum partitioned table, const struct partition *partition,
    struct job_result *result)
{
	int64_t open_days = 0;

	if (table == PARTITIONED_LOG &&
	    !count_open_days(context->task, partition->date, &open_days))
		return false;
	FAILPOINT("purge-partition");
	return purge_partition(context, table, partition, open_days, result);
}

static bool
drop_partitions(struct command_context *context, enum partitioned table, int64_t longest_days,
    struct job_result *result)
{
	struct task *task = context->task;
	int64_t kept = longest_days * CLOCK_DAY + PARTITION_MARGIN;
	struct partitions partitions;

	if (!partition_list(task, table, &partitions))
		return false;
	for (size_t i = 0; i < partitions.count; i++) {
		const struct partition *partition = &partitions.at[i];

		if ((partition->date + 1) * CLOCK_DAY + kept > task->now)
			break;
		if (!drop_one(context, table, partition, result))
			return false;
	}
	return true;
}

static struct db_params *
make_bounds(struct task *task, int64_t before)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(before));
	db_add_time(params, before);
	return params;
}

/* The end of at least ROWS_BATCH records, or of all. */
static bool
find_batch(struct task *task, int64_t before, int64_t *ret_end)
{
	struct db_params *params = make_bounds(task, before);
	struct db_rows *rows;

	db_add_int(params, ROWS_BATCH - 1);
	if (!db_query(task, batch_sql, params, &rows))
		return false;
	*ret_end = db_count(rows) == 0 ? before : db_time(rows, 0, 0) + 1000;
	return true;
}

/* What the records spent of a budget is kept by the transaction that removes them. */
static bool
delete_batch(struct task *task, int64_t before, int64_t *ret_count)
{
	const struct arena_mark mark = arena_mark(task->arena);
	struct db_rows *rows;
	int64_t end;

	if (!find_batch(task, before, &end) ||
	    !budget_carry_keep(task, (struct window){ 0, end }) ||
	    !db_query(task, delete_sql, make_bounds(task, end), &rows))
		return false;
	*ret_count = db_changed(rows);
	FAILPOINT("purge-deleted");
	if (!db_commit(task))
		return false;
	arena_undo(task->arena, mark);
	return true;
}

static bool
delete_rows(struct command_context *context, const struct tenant *tenant, struct job_result *result)
{
	struct output_line line = output_line(context, "purge");
	int32_t last = last_day(context->task, tenant);
	int64_t count, total = 0;

	if (last < 0)
		return true;
	do {
		if (!delete_batch(context->task, zone_day_start(tenant->zone, last + 1), &count))
			return false;
		total += count;
	} while (count >= ROWS_BATCH);
	result->rows += total;
	if (total == 0)
		return true;
	output_text(&line, "what", "records");
	output_id(&line, "client", tenant->id);
	output_int(&line, "rows", total);
	output_print(&line);
	return true;
}

static bool
find_longest(struct command_context *context, int64_t *ret)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_int(params, context->conf.log_retention_days);
	if (!db_query(task, longest_sql, params, &rows) || !db_commit(task))
		return false;
	*ret = db_int(rows, 0, 0);
	return true;
}

static bool
close_tenant(struct command_context *context, const struct tenant *tenant, int64_t longest_days,
    struct job_result *result)
{
	bool all;

	if (!close_days(context, tenant, &all))
		return false;
	/* Whoever keeps records the longest has them removed with their partition, not one by one.
	 */
	if (context->dry_run)
		return true;
	if (!budget_carry_forget(context->task) || !db_commit(context->task))
		return false;
	if (!all || tenant->log_retention_days >= longest_days)
		return true;
	return delete_rows(context, tenant, result);
}

bool
purge_log(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };
	int64_t longest_days;

	if (!find_longest(context, &longest_days))
		return false;
	while (tenants_next(&tenants))
		tenants_done(
		    &tenants, close_tenant(context, &tenants.tenant, longest_days, result));
	return tenants_end(&tenants) &&
	       drop_partitions(context, PARTITIONED_LOG, longest_days, result) &&
	       drop_partitions(context, PARTITIONED_AUTHORIZATIONS, longest_days, result);
}
