#include "lib/model/counter_glance.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/model/counter_private.h"

/*
 * The commands of a glance, in this order. The loader is another one for each load, so a state that
 * is ready under the same loader before and behind the counts was ready all the time between: they
 * are of a whole count, and not of one that Redis lost or that was being loaded. The users come
 * first: a batch counts its records before its users, and no user may be without a record.
 */
enum { STATE_BEFORE, USERS, TOTALS, STATE_BEHIND, COMMANDS };

/* The fields of the state. */
enum { EPOCH, RUN, READY, LOADER, STATE_FIELDS };

bool
counter_glance_begin(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_glance *ret, bool *ret_open)
{
	struct counter_state *state = &ret->state;

	*ret = (struct counter_glance){ .client = task->client };
	if (!counter_state(task, book, zone, state))
		return false;
	*ret_open = !state->bypassed && state->epoch > 0 && counter_is_today(task, zone, state);
	return true;
}

static struct redis_command *
make_state(struct task *task, const char *prefix)
{
	struct redis_command *command = redis_command(task, "HMGET");

	redis_add(command, arena_printf(task->arena, "%sstate", prefix));
	redis_add(command, "epoch");
	redis_add(command, "run");
	redis_add(command, "ready");
	redis_add(command, "loader");
	return command;
}

static struct redis_command *
make_totals(struct task *task, const char *prefix, int64_t epoch, const char *day)
{
	static const char fields[TOTAL_COUNT][2] = { "0", "1", "2", "3", "4", "5", "6", "7", "8",
		"9" };
	struct redis_command *command = redis_command(task, "HMGET");

	redis_add(command, arena_printf(task->arena, "%s%lld:d:%s", prefix, (long long)epoch, day));
	for (int i = 0; i < TOTAL_COUNT; i++)
		redis_add(command, fields[i]);
	return command;
}

static void
make_commands(
    struct task *task, const struct counter_glance *glance, struct redis_command **commands)
{
	char id[ID_TEXT_SIZE], day[DATE_TEXT_SIZE];
	const char *prefix =
	    arena_printf(task->arena, "tally:{%s}:", id_format(glance->client, id));
	int64_t epoch = glance->state.epoch;

	date_format(glance->state.day, day);
	commands[STATE_BEFORE] = make_state(task, prefix);
	commands[USERS] = redis_command(task, "SCARD");
	redis_add(commands[USERS],
	    arena_printf(task->arena, "%s%lld:u:%s", prefix, (long long)epoch, day));
	commands[TOTALS] = make_totals(task, prefix, epoch, day);
	commands[STATE_BEHIND] = commands[STATE_BEFORE];
}

static bool
is_text(const struct redis_reply *reply, const char *text)
{
	return reply->type == REDIS_TEXT && reply->text.len == strlen(text) &&
	       memcmp(reply->text.at, text, reply->text.len) == 0;
}

static bool
same_text(const struct redis_reply *one, const struct redis_reply *other)
{
	return one->type == REDIS_TEXT && is_text(other, one->text.at);
}

static bool
is_array(const struct redis_reply *reply, size_t count)
{
	return reply->type == REDIS_ARRAY && reply->count == count;
}

/* As COUNTER_LUA_STATE has it. */
static bool
is_ready(struct task *task, const struct redis_reply *state, int64_t epoch, const char *run_id)
{
	return is_array(state, STATE_FIELDS) &&
	       is_text(&state->items[EPOCH], arena_printf(task->arena, "%lld", (long long)epoch)) &&
	       is_text(&state->items[RUN], run_id) && state->items[READY].type == REDIS_TEXT;
}

static void
read_replies(struct task *task, const struct redis_reply *replies, const char *run_id,
    struct counter_glance *glance)
{
	const struct redis_reply *before = &replies[STATE_BEFORE], *behind = &replies[STATE_BEHIND];

	glance->found = is_ready(task, before, glance->state.epoch, run_id) &&
			is_ready(task, behind, glance->state.epoch, run_id) &&
			same_text(&before->items[LOADER], &behind->items[LOADER]) &&
			replies[USERS].type == REDIS_INT && is_array(&replies[TOTALS], TOTAL_COUNT);
	if (!glance->found)
		return;
	glance->day = (struct counter_day){
		.date = glance->state.day,
		.users = replies[USERS].integer,
	};
	for (int i = 0; i < TOTAL_COUNT; i++)
		glance->day.confirmed.at[i] = counter_read_number(&replies[TOTALS].items[i]);
}

void
counter_glance(struct task *task, struct counter_glance *const *glances, size_t count)
{
	struct redis_command **commands =
	    arena_array(task->arena, COMMANDS * count, sizeof(struct redis_command *));
	struct redis_reply *replies = arena_array(task->arena, COMMANDS * count, sizeof(*replies));
	const char *run_id;
	bool ok = redis_run_id(task, &run_id);

	for (size_t i = 0; i < count && ok; i++)
		make_commands(task, glances[i], &commands[COMMANDS * i]);
	ok = ok && redis_run(task, commands, COMMANDS * count, replies);
	if (!ok)
		task_clear_error(task);
	for (size_t i = 0; i < count; i++) {
		glances[i]->found = false;
		if (ok)
			read_replies(task, &replies[COMMANDS * i], run_id, glances[i]);
	}
}
