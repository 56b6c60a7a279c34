#include "app/api/tool_executions.h"

#include "app/api/tool_executions_read.h"
#include "app/auth.h"
#include "app/page.h"
#include "lib/model/tool_statistic.h"

static const char no_user[] = "names no user of this client";

/* What is there already is answered as it was stored. */
static bool
answer_single(struct request *req, struct reply *reply, const struct tool_call *call)
{
	struct tool_execution stored;

	switch (call->outcome) {
	case TOOL_NO_USER:
		return task_fail_field(req->task, "user_id", no_user);
	case TOOL_STORED:
		return reply_json(reply, 201, tool_execution_write, &call->execution);
	case TOOL_DUPLICATE:
		break;
	}
	if (tool_execution_find(req->task, call->execution.id, &stored))
		return reply_json(reply, 200, tool_execution_write, &stored);
	if (req->task->err.code != ERR_NOT_FOUND)
		return false;
	task_clear_error(req->task);
	return task_fail(
	    req->task, ERR_CONFLICT, "The id is that of an execution of another user.");
}

static bool
answer_many(struct request *req, struct reply *reply, struct tool_calls *calls)
{
	struct arena *arena = req->task->arena;
	struct rejection_answer answer = { .arena = arena };

	for (size_t i = 0; i < calls->count; i++) {
		answer.accepted += calls->at[i].outcome == TOOL_STORED;
		answer.duplicates += calls->at[i].outcome == TOOL_DUPLICATE;
		if (calls->at[i].outcome == TOOL_NO_USER)
			calls->rejections[calls->rejection_count++] =
			    rejection_of(arena, calls->indexes[i], "user_id", no_user);
	}
	answer.at = calls->rejections;
	answer.count = calls->rejection_count;
	return reply_json(reply, 200, rejection_write, &answer);
}

bool
tool_executions_post(struct request *req, struct reply *reply)
{
	struct tool_calls calls;

	if (!tool_executions_read(req, &calls) ||
	    !tool_execution_store(req->task, calls.at, calls.count))
		return false;
	return calls.single ? answer_single(req, reply, &calls.at[0])
			    : answer_many(req, reply, &calls);
}

struct list_query {
	struct page page;
	struct tool_execution_filter filter;
	bool success, has_success;
};

#define QUERY(member) offsetof(struct list_query, member)
#define ID_FIELD(text) \
	{ \
		.name = #text, .type = JSON_ID, .offset = QUERY(filter.text), .given = JSON_ALWAYS \
	}

const struct json_field tool_executions_list_fields[9] = {
	{ .name = "tool",
	    .type = JSON_TEXT,
	    .offset = QUERY(filter.tool),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = TOOL_EXECUTION_TOOL_MAX },
	ID_FIELD(user_id),
	ID_FIELD(conversation_id),
	ID_FIELD(agent_session_id),
	{ .name = "success",
	    .type = JSON_BOOL,
	    .offset = QUERY(success),
	    .given = QUERY(has_success),
	    .about = "false: those that failed." },
	{ .name = "since",
	    .type = JSON_TIME,
	    .offset = QUERY(filter.since),
	    .given = JSON_ALWAYS,
	    .about = "Inclusive." },
	{ .name = "until",
	    .type = JSON_TIME,
	    .offset = QUERY(filter.until),
	    .given = JSON_ALWAYS,
	    .about = "Exclusive." },
	PAGE_FIELDS(struct list_query, page),
};

bool
tool_executions_list(struct request *req, struct reply *reply)
{
	struct list_query query = { .filter = tool_execution_all };
	struct tool_execution *list;
	size_t count;
	int64_t limit;

	if (!request_read_query(req, &query))
		return false;
	if (query.filter.since >= query.filter.until)
		return task_fail_field(req->task, "until", "must be later than since");
	if (!page_read(req->task, &query.page, &limit, &query.filter.after))
		return false;
	if (query.has_success)
		query.filter.success = query.success;
	/* Row-level security shows no others; this leads to their index. */
	if (id_is_nil(query.filter.user_id))
		query.filter.user_id = req->task->user;
	query.filter.limit = limit + 1;
	if (!tool_execution_list(req->task, &query.filter, &list, &count))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = list,
		.count = count,
		.size = sizeof(struct tool_execution),
		.id = offsetof(struct tool_execution, id),
		.write = tool_execution_write },
	    limit);
}

bool
tool_executions_find(struct request *req, struct reply *reply)
{
	struct tool_execution execution;
	struct id id;

	return request_id_param(req, 0, &id) && tool_execution_find(req->task, id, &execution) &&
	       reply_json(reply, 200, tool_execution_write, &execution);
}

struct statistics_query {
	struct tool_statistic_query query;
	bool has_since, has_until;
	int by;
};

enum { BY_DAY, BY_TOOL };
static const char *const by_names[] = { [BY_DAY] = "day", [BY_TOOL] = "tool", NULL };

const struct json_field tool_executions_statistics_fields[4] = {
	{ .name = "since",
	    .type = JSON_DATE,
	    .offset = offsetof(struct statistics_query, query.since),
	    .given = offsetof(struct statistics_query, has_since),
	    .about = "The first day, of the client's zone; 29 days before until where not given." },
	{ .name = "until",
	    .type = JSON_DATE,
	    .offset = offsetof(struct statistics_query, query.until),
	    .given = offsetof(struct statistics_query, has_until),
	    .about = "The last day; today where not given." },
	{ .name = "tool",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct statistics_query, query.tool),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = TOOL_EXECUTION_TOOL_MAX },
	{ .name = "by",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct statistics_query, by),
	    .given = JSON_ALWAYS,
	    .choices = by_names,
	    .about = "day: a row for each day and tool; tool: one for each tool. day where not "
		     "given." },
};

static bool
read_statistics(struct request *req, struct tool_statistic_query *ret)
{
	struct statistics_query query = { 0 };

	if (!request_read_query(req, &query))
		return false;
	*ret = query.query;
	ret->by_day = query.by == BY_DAY;
	if (!query.has_until)
		ret->until = zone_date(req->identity->zone, req->task->now);
	if (!query.has_since)
		ret->since = ret->until - TOOL_STATISTICS_DAYS_DEFAULT + 1;
	if (ret->since > ret->until)
		return task_fail_field(req->task, "since", "must not be later than until");
	return ret->until - ret->since < TOOL_STATISTICS_DAYS_MAX ||
	       task_fail_field(req->task, "since", "and until must be at most 366 days");
}

struct answer {
	const struct tool_statistic_query *query;
	const struct tool_statistics *found;
};

static void
write_answer(struct json_out *out, const void *object)
{
	const struct answer *answer = object;

	json_open(out);
	json_date(out, "since", answer->query->since);
	json_date(out, "until", answer->query->until);
	json_bool(out, "complete", answer->found->complete);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < answer->found->count; i++)
		tool_statistic_write(out, &answer->found->at[i]);
	json_close_array(out);
	json_close(out);
}

bool
tool_executions_statistics(struct request *req, struct reply *reply)
{
	struct tool_statistic_query query;
	struct tool_statistics found;

	return read_statistics(req, &query) && tool_statistic_read(req->task, &query, &found) &&
	       reply_json(reply, 200, write_answer, &(const struct answer){ &query, &found });
}
