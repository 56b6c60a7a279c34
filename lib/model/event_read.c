#include "lib/model/event_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/event_private.h"

#define DOORBELL_S 60

/*
 * ARGV: seconds, the place last seen or "", types. A stream that has no entry yet is given one:
 * else there would be no place of which it could be told later whether anything behind it is gone.
 */
static struct redis_script hear_script = {
	.source = "local client = string.match(KEYS[1], '^tally:%b{}:')\n"
		  "for i = 3, #ARGV do\n"
		  "  redis.call('SET', client .. 'heard:' .. ARGV[i], 1, 'EX', ARGV[1])\n"
		  "end\n"
		  "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]\n"
		  "last = last and last[1] or redis.call('XADD', KEYS[1], '*', 'type', 'begin')\n"
		  "redis.call('EXPIRE', KEYS[1], ARGV[1])\n"
		  "if ARGV[2] == '' then return { last, 1 } end\n"
		  "return { last, #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) }\n"
};

static bool
read_number(const char **at, uint64_t *ret)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*ret = strtoull(*at, &end, 10);
	*at = end;
	return errno == 0;
}

bool
event_place_parse(struct text text, struct event_place *ret)
{
	char copy[EVENT_PLACE_SIZE];
	const char *at = copy;
	struct event_place place;

	if (text.len >= sizeof copy)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	if (!read_number(&at, &place.ms) || *at++ != '-' || !read_number(&at, &place.number) ||
	    at != copy + text.len)
		return false;
	*ret = place;
	return true;
}

char *
event_place_format(struct event_place place, char out[EVENT_PLACE_SIZE])
{
	(void)snprintf(out, EVENT_PLACE_SIZE, "%" PRIu64 "-%" PRIu64, place.ms, place.number);
	return out;
}

int
event_place_compare(struct event_place a, struct event_place b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	if (a.number != b.number)
		return a.number < b.number ? -1 : 1;
	return 0;
}

bool
event_hear(struct task *task, struct id client, struct event_types types,
    const struct event_place *after, struct event_place *ret, bool *ret_gap)
{
	struct redis_command *command = redis_eval(task, &hear_script, 1);
	char text[EVENT_PLACE_SIZE] = "";
	struct redis_reply reply;

	redis_add(command, event_key(task, client));
	redis_add_int(command, EVENT_HEARD_S);
	redis_add(command, after != NULL ? event_place_format(*after, text) : "");
	for (int type = 0; type < EVENT_TYPES; type++) {
		const char *name = event_type_names[type];

		if ((types.all & 1U << type) != 0)
			redis_add(command, name);
		else if ((types.of_agents & 1U << type) != 0)
			redis_add(command, arena_printf(task->arena, "%s:agents", name));
	}
	if (!redis_run(task, &command, 1, &reply))
		return false;
	if (reply.type != REDIS_ARRAY || reply.count != 2 ||
	    !event_place_parse(reply.items[0].text, ret))
		return task_fail(task, ERR_INTERNAL, "Redis does not tell where a stream ends.");
	*ret_gap = reply.items[1].integer == 0;
	if (after != NULL && event_place_compare(*after, *ret) < 0)
		*ret = *after;
	return true;
}

const char *
event_stream_key(struct task *task, struct id client)
{
	return event_key(task, client);
}

const char *
event_doorbell_key(struct task *task, struct id owner)
{
	char text[ID_TEXT_SIZE];

	return arena_printf(task->arena, "tally:doorbell:%s", id_format(owner, text));
}

bool
event_ring(struct task *task, const char *key)
{
	struct redis_command *commands[2];
	struct redis_reply replies[COUNT(commands)];

	commands[0] = redis_command(task, "XADD");
	redis_add(commands[0], key);
	redis_add(commands[0], "MAXLEN");
	redis_add_int(commands[0], 1);
	redis_add(commands[0], "*");
	redis_add(commands[0], "type");
	redis_add(commands[0], "ring");
	commands[1] = redis_command(task, "EXPIRE");
	redis_add(commands[1], key);
	redis_add_int(commands[1], DOORBELL_S);
	return redis_run(task, commands, COUNT(commands), replies);
}

static struct redis_command *
read_command(struct task *task, const struct event_stream *streams, size_t count, int64_t wait_ms)
{
	struct redis_command *command = redis_command(task, "XREAD");
	char text[EVENT_PLACE_SIZE];

	redis_add(command, "COUNT");
	redis_add_int(command, EVENT_READ_MAX);
	if (wait_ms > 0) {
		redis_add(command, "BLOCK");
		redis_add_int(command, wait_ms);
	}
	redis_add(command, "STREAMS");
	for (size_t i = 0; i < count; i++)
		redis_add(command, streams[i].key);
	for (size_t i = 0; i < count; i++)
		redis_add(command, event_place_format(streams[i].after, text));
	return command;
}

static bool
same(struct text text, const char *other)
{
	return text.at != NULL && text.len == strlen(other) &&
	       memcmp(text.at, other, text.len) == 0;
}

/* "" is nil. */
static void
read_id(struct text value, struct id *ret)
{
	if (!id_parse(value, ret))
		*ret = (struct id){ 0 };
}

/* False for what is no event: the beginning of a stream, or a newer tallyd's type. */
static bool
read_fields(const struct redis_reply *fields, struct event *ret)
{
	bool known = false;

	*ret = (struct event){ 0 };
	for (size_t i = 0; i + 1 < fields->count; i += 2) {
		struct text name = fields->items[i].text, value = fields->items[i + 1].text;

		if (same(name, "type"))
			known = event_type_find(value.at, &ret->type);
		else if (same(name, "user"))
			read_id(value, &ret->user);
		else if (same(name, "agent"))
			read_id(value, &ret->agent_session);
		else if (same(name, "body"))
			ret->body = value;
	}
	return known && ret->body.at != NULL;
}

static bool
read_entries(const struct redis_reply *list, size_t index, struct event_stream *stream,
    struct event_entry *entries, size_t *count)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct redis_reply *entry = &list->items[i];
		struct event_entry *to = &entries[*count];

		if (entry->count != 2 || !event_place_parse(entry->items[0].text, &stream->after))
			return false;
		stream->count++;
		to->stream = index;
		to->place = stream->after;
		if (read_fields(&entry->items[1], &to->event))
			(*count)++;
	}
	return true;
}

/* Redis answers with the streams that have something, in the order they were asked for. */
static bool
read_streams(struct task *task, const struct redis_reply *reply, struct event_stream *streams,
    size_t count, struct event_entries *ret)
{
	struct event_entry *entries =
	    arena_array(task->arena, reply->count * EVENT_READ_MAX, sizeof *entries);
	size_t index = 0;

	for (size_t i = 0; i < reply->count; i++) {
		const struct redis_reply *pair = &reply->items[i];

		if (pair->count != 2)
			return false;
		while (index < count && !same(pair->items[0].text, streams[index].key))
			index++;
		if (index == count ||
		    !read_entries(&pair->items[1], index, &streams[index], entries, &ret->count))
			return false;
	}
	ret->at = entries;
	return true;
}

bool
event_read(struct task *task, struct event_stream *streams, size_t count, int64_t wait_ms,
    struct event_entries *ret)
{
	struct redis_command *command = read_command(task, streams, count, wait_ms);
	struct redis_reply reply;

	*ret = (struct event_entries){ 0 };
	for (size_t i = 0; i < count; i++)
		streams[i].count = 0;
	if (!redis_run(task, &command, 1, &reply))
		return false;
	if (reply.type == REDIS_NIL)
		return true;
	return (reply.type == REDIS_ARRAY && read_streams(task, &reply, streams, count, ret)) ||
	       task_fail(task, ERR_INTERNAL, "Redis does not read the streams of events.");
}
