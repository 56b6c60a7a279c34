#include "app/api/audit.h"

#include "app/auth.h"
#include "app/listing.h"
#include "lib/model/audit.h"

struct list_query {
	struct page page;
	struct audit_filter filter;
};

#define QUERY(member) .offset = offsetof(struct list_query, member), .given = JSON_ALWAYS

const struct json_field audit_list_fields[10] = {
	{ .name = "entity",
	    .type = JSON_TEXT,
	    QUERY(filter.entity),
	    .min = 1,
	    .max = 64,
	    .about = "What was changed: users, auth_tokens, budgets, ..." },
	{ .name = "entity_id", .type = JSON_TEXT, QUERY(filter.entity_id), .min = 1, .max = 64 },
	{ .name = "action",
	    .type = JSON_TEXT,
	    QUERY(filter.action),
	    .min = 1,
	    .max = 64,
	    .about = "add, change, remove, restore, revoke, ..." },
	{ .name = "api_key_id",
	    .type = JSON_ID,
	    QUERY(filter.api_key_id),
	    .about = "The key itself, not the first of its line." },
	{ .name = "user_id",
	    .type = JSON_ID,
	    QUERY(filter.user_id),
	    .about = "To whom the key is bound by which it was changed." },
	{ .name = "client_id",
	    .type = JSON_ID,
	    QUERY(filter.client),
	    .about = "For operators, who see every client's entries and their own where it is not "
		     "given." },
	{ .name = "since", .type = JSON_TIME, QUERY(filter.since), .about = "Inclusive." },
	{ .name = "until", .type = JSON_TIME, QUERY(filter.until), .about = "Exclusive." },
	{ .name = "limit",
	    .type = JSON_INT,
	    QUERY(page.limit),
	    .min = 1,
	    .max = AUDIT_EXPORT_ROWS_MAX,
	    .about = "At most 500 in JSON; 50 where not given." },
	{ .name = "cursor",
	    .type = JSON_TEXT,
	    QUERY(page.cursor),
	    .min = 1,
	    .max = 64,
	    .about = "next_cursor, or the header X-Next-Cursor, of the page before." },
};

/* Whose entries are read. */
static void
set_client(struct request *req, struct audit_filter *filter)
{
	bool given = !id_is_nil(filter->client);

	if (req->task->operator_key) {
		filter->all = !given;
		return;
	}
	if (given)
		(void)task_fail_field(req->task, "client_id", "is for operators");
	filter->client = req->task->client;
}

static bool
read_query(struct request *req, enum accept accept, struct audit_filter *ret)
{
	struct list_query query = { .filter = { .until = INT64_MAX } };

	if (!request_read_query(req, &query))
		return false;
	set_client(req, &query.filter);
	if (accept == ACCEPT_JSON && query.page.limit > PAGE_LIMIT_MAX)
		(void)task_fail_field(req->task, "limit", "must be at most 500 in JSON");
	if (query.filter.since >= query.filter.until)
		(void)task_fail_field(req->task, "until", "must be later than since");
	if (!page_read(req->task, &query.page, &query.filter.limit, &query.filter.after))
		return false;
	*ret = query.filter;
	return req->task->err.code == ERR_NONE;
}

static bool
read_rows(struct task *task, const void *filter, struct page_rows *ret)
{
	struct audit_entries found;

	if (!audit_list(task, filter, &found))
		return false;
	*ret = (struct page_rows){ .at = found.at,
		.count = found.count,
		.size = sizeof(struct audit_entry),
		.id = offsetof(struct audit_entry, id),
		.write = audit_write };
	return true;
}

bool
audit_entries_list(struct request *req, struct reply *reply)
{
	enum accept accept = accept_choose(req->accept);
	struct audit_filter filter;

	if (!read_query(req, accept, &filter))
		return false;
	return listing_reply(req, reply, accept,
	    &(const struct listing){ .filter = &filter,
		.limit = &filter.limit,
		.after = &filter.after,
		.read = read_rows,
		.csv_head = audit_csv_head,
		.csv_row = audit_csv_row,
		.bytes_max = AUDIT_EXPORT_BYTES_MAX });
}
