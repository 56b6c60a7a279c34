/* The open day as Redis has it at one instant. */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/counter_day.h"
#include "lib/model/counter_private.h"

/*
 * ARGV: epoch, run, day. What is counted of the day, who called, and the pending batches: what one
 * of them announced is counted already, and is confirmed where it is marked as included.
 */
static struct redis_script look_script = {
	.source = COUNTER_LUA_STATE
	"local s = state()\n"
	"if s ~= 'ready' then return { s } end\n"
	"local day = prefix .. 'd:' .. ARGV[3]\n"
	"local out = redis.call('HMGET', day, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9')\n"
	"table.insert(out, redis.call('SCARD', prefix .. 'u:' .. ARGV[3]))\n"
	"for _, v in ipairs(redis.call('HGETALL', pending)) do table.insert(out, v) end\n"
	"table.insert(out, 1, s)\n"
	"return out\n"
};
_Static_assert(TOTAL_COUNT == 10, "the fields of look_script");

/* ARGV: epoch, run. */
static struct redis_script names_script = { .source = COUNTER_LUA_STATE
					    "return redis.call('HKEYS', pending)\n" };

/* Its place in the script's answer. */
#define AT_TOTALS 1
#define AT_USERS (AT_TOTALS + TOTAL_COUNT)
#define AT_PENDING (AT_USERS + 1)

int64_t
counter_read_number(const struct redis_reply *reply)
{
	char digits[24] = { 0 };

	if (reply->type != REDIS_TEXT || reply->text.len >= sizeof(digits))
		return 0;
	memcpy(digits, reply->text.at, reply->text.len);
	return strtoll(digits, NULL, 10);
}

/* Adds what an entry announced for the bucket: "p bucket expiry amount…;bucket …". */
static void
add_announced(
    struct task *task, const struct redis_reply *entry, const char *bucket, struct totals *pending)
{
	const char *text = arena_strndup(task->arena, entry->text.at, entry->text.len);
	size_t len = strlen(bucket);
	struct totals more = { 0 };
	char *end;

	if (*text != 'p')
		return;
	for (text += 2; strncmp(text, bucket, len) != 0 || text[len] != ' '; text++) {
		text = strchr(text, ';');
		if (text == NULL)
			return;
	}
	(void)strtoll(text + len, &end, 10);
	for (int i = 0; i < TOTAL_COUNT; i++)
		more.at[i] = strtoll(end, &end, 10);
	totals_add(pending, &more);
}

/* A name that is no batch's is as old as can be. */
static void
note_age(struct task *task, const struct redis_reply *name, struct counter_view *view)
{
	struct id batch;
	int64_t made = id_parse(name->text, &batch) ? id_time(batch) : 1;

	if (view->pending_since == 0 || made < view->pending_since)
		view->pending_since = made;
	view->stale = view->pending_since < task->now - COUNTER_STALE_MS * INT64_C(1000);
}

static void
read_view(struct task *task, const struct redis_reply *reply, const char *bucket,
    struct counter_view *ret)
{
	for (int i = 0; i < TOTAL_COUNT; i++)
		ret->confirmed.at[i] = counter_read_number(&reply->items[AT_TOTALS + i]);
	ret->users = reply->items[AT_USERS].integer;
	for (size_t i = AT_PENDING; i + 1 < reply->count; i += 2) {
		note_age(task, &reply->items[i], ret);
		add_announced(task, &reply->items[i + 1], bucket, &ret->pending);
	}
	/* A total at its end stays there. */
	for (int i = 0; i < TOTAL_COUNT; i++) {
		if (ret->confirmed.at[i] != INT64_MAX)
			ret->confirmed.at[i] -= ret->pending.at[i];
	}
}

static bool
make_look(
    struct task *task, struct id client, int64_t epoch, int32_t day, struct redis_command **ret)
{
	char text[DATE_TEXT_SIZE];

	if (!counter_command(task, &look_script, client, epoch, ret))
		return false;
	redis_add(*ret, date_format(day, text));
	return true;
}

static void
read_look(struct task *task, const struct redis_reply *reply, int32_t day, struct counter_view *ret)
{
	char text[DATE_TEXT_SIZE];

	*ret = (struct counter_view){ .answer = counter_read_answer(reply) };
	if (ret->answer == COUNTER_OK && reply->count >= AT_PENDING)
		read_view(
		    task, reply, arena_printf(task->arena, "d:%s", date_format(day, text)), ret);
}

void
counter_look(struct task *task, const struct counter_state *state, struct counter_view *ret)
{
	struct redis_command *command;
	struct redis_reply reply;

	*ret = (struct counter_view){ .answer = COUNTER_AWAY };
	if (make_look(task, task->client, state->epoch, state->day, &command) &&
	    redis_run(task, &command, 1, &reply))
		read_look(task, &reply, state->day, ret);
	else
		task_clear_error(task);
}

static struct counter_day
day_of(const struct counter_view *view, int32_t date)
{
	return (struct counter_day){
		.date = date,
		.confirmed = view->confirmed,
		.pending = view->pending,
		.pending_since = view->pending_since,
		.users = view->users,
	};
}

void
counter_open_days_ask(struct task *task, struct counter_open_days *days)
{
	bool ok = days->count > 0;

	days->commands = arena_array(task->arena, days->count, sizeof(struct redis_command *));
	for (size_t i = 0; i < days->count && ok; i++) {
		const struct counter_open_day *one = &days->list[i];

		ok = make_look(task, one->client, one->epoch, one->date, &days->commands[i]);
	}
	if (ok && redis_send(task, days->commands, days->count))
		return;
	task_clear_error(task);
	days->commands = NULL;
}

void
counter_open_days_receive(struct task *task, struct counter_open_days *days)
{
	struct redis_reply *replies = arena_array(task->arena, days->count, sizeof(*replies));
	bool ok =
	    days->commands != NULL && redis_receive(task, days->commands, days->count, replies);

	if (!ok)
		task_clear_error(task);
	for (size_t i = 0; i < days->count; i++) {
		struct counter_open_day *one = &days->list[i];
		struct counter_view view = { .answer = COUNTER_AWAY };

		if (ok)
			read_look(task, &replies[i], one->date, &view);
		one->found = view.answer == COUNTER_OK && !view.stale;
		if (one->found)
			one->counted = day_of(&view, one->date);
	}
}

struct redis_command *
counter_pending_names(struct task *task, int64_t epoch)
{
	struct redis_command *command;

	if (counter_command(task, &names_script, task->client, epoch, &command))
		return command;
	task_clear_error(task);
	return NULL;
}
