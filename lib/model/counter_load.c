/* The filling of an epoch from the log. */
#include <assert.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "lib/model/counter_hold_lua.h"
#include "lib/model/counter_load_private.h"
#include "lib/model/daily_cost.h"

/* Waits for another load of the client. Namespace as in the counters' own lock. */
static const char lock_sql[] =
    "SELECT pg_advisory_xact_lock(hashtextextended('load ' || $1::uuid::text, 0))";

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

const char *const counter_load_statements[] = { lock_sql, epoch_sql, users_sql, committed_sql,
	NULL };

/* ARGV: epoch, run, loader. Answers "ready" where nothing is left to do. */
static struct redis_script begin_script = {
	.source = COUNTER_LUA_STATE
	"local s = state()\n"
	"if s == 'loading' then redis.call('HSET', KEYS[1], 'loader', ARGV[3]) end\n"
	"return s\n"
};

/* ARGV: epoch, run, loader, items: absolute values. */
static struct redis_script fill_script = {
	.source = COUNTER_LUA_STATE COUNTER_LUA_LOADER
	"for name, seconds, values in string.gmatch(ARGV[4], '(%S+) (%d+) ([%d ]+);') do\n"
	"  local key, i = prefix .. name, 0\n"
	"  for v in string.gmatch(values, '%d+') do\n"
	"    redis.call('HSET', key, i, v)\n"
	"    i = i + 1\n"
	"  end\n"
	"  redis.call('EXPIREAT', key, seconds)\n"
	"end\n"
	"return s\n"
};

/* ARGV: epoch, run, loader, seconds, day, users… */
static struct redis_script users_script = { .source = COUNTER_LUA_STATE COUNTER_LUA_LOADER
					    "local key = prefix .. 'u:' .. ARGV[5]\n"
					    "redis.call('SADD', key, unpack(ARGV, 6))\n"
					    "redis.call('EXPIRE', key, ARGV[4])\n"
					    "return s\n" };

/*
 * ARGV: epoch, run, loader, ids of batches that the sums hold… What was announced or confirmed
 * meanwhile and is not in the sums is added; what is in the sums and not yet confirmed is marked,
 * so that its confirmation adds nothing.
 */
static struct redis_script end_script = { .library = { COUNTER_LUA_STATE, COUNTER_LUA_LOADER,
					      COUNTER_LUA_ADD, COUNTER_LUA_HOLD },
	.source =
	    "local included = {}\n"
	    "for i = 4, #ARGV do included[ARGV[i]] = true end\n"
	    "local entries = redis.call('HGETALL', pending)\n"
	    "for i = 1, #entries, 2 do\n"
	    "  local batch, entry = entries[i], entries[i + 1]\n"
	    "  local confirmed, items = string.sub(entry, 1, 1) == 'c', string.sub(entry, 3)\n"
	    "  if not included[batch] then add(items, '', '') end\n"
	    "  if confirmed then\n"
	    "    release(words(string.match(items, '|(.*)$')))\n"
	    "    redis.call('HDEL', pending, batch)\n"
	    "  elseif included[batch] then\n"
	    "    redis.call('HSET', pending, batch, 'i ' .. items)\n"
	    "  end\n"
	    "end\n"
	    "redis.call('HSET', KEYS[1], 'ready', 1)\n"
	    "return 'ready'\n" };

bool
counter_load_send(struct counter_loading *load, struct redis_command *command)
{
	load->answer = counter_run(load->task, command, NULL);
	return load->answer == COUNTER_LOADING;
}

struct redis_command *
counter_load_make(struct counter_loading *load, struct redis_script *script)
{
	struct redis_command *command;

	if (!counter_command(
		load->task, script, load->task->client, load->state->epoch, &command)) {
		task_clear_error(load->task);
		load->answer = COUNTER_AWAY;
		return NULL;
	}
	redis_add(command, load->loader);
	return command;
}

bool
counter_load_fill(struct counter_loading *load, const struct buf *items)
{
	struct redis_command *command;

	if (items->len == 0)
		return true;
	command = counter_load_make(load, &fill_script);
	if (command == NULL)
		return false;
	redis_add(command, items->at);
	return counter_load_send(load, command);
}

static bool
send_users(struct counter_loading *load, int32_t day, const struct db_rows *rows)
{
	struct redis_command *command = counter_load_make(load, &users_script);
	char text[DATE_TEXT_SIZE];

	if (command == NULL)
		return false;
	redis_add_int(command, COUNTER_EXPIRE_S);
	redis_add(command, date_format(day, text));
	for (int i = 0; i < db_count(rows); i++)
		redis_add_n(command, db_id(rows, i, 0).bytes, sizeof(struct id));
	return counter_load_send(load, command);
}

/* Here and below, false only when PostgreSQL fails. */
static bool
load_users(struct counter_loading *load, int32_t day)
{
	struct task *task = load->task;
	struct db_params *params = db_params(task);
	int64_t start = zone_day_start(load->zone, day), end = zone_day_start(load->zone, day + 1);
	struct db_cursor *cursor;
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(start));
	db_add_id(params, chat_log_first_id(end));
	db_add_time(params, start);
	db_add_time(params, end);
	if (!db_cursor_open(task, users_sql, params, &cursor))
		return false;
	do {
		if (!db_cursor_next(task, cursor, COUNTER_LOAD_PORTION, &rows))
			return false;
		if (db_count(rows) > 0 && !send_users(load, day, rows))
			return true;
	} while (db_count(rows) == COUNTER_LOAD_PORTION);
	return true;
}

static bool
load_day(struct counter_loading *load, int32_t day)
{
	struct buf items = { .arena = load->task->arena };
	struct counter_sum sum;
	struct daily_cost cost;

	if (!daily_cost_sum(load->task, load->zone, day, &cost))
		return false;
	sum = counter_day_sum(load->task, load->zone, day, &cost.totals);
	counter_add_item(&items, &sum);
	return !counter_load_fill(load, &items) || load_users(load, day);
}

/* Of the batches pending now, those that the transaction's snapshot holds. */
static bool
add_committed(struct task *task, const struct redis_reply *names, struct redis_command *command)
{
	struct db_params *params = db_params(task);
	struct db_array *ids;
	struct db_rows *rows;
	char text[ID_TEXT_SIZE];
	struct id id;

	if (names->count == 0)
		return true;
	db_add_id(params, task->client);
	ids = db_add_array(params, DB_ARRAY_ID);
	for (size_t i = 0; i < names->count; i++) {
		if (id_parse(names->items[i].text, &id))
			db_array_id(ids, id);
	}
	if (!db_query(task, committed_sql, params, &rows))
		return false;
	for (int i = 0; i < db_count(rows); i++)
		redis_add(command, id_format(db_id(rows, i, 0), text));
	return true;
}

/*
 * The pending ones are asked for behind the snapshot, which the first query took: a batch that is
 * announced later than this cannot be in it, so these are all the batches of which it must be
 * asked.
 */
static bool
load_end(struct counter_loading *load)
{
	struct redis_command *names, *command = counter_load_make(load, &end_script);
	struct redis_reply reply = { .type = REDIS_NIL };

	if (command == NULL)
		return true;
	names = counter_pending_names(load->task, load->state->epoch);
	if (names != NULL)
		(void)counter_run(load->task, names, &reply);
	if (reply.type != REDIS_ARRAY) {
		load->answer = COUNTER_AWAY;
		return true;
	}
	if (!add_committed(load->task, &reply, command))
		return false;
	(void)counter_load_send(load, command);
	return true;
}

/* Whether there is anything to load. */
static bool
load_begin(struct counter_loading *load)
{
	struct redis_command *command = counter_load_make(load, &begin_script);

	return command != NULL && counter_load_send(load, command);
}

static bool
load_all(struct counter_loading *load)
{
	for (int32_t i = 0; i < COUNTER_DAYS && load->answer == COUNTER_LOADING; i++) {
		if (!load_day(load, load->state->day + i))
			return false;
	}
	if (load->answer == COUNTER_LOADING && !counter_load_budgets(load))
		return false;
	return load->answer != COUNTER_LOADING || load_end(load);
}

bool
counter_load(struct task *task, const struct zone *zone, const struct counter_state *state,
    enum counter_answer *ret_answer)
{
	struct counter_loading load = { .task = task, .zone = zone, .state = state };
	struct db_params *lock = db_params(task), *client = db_params(task);
	struct db_rows *rows;

	assert(task->db == NULL);
	(void)id_format(id_new(task->now), load.loader);
	db_set_snapshot(task);
	db_add_id(lock, task->client);
	db_add_id(client, task->client);
	if (!db_query(task, lock_sql, lock, NULL) || !db_query_one(task, epoch_sql, client, &rows))
		return false;
	if (db_int(rows, 0, 0) != state->epoch || db_bool(rows, 0, 1))
		load.answer = COUNTER_OVER;
	else if (load_begin(&load) && !load_all(&load))
		return false;
	*ret_answer = load.answer;
	return db_commit(task);
}
