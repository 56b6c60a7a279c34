#include "app/api/webhooks.h"

#include "app/page.h"
#include "lib/model/webhook.h"

struct page_query {
	struct page page;
};

const struct json_field webhooks_list_fields[2] = { PAGE_FIELDS(struct page_query, page) };

bool
webhooks_add(struct request *req, struct reply *reply)
{
	struct webhook_input input = { .allow_http = req->app->conf.webhook_allow_private };
	struct webhook_shown shown;

	if (!request_read_body(req, &input))
		return false;
	if (!webhook_add(req->task, &input, &shown.webhook, shown.secret))
		return false;
	return reply_json(reply, 201, webhook_write_shown, &shown);
}

bool
webhooks_list(struct request *req, struct reply *reply)
{
	struct page_query query = { 0 };
	struct webhooks webhooks;
	struct json_out *out;
	struct id after;
	int64_t limit;
	size_t shown;

	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!webhook_list(req->task, after, limit + 1, &webhooks))
		return false;
	shown = webhooks.count < (size_t)limit ? webhooks.count : (size_t)limit;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		webhook_write(out, &webhooks.at[i]);
	return page_end(reply, out, webhooks.count > shown,
	    shown == 0 ? (struct id){ 0 } : webhooks.at[shown - 1].id);
}

bool
webhooks_find(struct request *req, struct reply *reply)
{
	struct webhook webhook;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!webhook_find(req->task, id, &webhook))
		return false;
	return reply_json(reply, 200, webhook_write, &webhook);
}

bool
webhooks_change(struct request *req, struct reply *reply)
{
	struct webhook_input input = { .allow_http = req->app->conf.webhook_allow_private };
	struct webhook webhook;
	struct id id;

	if (!request_id_param(req, 0, &id) || !request_read_body(req, &input))
		return false;
	if (!webhook_change(req->task, id, &input, &webhook))
		return false;
	return reply_json(reply, 200, webhook_write, &webhook);
}

bool
webhooks_remove(struct request *req, struct reply *reply)
{
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!webhook_remove(req->task, id))
		return false;
	return reply_empty(reply);
}

bool
webhooks_list_alerts(struct request *req, struct reply *reply)
{
	struct page_query query = { 0 };
	struct alerts alerts;
	struct json_out *out;
	struct id after;
	int64_t limit;
	size_t shown;

	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!alert_list(req->task, after, limit + 1, &alerts))
		return false;
	shown = alerts.count < (size_t)limit ? alerts.count : (size_t)limit;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		alert_write(out, &alerts.at[i]);
	return page_end(reply, out, alerts.count > shown,
	    shown == 0 ? (struct id){ 0 } : alerts.at[shown - 1].id);
}
