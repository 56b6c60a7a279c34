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

struct portion {
	struct arena *arena; /* its own: the next one is read before it is stored */
	struct id *clients;
	size_t count;
	struct counter_open_days open; /* of those that have one */
};

struct open_days {
	struct command_context *context;
	struct arena *arena; /* outlives the portions */
	struct portion portions[2];
	struct id *rest;
	size_t rest_count, rest_room;
};

struct open_days *
open_days_new(struct command_context *context)
{
	struct arena *arena = arena_new();
	struct open_days *open = arena_alloc(arena, sizeof(*open));

	open->context = context;
	open->arena = arena;
	for (size_t i = 0; i < COUNT(open->portions); i++)
		open->portions[i].arena = arena_new();
	return open;
}

void
open_days_free(struct open_days *open)
{
	for (size_t i = 0; i < COUNT(open->portions); i++)
		arena_free(open->portions[i].arena);
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
		portion->open.list[portion->open.count++] = (struct counter_open_day){
			.client = client,
			.epoch = db_int(rows, row, 2),
			.date = db_date(rows, row, 3),
		};
	}
}

static bool
list_clients(struct open_days *open, struct id after, struct portion *portion)
{
	struct task *task = open->context->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, after);
	db_add_int(params, OPEN_DAYS_PORTION);
	if (!db_query(task, list_sql, params, &rows) || !db_commit(task))
		return false;
	task->now = clock_now();
	portion->count = 0;
	portion->clients = arena_array(task->arena, OPEN_DAYS_PORTION, sizeof(*portion->clients));
	portion->open = (struct counter_open_days){
		.list = arena_array(task->arena, OPEN_DAYS_PORTION, sizeof(*portion->open.list)),
	};
	for (int row = 0; row < db_count(rows); row++)
		take_row(open, rows, row, portion);
	return true;
}

/* Lists the portion behind that client and asks Redis for it. */
static bool
begin_portion(struct open_days *open, struct id after, struct portion *portion)
{
	struct task *task = open->context->task;
	struct arena *arena = task->arena;
	bool ok;

	arena_reset(portion->arena);
	task->arena = portion->arena;
	ok = list_clients(open, after, portion);
	if (ok)
		counter_open_days_ask(task, &portion->open);
	task->arena = arena;
	return ok;
}

/* What Redis has of the portion, as rows; who cannot be told so is left. */
static size_t
read_days(struct open_days *open, struct portion *portion, struct client_day *days)
{
	struct task *task = open->context->task;
	size_t count = 0;

	for (size_t i = 0; i < portion->open.count; i++) {
		const struct counter_open_day *one = &portion->open.list[i];

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
store_days(struct open_days *open, const struct portion *portion, const struct client_day *days,
    size_t count, struct job_result *result)
{
	struct task *task = open->context->task;
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

/*
 * While PostgreSQL stores the portion, Redis already reads the next one. What it says of that is a
 * little older then, which is as good: a day only rises.
 */
static bool
end_portion(struct open_days *open, struct portion *portion, struct portion *next,
    struct job_result *result)
{
	struct task *task = open->context->task;
	struct client_day *days;
	size_t count;

	counter_open_days_receive(task, &portion->open);
	days = arena_array(task->arena, portion->open.count, sizeof(*days));
	count = read_days(open, portion, days);
	if (portion->count < OPEN_DAYS_PORTION)
		next->count = 0;
	else if (!begin_portion(open, portion->clients[portion->count - 1], next))
		return false;
	return store_days(open, portion, days, count, result);
}

bool
open_days_flush(struct open_days *open, struct job_result *result)
{
	struct task *task = open->context->task;
	struct arena_mark begin = arena_mark(task->arena);
	struct portion *portion = &open->portions[0], *next = &open->portions[1];

	task->client = (struct id){ 0 };
	if (!begin_portion(open, first, portion))
		return false;
	while (portion->count > 0) {
		struct portion *done = portion;

		if (!end_portion(open, portion, next, result))
			return false;
		arena_undo(task->arena, begin);
		portion = next;
		next = done;
	}
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
