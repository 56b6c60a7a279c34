#include "app/api/erasures.h"

#include "app/page.h"
#include "lib/model/erasure.h"

struct page_query {
	struct page page;
};

const struct json_field erasures_list_fields[2] = { PAGE_FIELDS(struct page_query, page) };

bool
erasures_add(struct request *req, struct reply *reply)
{
	struct erasure erasure;
	struct id user;

	if (!request_id_param(req, 0, &user))
		return false;
	if (!erasure_request(req->task, user, "api", &erasure))
		return false;
	return reply_json(reply, 202, erasure_write, &erasure);
}

bool
erasures_find(struct request *req, struct reply *reply)
{
	struct erasure erasure;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!erasure_find(req->task, id, &erasure))
		return false;
	return reply_json(reply, 200, erasure_write, &erasure);
}

bool
erasures_list(struct request *req, struct reply *reply)
{
	struct page_query query = { 0 };
	struct erasures list;
	struct id after;
	int64_t limit;

	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!erasure_list(req->task, after, limit + 1, &list))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = list.at,
		.count = list.count,
		.size = sizeof(struct erasure),
		.id = offsetof(struct erasure, id),
		.write = erasure_write },
	    limit);
}
