#include "app/api/budgets.h"

#include "app/auth.h"
#include "app/ingest/ingest.h"

#include "app/etag.h"
#include "app/page.h"
#include "lib/model/budget.h"
#include "lib/model/counter.h"

struct page_query {
	struct page page;
};

const struct json_field budgets_list_fields[2] = {
	PAGE_FIELDS(struct page_query, page),
};

static bool
reply_budget(struct reply *reply, int status, const struct budget *budget)
{
	etag_set(reply, etag_of_version(reply->body.arena, budget->version));
	return reply_json(reply, status, budget_write, budget);
}

/* The notification comes by itself; whoever made the change must see it in the next answer. */
static void
forget_counts(struct request *req)
{
	counter_book_forget(ingest_book(req->app->ingest), req->identity->client);
}

bool
budgets_add(struct request *req, struct reply *reply)
{
	struct budget_input input = { 0 };
	struct budget budget;

	if (!request_read_body(req, &input))
		return false;
	if (!budget_add(req->task, &input, &budget))
		return false;
	req->committed = forget_counts;
	return reply_budget(reply, 201, &budget);
}

bool
budgets_list(struct request *req, struct reply *reply)
{
	struct page_query query = { 0 };
	struct budgets budgets;
	struct json_out *out;
	struct id after;
	int64_t limit;
	size_t shown;

	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!budget_list(req->task, after, limit + 1, &budgets))
		return false;
	shown = budgets.count < (size_t)limit ? budgets.count : (size_t)limit;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		budget_write(out, &budgets.at[i]);
	return page_end(reply, out, budgets.count > shown,
	    shown == 0 ? (struct id){ 0 } : budgets.at[shown - 1].id);
}

bool
budgets_find(struct request *req, struct reply *reply)
{
	struct budget budget;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!budget_find(req->task, id, &budget))
		return false;
	return reply_budget(reply, 200, &budget);
}

/* The budget of the path, which nobody else changes until the answer, in the caller's version. */
static bool
find_to_change(struct request *req, struct budget *ret)
{
	struct id id;

	return request_id_param(req, 0, &id) && budget_find_to_change(req->task, id, ret) &&
	       etag_check(req, etag_of_version(req->task->arena, ret->version));
}

bool
budgets_change(struct request *req, struct reply *reply)
{
	struct budget_input input = { 0 };
	struct budget before, after;

	if (!request_read_body(req, &input))
		return false;
	if (!find_to_change(req, &before))
		return false;
	if (!budget_change(req->task, &before, &input, &after))
		return false;
	req->committed = forget_counts;
	return reply_budget(reply, 200, &after);
}

bool
budgets_remove(struct request *req, struct reply *reply)
{
	struct budget before;

	if (!find_to_change(req, &before))
		return false;
	if (!budget_remove(req->task, &before))
		return false;
	req->committed = forget_counts;
	return reply_empty(reply);
}
