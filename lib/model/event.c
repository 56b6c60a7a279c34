#include "lib/model/event.h"

#include <string.h>

#include "lib/model/audit.h"
#include "lib/model/event_private.h"

const char *const event_type_names[] = {
	[EVENT_RECORD] = "record",
	[EVENT_BUDGET_THRESHOLD] = "budget.threshold",
	[EVENT_COUNTER_DRIFT] = "counter.drift",
	[EVENT_CREDITS_POSTED] = "credits.posted",
	[EVENT_CREDITS_RECHARGE_DUE] = "credits.recharge_due",
	[EVENT_AGENT_PROGRESS] = "agent.progress",
	NULL,
};

/* ARGV: how many are kept, seconds, then of each event its type, user, agent session and body. */
static struct redis_script publish_script = { .library = { EVENT_LUA_HEARD },
	.source = "local hears, kept = {}, false\n"
		  "local channel = string.match(KEYS[1], '^tally:%b{}:') .. 'events'\n"
		  "for i = 3, #ARGV, 4 do\n"
		  "  local type, body = ARGV[i], ARGV[i + 3]\n"
		  "  if hears[type] == nil then hears[type] = heard(type) end\n"
		  "  if hears[type] == 2 or hears[type] == 1 and ARGV[i + 2] ~= '' then\n"
		  "    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'type', type,\n"
		  "      'user', ARGV[i + 1], 'agent', ARGV[i + 2], 'body', body)\n"
		  "    kept = true\n"
		  "  end\n"
		  "  redis.call('PUBLISH', channel, body)\n"
		  "end\n"
		  "if kept then redis.call('EXPIRE', KEYS[1], ARGV[2]) end\n"
		  "return 'ok'\n" };

bool
event_type_find(const char *name, enum event_type *ret)
{
	for (int type = 0; type < EVENT_TYPES; type++) {
		if (strcmp(name, event_type_names[type]) != 0)
			continue;
		*ret = (enum event_type)type;
		return true;
	}
	return false;
}

const char *
event_key(struct task *task, struct id client)
{
	char text[ID_TEXT_SIZE];

	return arena_printf(task->arena, "tally:{%s}:stream", id_format(client, text));
}

struct text
event_body(struct task *task, enum event_type type, struct id id, int64_t created_at,
    void (*write)(struct json_out *out, const void *object), const void *object)
{
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	json_id(out, "id", id);
	json_text(out, "type", event_type_names[type]);
	json_time(out, "created_at", created_at);
	json_raw(out, "data", audit_json(task, write, object));
	json_close(out);
	return buf_text(&buf);
}

static void
add_id(struct redis_command *command, struct id id)
{
	char text[ID_TEXT_SIZE];

	redis_add(command, id_is_nil(id) ? "" : id_format(id, text));
}

struct redis_command *
event_command(struct task *task, struct id client, const struct event *events, size_t count)
{
	struct redis_command *command = redis_eval(task, &publish_script, 1);

	redis_add(command, event_key(task, client));
	redis_add_int(command, EVENT_KEPT_MAX);
	redis_add_int(command, EVENT_HEARD_S);
	for (size_t i = 0; i < count; i++) {
		redis_add(command, event_type_names[events[i].type]);
		add_id(command, events[i].user);
		add_id(command, events[i].agent_session);
		redis_add_n(command, events[i].body.at, events[i].body.len);
	}
	return command;
}

void
event_publish(struct task *task, const struct event *events, size_t count)
{
	struct redis_command *command = event_command(task, task->client, events, count);
	struct redis_reply reply;

	if (count > 0 && !redis_run(task, &command, 1, &reply))
		task_clear_error(task);
}

void
event_tell(struct task *task, enum event_type type, struct id user, struct id agent_session,
    void (*write)(struct json_out *out, const void *object), const void *object)
{
	struct event event = { .type = type, .user = user, .agent_session = agent_session };

	event.body = event_body(task, type, id_new(task->now), task->now, write, object);
	event_publish(task, &event, 1);
}
