#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "lib/model/counter.h"
#include "lib/model/counter_private.h"
#include "lib/model/daily_cost.h"

/* Users are told to Redis in portions of so many. */
#define LOAD_USERS 1000
/* How often a load is tried before the answer comes from the log instead. */
#define LOAD_TRIES 3

/* One load at a time in a process: those who wait find it done, instead of summing the same day. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

static const char epoch_sql[] = "SELECT epoch, bypassed "
				"FROM counter_states "
				"WHERE client_id = $1";

static const char users_sql[] = "SELECT DISTINCT user_id "
				"FROM chat_logs "
				"WHERE client_id = $1 "
				"AND id >= $2 AND id < $3 "
				"AND created_at >= $4 AND created_at < $5 "
				"AND user_id IS NOT NULL";

static const char committed_sql[] = "SELECT id "
				    "FROM ingest_batches "
				    "WHERE client_id = $1 "
				    "AND id = ANY ($2)";

/* ARGV: epoch, run, seconds, users... */
static struct redis_script users_script = { .source = COUNTER_LUA_STATE
					    "local s = state()\n"
					    "if s ~= 'loading' then return s end\n"
					    "redis.call('SADD', KEYS[3], unpack(ARGV, 4))\n"
					    "redis.call('EXPIRE', KEYS[3], ARGV[3])\n"
					    "return s\n" };

/*
 * ARGV: epoch, run, the sums of the log one by one, ids of batches that these sums hold... What was
 * confirmed meanwhile and is not in the sums is added; what is in the sums and not yet confirmed is
 * marked, so that its confirmation adds nothing.
 */
static struct redis_script load_script = {
	.source = COUNTER_LUA_STATE COUNTER_LUA_ADD
	"local s = state()\n"
	"if s ~= 'loading' then return s end\n"
	"local n = " COUNTER_LUA_TOTALS "\n"
	"for i = 0, n - 1 do redis.call('HSET', KEYS[1], i, ARGV[3 + i]) end\n"
	"local included = {}\n"
	"for i = 3 + n, #ARGV do included[ARGV[i]] = true end\n"
	"local entries = redis.call('HGETALL', KEYS[2])\n"
	"for i = 1, #entries, 2 do\n"
	"  local batch, entry = entries[i], entries[i + 1]\n"
	"  local confirmed = string.sub(entry, 1, 1) == 'c'\n"
	"  if included[batch] and not confirmed then\n"
	"    redis.call('HSET', KEYS[2], batch, 'i' .. string.sub(entry, 2))\n"
	"  elseif included[batch] then\n"
	"    redis.call('HDEL', KEYS[2], batch)\n"
	"  elseif confirmed then\n"
	"    add(string.sub(entry, 3))\n"
	"    redis.call('HDEL', KEYS[2], batch)\n"
	"  end\n"
	"end\n"
	"redis.call('HSET', KEYS[1], 'ready', 1)\n"
	"return 'ready'\n"
};

static bool
run_one(struct task *task, struct redis_command *command, enum counter_answer *ret)
{
	struct redis_reply reply;

	*ret = COUNTER_AWAY;
	if (redis_run(task, &command, 1, &reply))
		*ret = counter_read_answer(&reply);
	else
		task_clear_error(task);
	return *ret == COUNTER_OK;
}

static bool
send_users(struct task *task, const struct counter_state *state, const struct db_rows *rows,
    enum counter_answer *ret)
{
	struct redis_command *command;

	if (!counter_command(task, &users_script, task->client, state->epoch, &command)) {
		task_clear_error(task);
		*ret = COUNTER_AWAY;
		return false;
	}
	redis_add_int(command, COUNTER_EXPIRE_S);
	for (int i = 0; i < db_count(rows); i++)
		redis_add_n(command, db_id(rows, i, 0).bytes, sizeof(struct id));
	return run_one(task, command, ret);
}

/* False only when PostgreSQL fails; a problem of Redis is in *ret. */
static bool
load_users(struct task *task, const struct zone *zone, const struct counter_state *state,
    enum counter_answer *ret)
{
	struct db_params *params = db_params(task);
	int64_t start = zone_day_start(zone, state->day);
	int64_t end = zone_day_start(zone, state->day + 1);
	struct db_cursor *cursor;
	struct db_rows *rows;

	*ret = COUNTER_OK;
	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(start));
	db_add_id(params, chat_log_first_id(end));
	db_add_time(params, start);
	db_add_time(params, end);
	if (!db_cursor_open(task, users_sql, params, &cursor))
		return false;
	do {
		struct arena_mark mark = arena_mark(task->arena);

		if (!db_cursor_next(task, cursor, LOAD_USERS, &rows))
			return false;
		if (db_count(rows) > 0 && !send_users(task, state, rows, ret))
			return true;
		if (db_count(rows) < LOAD_USERS)
			return true;
		arena_undo(task->arena, mark);
	} while (true);
}

/* Of the batches pending now, those that the transaction's snapshot holds, as arguments of the
 * load. */
static bool
add_committed(
    struct task *task, const struct counter_pending *pending, struct redis_command *command)
{
	struct db_params *params = db_params(task);
	struct db_array *ids;
	struct db_rows *rows;
	char text[ID_TEXT_SIZE];

	if (pending->count == 0)
		return true;
	db_add_id(params, task->client);
	ids = db_add_array(params, DB_ARRAY_ID);
	for (size_t i = 0; i < pending->count; i++)
		db_array_id(ids, pending->batches[i]);
	if (!db_query(task, committed_sql, params, &rows))
		return false;
	for (int i = 0; i < db_count(rows); i++)
		redis_add(command, id_format(db_id(rows, i, 0), text));
	return true;
}

static bool
load_sums(struct task *task, const struct zone *zone, const struct counter_state *state,
    enum counter_answer *ret)
{
	struct counter_pending pending;
	struct redis_command *command;
	struct daily_cost day;

	*ret = COUNTER_AWAY;
	if (!daily_cost_sum(task, zone, state->day, &day))
		return false;
	/*
	 * After the snapshot, which the first query took: a batch that is announced later than this
	 * cannot be in it, so these are all the batches of which it must be asked.
	 */
	if (!counter_list_pending(task, &pending) ||
	    !counter_command(task, &load_script, task->client, state->epoch, &command)) {
		task_clear_error(task);
		return true;
	}
	for (int i = 0; i < TOTAL_COUNT; i++)
		redis_add_int(command, day.totals.at[i]);
	if (!add_committed(task, &pending, command))
		return false;
	(void)run_one(task, command, ret);
	return true;
}

bool
counter_load(struct task *task, const struct zone *zone, const struct counter_state *state,
    enum counter_answer *ret_answer)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	assert(task->db == NULL);
	db_set_snapshot(task);
	db_add_id(params, task->client);
	if (!db_query_one(task, epoch_sql, params, &rows))
		return false;
	if (db_int(rows, 0, 0) != state->epoch || db_bool(rows, 0, 1)) {
		*ret_answer = COUNTER_OVER;
		return db_commit(task);
	}
	if (!load_users(task, zone, state, ret_answer))
		return false;
	if (*ret_answer == COUNTER_OK && !load_sums(task, zone, state, ret_answer))
		return false;
	return db_commit(task);
}

/* Whether the view is a complete count of the state's epoch. */
static bool
is_good(const struct counter_view *view, const struct counter_state *state)
{
	return view->answer == COUNTER_OK && view->loaded && view->epoch >= state->epoch &&
	       view->date >= state->day;
}

/* Opens and loads until the view is good; *view tells at the end whether it is. */
static bool
mend(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *state, struct counter_view *view)
{
	enum counter_answer answer;

	for (int i = 0; i < LOAD_TRIES; i++) {
		counter_look(task, view);
		if (view->answer == COUNTER_AWAY || (is_good(view, state) && !view->stale))
			return true;
		if (view->answer == COUNTER_LOST || view->stale || view->epoch < state->epoch) {
			if (!counter_open(task, book, zone, state))
				return false;
		} else if (view->epoch > state->epoch) {
			counter_book_forget(book, task->client);
			if (!counter_state(task, book, zone, state))
				return false;
		}
		if (!counter_load(task, zone, state, &answer))
			return false;
		if (answer == COUNTER_OVER)
			counter_book_forget(book, task->client);
	}
	counter_look(task, view);
	return true;
}

static bool
mend_alone(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *state, struct counter_view *view)
{
	bool ok;

	pthread_mutex_lock(&load_lock);
	ok = mend(task, book, zone, state, view);
	pthread_mutex_unlock(&load_lock);
	return ok;
}

static bool
sum_instead(struct task *task, const struct zone *zone, int32_t date, struct counter_day *ret)
{
	struct daily_cost day;

	if (!daily_cost_sum(task, zone, date, &day) || !db_commit(task))
		return false;
	*ret = (struct counter_day){
		.date = date,
		.confirmed = day.totals,
		.users = day.unique_users,
		.from_postgres = true,
	};
	return true;
}

bool
counter_today(
    struct task *task, struct counter_book *book, const struct zone *zone, struct counter_day *ret)
{
	int32_t today = zone_date(zone, task->now);
	struct counter_state state;
	struct counter_view view;

	assert(task->db == NULL);
	if (!counter_state(task, book, zone, &state))
		return false;
	if (state.day == zone_date(zone, task->now + COUNTER_SKEW_USEC))
		today = state.day;
	counter_look(task, &view);
	if (view.answer != COUNTER_AWAY && (state.bypassed || !is_good(&view, &state)) &&
	    !mend_alone(task, book, zone, &state, &view))
		return false;
	if (state.bypassed || !is_good(&view, &state) || view.date != today)
		return sum_instead(task, zone, today, ret);
	*ret = (struct counter_day){
		.date = view.date,
		.confirmed = view.confirmed,
		.pending = view.pending,
		.users = view.users,
	};
	return true;
}

bool
counter_rebuild(struct task *task, const struct zone *zone)
{
	struct counter_state state;
	struct counter_view view;
	const char *run_id;

	if (!redis_run_id(task, &run_id) || !counter_open(task, NULL, zone, &state) ||
	    !mend_alone(task, NULL, zone, &state, &view))
		return false;
	if (!is_good(&view, &state))
		return task_fail_later(task, 1, "the counters could not be loaded into Redis");
	return true;
}

bool
counter_heal(struct task *task, const struct zone *zone, bool *ret_healed)
{
	struct counter_state state;
	struct counter_view view;
	const char *run_id;

	*ret_healed = false;
	if (!redis_run_id(task, &run_id) || !counter_state(task, NULL, zone, &state))
		return false;
	counter_look(task, &view);
	if (is_good(&view, &state) && !view.stale)
		return true;
	*ret_healed = true;
	if (!mend_alone(task, NULL, zone, &state, &view))
		return false;
	if (!is_good(&view, &state))
		return task_fail_later(task, 1, "the counters could not be loaded into Redis");
	return true;
}
