#include "app/api/events.h"

#include <string.h>

#include "app/auth.h"
#include "app/events.h"

struct events_query {
	struct json_texts types;
	struct json_texts agent_sessions;
};

const struct json_field events_get_fields[] = {
	{ "types", JSON_TEXTS, .offset = offsetof(struct events_query, types), .min = 1,
	    .max = EVENT_TYPES, .max_item = 40,
	    .about = "Of which types: record, budget.threshold, counter.drift, credits.posted, "
		     "credits.recharge_due, agent.progress. Where not given, all that the key's "
		     "scopes let it see." },
	{ "agent_session_id", JSON_TEXTS, .offset = offsetof(struct events_query, agent_sessions),
	    .min = 1, .max = EVENTS_SESSIONS_MAX, .max_item = ID_TEXT_SIZE - 1,
	    .about = "Only events of these agent sessions." },
};

/* What lets a key see events of a type. */
static const enum scope scopes[] = {
	[EVENT_RECORD] = SCOPE_LOGS_READ,
	[EVENT_BUDGET_THRESHOLD] = SCOPE_BUDGETS_READ,
	[EVENT_COUNTER_DRIFT] = SCOPE_BUDGETS_READ,
	[EVENT_CREDITS_POSTED] = SCOPE_CREDITS,
	[EVENT_CREDITS_RECHARGE_DUE] = SCOPE_CREDITS,
	[EVENT_AGENT_PROGRESS] = SCOPE_AGENTS,
};
_Static_assert(COUNT(scopes) == EVENT_TYPES, "every type has a scope");

static bool
may_see(const struct request *req, enum event_type type)
{
	return (req->identity->scopes & UINT64_C(1) << scopes[type]) != 0;
}

static bool
read_types(const struct request *req, struct json_texts names, unsigned *ret)
{
	struct task *task = req->task;
	enum event_type type;

	*ret = 0;
	for (int i = 0; names.count == 0 && i < EVENT_TYPES; i++)
		if (may_see(req, (enum event_type)i))
			*ret |= 1U << i;
	for (size_t i = 0; i < names.count; i++) {
		if (!event_type_find(names.at[i], &type))
			return task_fail_field(task, "types", "holds a name that is no type");
		if (!may_see(req, type))
			return task_fail(task, ERR_FORBIDDEN,
			    "The key lacks the scope %s for events of the type %s.",
			    scope_names[scopes[type]], event_type_names[type]);
		*ret |= 1U << type;
	}
	return true;
}

static uint64_t
scopes_of(unsigned types)
{
	uint64_t ret = UINT64_C(1) << SCOPE_LOGS_READ;

	for (int type = 0; type < EVENT_TYPES; type++)
		if ((types & 1U << type) != 0)
			ret |= UINT64_C(1) << scopes[type];
	return ret;
}

static bool
read_sessions(struct task *task, struct json_texts texts, struct events_wish *wish)
{
	struct id *ids = arena_array(task->arena, texts.count, sizeof *ids);

	for (size_t i = 0; i < texts.count; i++)
		if (!id_parse((struct text){ texts.at[i], strlen(texts.at[i]) }, &ids[i]))
			return task_fail_field(
			    task, "agent_session_id", "holds what has not the form of an id");
	wish->agent_sessions = ids;
	wish->agent_session_count = texts.count;
	return true;
}

/* A browser sends it by itself when it comes back. */
static bool
read_last(const struct request *req, struct event_place *place, struct events_wish *wish)
{
	const char *last = request_header(req, "HTTP_LAST_EVENT_ID");

	if (last == NULL)
		return true;
	wish->after = place;
	return event_place_parse((struct text){ last, strlen(last) }, place) ||
	       task_fail_field(req->task, "Last-Event-ID", "is no id of an event");
}

bool
events_get(struct request *req, struct reply *reply)
{
	struct events_query query = { 0 };
	struct events_wish wish = { 0 };
	struct event_place place;

	if (!request_read_query(req, &query) || !read_types(req, query.types, &wish.types) ||
	    !read_sessions(req->task, query.agent_sessions, &wish) ||
	    !read_last(req, &place, &wish)) {
		request_finish(req, false);
		return false;
	}
	wish.scopes = scopes_of(wish.types);
	/* No media type of a body whose length is known. */
	reply_header(reply, "Content-Type", "text/event-stream");
	reply_header(reply, "Cache-Control", "no-store");
	reply_header(reply, "X-Accel-Buffering", "no");
	reply_done(reply, 200, NULL);
	if (strcmp(req->method, "HEAD") == 0)
		request_finish(req, true);
	else
		events_listen(req->app->events, req, &wish);
	return true;
}
