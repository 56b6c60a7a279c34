#include "worker/open_days.h"

#include <stdlib.h>

#include "lib/failpoint.h"
#include "lib/model/day.h"
#include "lib/model/late_days.h"
#include "worker/flush.h"

/* A lateral with a limit: joined, the planner reads all states for each portion. */
static const char list_sql[] = "SELECT c.id, c.timezone, s.epoch, s.day, s.bypassed "
			       "FROM clients c "
			       "LEFT JOIN LATERAL ("
			       "SELECT epoch, day, bypassed "
			       "FROM counter_states "
			       "WHERE client_id = c.id "
			       "LIMIT 1) AS s ON true "
			       "WHERE c.id > $1 "
			       "ORDER BY c.id "
			       "LIMIT $2";

/* The nil id is the operator's and bound as NULL; the id behind it is before every other. */
static const struct id first = { .bytes = { [15] = 1 } };

struct open_days {
	struct command_context *context;
	struct arena *arena; /* outlives the portions */
	struct id *rest;
	size_t rest_count, rest_room;
};

struct portion {
	struct id *clients;
	size_t count;
	struct counter_open_day *open; /* of those that have one */
	size_t open_count;
};

struct open_days *
open_days_new(struct command_context *context)
{
	struct arena *arena = arena_new();
	struct open_days *open = arena_alloc(arena, sizeof(*open));

	open->context = context;
	open->arena = arena;
	return open;
}

void
open_days_free(struct open_days *open)
{
	arena_free(open->arena);
}

static void
leave(struct open_days *open, struct id client)
{
	if (open->rest_count == open->rest_room) {
		size_t room = open->rest_room == 0 ? 256 : 2 * open->rest_room;
		struct id *more = arena_array(open->arena, room, sizeof(*more));

		for (size_t i = 0; i < open->rest_count; i++)
			more[i] = open->rest[i];
		open->rest = more;
		open->rest_room = room;
	}
	open->rest[open->rest_count++] = client;
}

/* A client without counters has no open day. One whose day is over, or whose count is broken, needs
 * another epoch first; one of an unknown zone is told of when its turn comes. */
static void
take_row(struct open_days *open, const struct db_rows *rows, int row, struct portion *portion)
{
	struct task *task = open->context->task;
	struct id client = db_id(rows, row, 0);
	const struct zone *zone;

	portion->clients[portion->count++] = client;
	if (!zone_find(task, db_text(rows, row, 1), &zone)) {
		task_clear_error(task);
		leave(open, client);
	} else if (db_null(rows, row, 2)) {
		return;
	} else if (db_bool(rows, row, 4) || db_date(rows, row, 3) != zone_date(zone, task->now)) {
		leave(open, client);
	} else {
		portion->open[portion->open_count++] = (struct counter_open_day){
			.client = client,
			.epoch = db_int(rows, row, 2),
			.date = db_date(rows, row, 3),
		};
	}
}

static bool
read_portion(struct open_days *open, struct id after, struct portion *ret)
{
	struct task *task = open->context->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, after);
	db_add_int(params, OPEN_DAYS_PORTION);
	if (!db_query(task, list_sql, params, &rows) || !db_commit(task))
		return false;
	task->now = clock_now();
	*ret = (struct portion){
		.clients = arena_array(task->arena, OPEN_DAYS_PORTION, sizeof(*ret->clients)),
		.open = arena_array(task->arena, OPEN_DAYS_PORTION, sizeof(*ret->open)),
	};
	for (int row = 0; row < db_count(rows); row++)
		take_row(open, rows, row, ret);
	return true;
}

/* What Redis has of the portion, as rows; who cannot be told so is left. */
static size_t
read_days(struct open_days *open, struct portion *portion, struct client_day *days)
{
	struct task *task = open->context->task;
	size_t count = 0;

	counter_open_days(task, portion->open, portion->open_count);
	for (size_t i = 0; i < portion->open_count; i++) {
		const struct counter_open_day *one = &portion->open[i];

		if (!one->found || flush_is_left_behind(task, &one->counted))
			leave(open, one->client);
		else if (one->counted.confirmed.at[TOTAL_REQUESTS] > 0)
			days[count++] = (struct client_day){
				.client = one->client,
				.day = { .date = one->date,
				    .totals = one->counted.confirmed,
				    .unique_users = one->counted.users },
			};
	}
	return count;
}

static bool
raise_days(struct task *task, const struct client_day *days, size_t count, int64_t *ret_changed)
{
	*ret_changed = 0;
	if (count == 0)
		return true;
	FAILPOINT("flush-read");
	if (!day_raise_all(task, days, count, ret_changed))
		return false;
	FAILPOINT("flush-raised");
	return db_commit(task);
}

static bool
forget_batches(struct task *task, const struct portion *portion)
{
	int64_t count;

	do {
		if (!late_days_forget_all(task, portion->clients, portion->count,
			task->now - FLUSH_BATCHES_KEPT, &count) ||
		    !db_commit(task))
			return false;
	} while (count == LATE_DAYS_BATCHES_MAX);
	return true;
}

/* One client that PostgreSQL refuses must not keep the others from their turn: then each is taken
 * by itself. */
static bool
flush_portion(struct open_days *open, struct portion *portion, struct job_result *result)
{
	struct task *task = open->context->task;
	struct client_day *days = arena_array(task->arena, portion->open_count, sizeof(*days));
	size_t count = read_days(open, portion, days);
	int64_t changed;

	if (raise_days(task, days, count, &changed)) {
		result->rows += changed;
		FAILPOINT("flush-written");
		if (forget_batches(task, portion))
			return true;
	}
	db_rollback(task);
	if (task->err.code == ERR_UNAVAILABLE)
		return false;
	task_clear_error(task);
	for (size_t i = 0; i < count; i++)
		leave(open, days[i].client);
	return true;
}

bool
open_days_flush(struct open_days *open, struct job_result *result)
{
	struct task *task = open->context->task;
	struct arena_mark begin = arena_mark(task->arena);
	struct id after = first;
	struct portion portion;

	task->client = (struct id){ 0 };
	do {
		if (!read_portion(open, after, &portion) || !flush_portion(open, &portion, result))
			return false;
		if (portion.count > 0)
			after = portion.clients[portion.count - 1];
		arena_undo(task->arena, begin);
	} while (portion.count == OPEN_DAYS_PORTION);
	return true;
}

static int
compare_ids(const void *a, const void *b)
{
	return id_compare(*(const struct id *)a, *(const struct id *)b);
}

bool
open_days_rest(struct open_days *open, const struct id **ret, size_t *ret_count)
{
	struct task *task = open->context->task;
	const struct id *late;
	size_t late_count, kept = 0;

	if (!late_days_clients(task, &late, &late_count) || !db_commit(task))
		return false;
	for (size_t i = 0; i < late_count; i++)
		leave(open, late[i]);
	if (open->rest_count > 0)
		qsort(open->rest, open->rest_count, sizeof(*open->rest), compare_ids);
	for (size_t i = 0; i < open->rest_count; i++) {
		if (kept == 0 || !id_equal(open->rest[kept - 1], open->rest[i]))
			open->rest[kept++] = open->rest[i];
	}
	*ret = open->rest;
	*ret_count = kept;
	return true;
}
