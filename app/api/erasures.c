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
	struct json_out *out;
	struct id after;
	int64_t limit;
	size_t shown;

	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!erasure_list(req->task, after, limit + 1, &list))
		return false;
	shown = list.count < (size_t)limit ? list.count : (size_t)limit;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		erasure_write(out, &list.at[i]);
	return page_end(
	    reply, out, list.count > shown, shown == 0 ? (struct id){ 0 } : list.at[shown - 1].id);
}
