/*
 * Why no key of a living epoch is ever removed, whatever is opened meanwhile:
 *
 * A client's epoch in PostgreSQL only rises: counter_open() adds one to it, and nothing else writes
 * it. So an epoch below any value that was ever read is over for good; a value that is old by now
 * only spares keys. Under an epoch that is over no batch commits (counter_guard) and no load begins
 * (counter_load() compares first).
 *
 * A process that has not heard of the end yet may still ask Redis, and is answered from the old
 * epoch as long as the state there has it. So the keys of the state's epoch stay until the next one
 * is prepared or the state expires; the script that removes looks at it, and nothing comes between.
 * A state that a slow process makes later for an epoch that is over counts nothing before a load
 * has written every bucket anew.
 */
#include "lib/model/counter_sweep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/db.h"
#include "lib/failpoint.h"
#include "lib/redis.h"

#define PREFIX "tally:{"
#define CURSOR_SIZE 21 /* 64 bits, with the terminator */

/* ARGV: cursor, how many. Answers the next cursor and the keys: arrays of arrays are not read. */
static struct redis_script scan_script = {
	.source = "local page = redis.call('SCAN', ARGV[1], 'MATCH', '" PREFIX "*',"
		  " 'COUNT', ARGV[2])\n"
		  "table.insert(page[2], 1, page[1])\n"
		  "return page[2]\n"
};

/* KEYS: state, keys of the client's earlier epochs… ARGV: command, the epoch of each. How many the
 * command found. */
static struct redis_script remove_script = {
	.source = "local epoch = redis.call('HGET', KEYS[1], 'epoch')\n"
		  "local living, n = epoch and tonumber(epoch) or math.huge, 0\n"
		  "for i = 2, #KEYS do\n"
		  "  if tonumber(ARGV[i]) < living then n = n + redis.call(ARGV[1], KEYS[i]) end\n"
		  "end\n"
		  "return n\n"
};

static const char epochs_sql[] = "SELECT client_id, epoch "
				 "FROM counter_states "
				 "WHERE client_id = ANY ($1) "
				 "ORDER BY client_id";

const char *const counter_sweep_statements[] = { epochs_sql, NULL };

struct key {
	struct id client;
	int64_t epoch;
	struct text name;
};

struct keys {
	struct key *at;
	size_t count;
};

struct sweep {
	struct task *task;
	bool dry_run;
	bool away; /* what failed was Redis */
	char cursor[CURSOR_SIZE];
	int64_t removed;
};

static bool
refuse(struct sweep *sweep)
{
	sweep->away = true;
	return task_fail(sweep->task, ERR_UNAVAILABLE, "Redis refused a command");
}

static bool
run(struct sweep *sweep, struct redis_command *const *commands, size_t count,
    struct redis_reply *replies)
{
	sweep->away = !redis_run(sweep->task, commands, count, replies);
	for (size_t i = 0; !sweep->away && i < count; i++) {
		if (replies[i].type == REDIS_ERROR)
			return refuse(sweep);
	}
	return !sweep->away;
}

/* Whether it is the name of a counter's key, which is spelled in one way only. */
static bool
parse_key(struct task *task, struct text name, struct key *ret)
{
	size_t id_at = strlen(PREFIX), epoch_at = id_at + ID_TEXT_SIZE - 1 + strlen("}:");
	char id[ID_TEXT_SIZE];
	const char *start;

	*ret = (struct key){ .name = name };
	if (name.len <= epoch_at ||
	    !id_parse((struct text){ name.at + id_at, ID_TEXT_SIZE - 1 }, &ret->client))
		return false;
	ret->epoch = strtoll(name.at + epoch_at, NULL, 10);
	start = arena_printf(
	    task->arena, PREFIX "%s}:%lld:", id_format(ret->client, id), (long long)ret->epoch);
	return ret->epoch > 0 && name.len > strlen(start) &&
	       memcmp(name.at, start, strlen(start)) == 0;
}

/* Also moves the cursor. */
static bool
read_portion(struct sweep *sweep, struct keys *ret)
{
	struct redis_command *command = redis_eval(sweep->task, &scan_script, 0);
	struct redis_reply reply;
	const struct text *cursor;

	redis_add(command, sweep->cursor);
	redis_add_int(command, COUNTER_SWEEP_PORTION);
	if (!run(sweep, &command, 1, &reply))
		return false;
	if (reply.type != REDIS_ARRAY || reply.count == 0 ||
	    reply.items[0].text.len >= sizeof(sweep->cursor))
		return refuse(sweep);
	cursor = &reply.items[0].text;
	memcpy(sweep->cursor, cursor->at, cursor->len);
	sweep->cursor[cursor->len] = '\0';
	*ret = (struct keys){ arena_array(sweep->task->arena, reply.count, sizeof(*ret->at)), 0 };
	for (size_t i = 1; i < reply.count; i++) {
		if (parse_key(sweep->task, reply.items[i].text, &ret->at[ret->count]))
			ret->count++;
	}
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct key *one = a, *other = b;
	int order = id_compare(one->client, other->client);

	return order != 0 ? order : (one->epoch > other->epoch) - (one->epoch < other->epoch);
}

/* The epochs of the keys' clients, in the order of the keys. */
static bool
read_epochs(struct task *task, struct keys keys, struct db_rows **ret)
{
	struct db_params *params = db_params(task);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);

	for (size_t i = 0; i < keys.count; i++) {
		if (i == 0 || !id_equal(keys.at[i].client, keys.at[i - 1].client))
			db_array_id(ids, keys.at[i].client);
	}
	return db_query(task, epochs_sql, params, ret) && db_commit(task);
}

/* Cuts the client's keys off the front, and those of its other clients before them. */
static struct keys
take_keys(struct keys *keys, struct id client)
{
	struct keys taken;

	while (keys->count > 0 && id_compare(keys->at->client, client) < 0) {
		keys->at++;
		keys->count--;
	}
	taken = (struct keys){ keys->at, 0 };
	while (keys->count > 0 && id_equal(keys->at->client, client)) {
		keys->at++;
		keys->count--;
		taken.count++;
	}
	return taken;
}

static struct redis_command *
make_command(struct sweep *sweep, struct keys keys)
{
	struct redis_command *command =
	    redis_eval(sweep->task, &remove_script, 1 + (int)keys.count);
	char id[ID_TEXT_SIZE];

	redis_add(command,
	    arena_printf(sweep->task->arena, PREFIX "%s}:state", id_format(keys.at->client, id)));
	for (size_t i = 0; i < keys.count; i++)
		redis_add_n(command, keys.at[i].name.at, keys.at[i].name.len);
	redis_add(command, sweep->dry_run ? "EXISTS" : "UNLINK");
	for (size_t i = 0; i < keys.count; i++)
		redis_add_int(command, keys.at[i].epoch);
	return command;
}

/* A command for each client, which is a slot of a cluster. */
static bool
remove_keys(struct sweep *sweep, struct keys keys)
{
	struct redis_command **commands;
	struct redis_reply *replies;
	struct db_rows *rows;
	size_t count = 0;

	if (keys.count == 0)
		return true;
	qsort(keys.at, keys.count, sizeof(*keys.at), compare_keys);
	if (!read_epochs(sweep->task, keys, &rows))
		return false;
	commands =
	    arena_array(sweep->task->arena, (size_t)db_count(rows), sizeof(struct redis_command *));
	replies = arena_array(sweep->task->arena, (size_t)db_count(rows), sizeof(*replies));
	for (int row = 0; row < db_count(rows); row++) {
		struct keys over = take_keys(&keys, db_id(rows, row, 0));

		while (over.count > 0 && over.at[over.count - 1].epoch >= db_int(rows, row, 1))
			over.count--;
		if (over.count > 0)
			commands[count++] = make_command(sweep, over);
	}
	if (count > 0 && !run(sweep, commands, count, replies))
		return false;
	for (size_t i = 0; i < count; i++)
		sweep->removed += replies[i].integer;
	return true;
}

bool
counter_sweep(struct task *task, bool dry_run, struct counter_sweep *ret)
{
	struct sweep sweep = { .task = task, .dry_run = dry_run, .cursor = "0" };
	struct keys keys = { 0 };
	bool ok;

	assert(task->db == NULL && id_is_nil(task->client));
	do {
		struct arena_mark mark = arena_mark(task->arena);

		ok = read_portion(&sweep, &keys) && remove_keys(&sweep, keys);
		FAILPOINT("purge-swept");
		if (ok)
			arena_undo(task->arena, mark);
	} while (ok && strcmp(sweep.cursor, "0") != 0);
	if (!ok && !sweep.away)
		return false;
	*ret = (struct counter_sweep){ .keys = sweep.removed };
	if (!ok) {
		ret->failure = arena_strdup(task->arena, task->err.text);
		task_clear_error(task);
	}
	return true;
}
