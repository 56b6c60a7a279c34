#include "app/api/versions.h"

#include "app/page.h"
#include "lib/model/conversation.h"

const struct json_field versions_post_fields[2] = {
	{ .name = "html",
	    .type = JSON_LONG,
	    .offset = offsetof(struct version_input, html),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = 1,
	    .max = VERSION_HTML_MAX,
	    .about = "At most 16777216 bytes in UTF-8." },
	{ .name = "description",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct version_input, description),
	    .given = JSON_ALWAYS,
	    .max = VERSION_DESCRIPTION_MAX },
};

struct list_query {
	struct page page;
};

const struct json_field versions_list_fields[2] = {
	PAGE_FIELDS(struct list_query, page),
};

struct diff_query {
	int64_t from, to;
};

const struct json_field versions_diff_fields[2] = {
	{ .name = "from",
	    .type = JSON_INT,
	    .offset = offsetof(struct diff_query, from),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .max = VERSION_NUMBER_MAX },
	{ .name = "to",
	    .type = JSON_INT,
	    .offset = offsetof(struct diff_query, to),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .max = VERSION_NUMBER_MAX },
};

/* The version that the path names; another spelling of its number is none. */
static bool
read_path(const struct request *req, struct id *ret_conversation, int64_t *ret_number)
{
	struct text digits = req->params[1];
	int64_t number = 0;

	if (!request_id_param(req, 0, ret_conversation))
		return false;
	for (size_t i = 0; i < digits.len && number <= VERSION_NUMBER_MAX; i++) {
		if (digits.at[i] < '0' || digits.at[i] > '9' || (i == 1 && number == 0))
			number = VERSION_NUMBER_MAX;
		number = number * 10 + digits.at[i] - '0';
	}
	*ret_number = number;
	return number <= VERSION_NUMBER_MAX ||
	       task_fail(req->task, ERR_NOT_FOUND, "There is no such version.");
}

bool
versions_post(struct request *req, struct reply *reply)
{
	struct version_input input = { 0 };
	struct id conversation;
	struct version version;

	if (!request_id_param(req, 0, &conversation) || !request_read_body(req, &input))
		return false;
	if (!version_add(req->task, conversation, &input, &version))
		return false;
	return reply_json(reply, 201, version_write, &version);
}

bool
versions_list(struct request *req, struct reply *reply)
{
	struct list_query query = { 0 };
	struct id conversation, after;
	struct versions found;
	int64_t limit;

	if (!request_id_param(req, 0, &conversation) || !request_read_query(req, &query) ||
	    !page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!version_list(req->task, conversation, after, limit + 1, &found))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = found.at,
		.count = found.count,
		.size = sizeof(struct version),
		.id = offsetof(struct version, id),
		.write = version_write },
	    limit);
}

bool
versions_find(struct request *req, struct reply *reply)
{
	struct version version;
	struct id conversation;
	int64_t number;

	if (!read_path(req, &conversation, &number) ||
	    !version_find(req->task, conversation, number, &version))
		return false;
	return versions_reply(req, reply, &version);
}

bool
versions_set_current(struct request *req, struct reply *reply)
{
	struct version version;
	struct id conversation;
	int64_t number;

	if (!read_path(req, &conversation, &number) ||
	    !version_set_current(req->task, conversation, number, &version))
		return false;
	return reply_json(reply, 200, version_write, &version);
}

struct diff {
	struct version from, to;
};

static void
write_side(struct json_out *out, const char *name, const struct version *version)
{
	json_open_at(out, name);
	version_write_members(out, version);
	json_close(out);
}

static void
write_diff(struct json_out *out, const void *object)
{
	const struct diff *diff = object;

	json_open(out);
	json_int(out, "size_difference_bytes", diff->to.size_bytes - diff->from.size_bytes);
	json_int(out, "time_difference_ms", (diff->to.created_at - diff->from.created_at) / 1000);
	write_side(out, "from", &diff->from);
	write_side(out, "to", &diff->to);
	json_close(out);
}

bool
versions_diff(struct request *req, struct reply *reply)
{
	struct conversation found = { 0 };
	struct diff_query query = { 0 };
	struct id conversation;
	struct diff diff;

	if (!request_id_param(req, 0, &conversation) ||
	    !resource_find(req->task, &conversation_resource, conversation, &found) ||
	    !request_read_query(req, &query))
		return false;
	if (!version_find(req->task, conversation, query.from, &diff.from) ||
	    !version_find(req->task, conversation, query.to, &diff.to))
		return false;
	return reply_json(reply, 200, write_diff, &diff);
}
