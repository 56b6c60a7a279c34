#include "app/api/chat_logs.h"

#include "app/auth.h"
#include "app/listing.h"
#include "lib/model/chat_log.h"
#include "lib/model/user.h"

struct list_query {
	struct page page;
	struct chat_log_filter filter;
	bool success, has_success;
	bool unpriced, has_unpriced;
};

#define QUERY(member) offsetof(struct list_query, member)
#define ID_FIELD(text) \
	{ \
		.name = #text, .type = JSON_ID, .offset = QUERY(filter.text), .given = JSON_ALWAYS \
	}
#define TEXT_FIELD(text, most) \
	{ \
		.name = #text, .type = JSON_TEXT, .offset = QUERY(filter.text), \
		.given = JSON_ALWAYS, .min = 1, .max = (most) \
	}
#define FILTER_FIELDS \
	ID_FIELD(session_id), ID_FIELD(conversation_id), ID_FIELD(agent_session_id), \
	    TEXT_FIELD(trace_id, 64), TEXT_FIELD(feature, 80), TEXT_FIELD(agent_type, 80), \
	    TEXT_FIELD(provider, 80), TEXT_FIELD(model, 160), TEXT_FIELD(tag, 64), \
	    { .name = "success", \
		    .type = JSON_BOOL, \
		    .offset = QUERY(success), \
		    .given = QUERY(has_success) }, \
	    { .name = "unpriced", \
		    .type = JSON_BOOL, \
		    .offset = QUERY(unpriced), \
		    .given = QUERY(has_unpriced), \
		    .about = "Without an estimated or a verified cost." }, \
	    { .name = "since", \
		    .type = JSON_TIME, \
		    .offset = QUERY(filter.since), \
		    .given = JSON_ALWAYS, \
		    .about = "Inclusive." }, \
	    { .name = "until", \
		    .type = JSON_TIME, \
		    .offset = QUERY(filter.until), \
		    .given = JSON_ALWAYS, \
		    .about = "Exclusive." }, \
	    { .name = "limit", \
		    .type = JSON_INT, \
		    .offset = QUERY(page.limit), \
		    .given = JSON_ALWAYS, \
		    .min = 1, \
		    .max = CHAT_LOGS_EXPORT_ROWS_MAX, \
		    .about = "At most 500 in JSON; 50 where not given." }, \
	{ \
		.name = "cursor", .type = JSON_TEXT, .offset = QUERY(page.cursor), \
		.given = JSON_ALWAYS, .min = 1, .max = 64, \
		.about = "next_cursor, or the header X-Next-Cursor, of the page before." \
	}

const struct json_field chat_logs_list_fields[16] = { ID_FIELD(user_id), FILTER_FIELDS };
const struct json_field chat_logs_of_user_fields[15] = { FILTER_FIELDS };

static bool
read_query(struct request *req, enum accept accept, struct chat_log_filter *ret)
{
	struct list_query query = { .filter = chat_log_all };

	if (!request_read_query(req, &query))
		return false;
	if (accept == ACCEPT_JSON && query.page.limit > PAGE_LIMIT_MAX)
		task_fail_field(req->task, "limit", "must be at most 500 in JSON");
	if (query.filter.since >= query.filter.until)
		task_fail_field(req->task, "until", "must be later than since");
	if (!page_read(req->task, &query.page, &query.filter.limit, &query.filter.after))
		return false;
	if (query.has_success)
		query.filter.success = query.success;
	if (query.has_unpriced)
		query.filter.unpriced = query.unpriced;
	*ret = query.filter;
	return req->task->err.code == ERR_NONE;
}

static bool
read_rows(struct task *task, const void *filter, struct page_rows *ret)
{
	struct chat_logs found;

	if (!chat_log_list(task, filter, &found))
		return false;
	*ret = (struct page_rows){ .at = found.at,
		.count = found.count,
		.size = sizeof(struct chat_log),
		.id = offsetof(struct chat_log, id),
		.write = chat_log_write };
	return true;
}

static bool
list(struct request *req, struct reply *reply, struct id user)
{
	enum accept accept = accept_choose(req->accept);
	struct chat_log_filter filter;

	if (!read_query(req, accept, &filter))
		return false;
	if (!id_is_nil(user))
		filter.user_id = user;
	/* Row-level security shows no others; this leads to their index. */
	if (id_is_nil(filter.user_id))
		filter.user_id = req->task->user;
	return listing_reply(req, reply, accept,
	    &(const struct listing){ .filter = &filter,
		.limit = &filter.limit,
		.after = &filter.after,
		.read = read_rows,
		.csv_head = chat_log_csv_head,
		.csv_row = chat_log_csv_row,
		.bytes_max = CHAT_LOGS_EXPORT_BYTES_MAX });
}

bool
chat_logs_list(struct request *req, struct reply *reply)
{
	return list(req, reply, (struct id){ 0 });
}

bool
chat_logs_of_user(struct request *req, struct reply *reply)
{
	struct user user;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!resource_find(req->task, &user_resource, id, &user))
		return false;
	return list(req, reply, user.head.id);
}

bool
chat_logs_find(struct request *req, struct reply *reply)
{
	struct chat_log log;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!chat_log_find(req->task, id, &log))
		return false;
	return reply_json(reply, 200, chat_log_write, &log);
}
