#include "app/api/adjustments.h"

#include "app/api/daily_costs.h"
#include "app/auth.h"
#include "app/page.h"
#include "lib/model/adjustment.h"
#include "lib/zone.h"

const struct json_field adjustments_add_fields[2] = {
	{ .name = "amount_cents",
	    .type = JSON_CENTS,
	    .offset = offsetof(struct adjustment, amount_nanos),
	    .required = true,
	    .min = -ADJUSTMENT_NANOS_MAX,
	    .max = ADJUSTMENT_NANOS_MAX,
	    .about = "Not 0; negative where too much was counted." },
	{ .name = "reason",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct adjustment, reason),
	    .required = true,
	    .min = 1,
	    .max = ADJUSTMENT_REASON_MAX },
};

struct page_query {
	struct page page;
};

const struct json_field adjustments_list_fields[2] = {
	PAGE_FIELDS(struct page_query, page),
};

bool
adjustments_add(struct request *req, struct reply *reply)
{
	struct adjustment adjustment = { .api_key_id = req->identity->key };

	if (!daily_costs_read_date(req, &adjustment.date))
		return false;
	if (!request_read_body(req, &adjustment))
		return false;
	if (adjustment.amount_nanos == 0)
		return task_fail_field(req->task, "amount_cents", "must not be 0");
	if (adjustment.date > zone_date(req->identity->zone, req->task->now))
		return task_fail_field(req->task, "date", "must not be later than today");
	if (!adjustment_add(req->task, &adjustment))
		return false;
	return reply_json(reply, 201, adjustment_write, &adjustment);
}

bool
adjustments_list(struct request *req, struct reply *reply)
{
	struct page_query query = { 0 };
	struct adjustments found;
	struct id after;
	int64_t limit;
	int32_t date;

	if (!daily_costs_read_date(req, &date))
		return false;
	if (!request_read_query(req, &query))
		return false;
	if (!page_read(req->task, &query.page, &limit, &after))
		return false;
	if (!adjustment_list(req->task, date, after, limit + 1, &found))
		return false;
	return page_reply(reply,
	    &(const struct page_rows){ .at = found.at,
		.count = found.count,
		.size = sizeof(struct adjustment),
		.id = offsetof(struct adjustment, id),
		.write = adjustment_write },
	    limit);
}
