#include "app/api/webhooks.h"

#include "app/page.h"
#include "lib/model/webhook.h"

struct page_query {
	struct page page;
};

const struct json_field webhooks_list_alerts_fields[2] = { PAGE_FIELDS(struct page_query, page) };

void
webhooks_fill(struct request *req, void *object)
{
	struct webhook *webhook = object;

	webhook->allow_http = req->app->conf.webhook_allow_private;
}

bool
webhooks_list_alerts(struct request *req, struct reply *reply)
{
	struct page_query query = { 0 };
	struct alerts alerts;
	struct id after;
	int64_t limit;

	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!alert_list(req->task, after, limit + 1, &alerts))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = alerts.at,
		.count = alerts.count,
		.size = sizeof(struct alert),
		.id = offsetof(struct alert, id),
		.write = alert_write },
	    limit);
}
