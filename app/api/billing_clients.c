#include "app/api/billing_clients.h"

#include "lib/clock.h"
#include "lib/model/billing.h"
#include "lib/model/billing_clients.h"

struct clients_query {
	const char *month;
	bool over_limit;
	int64_t limit;
};

const struct json_field billing_clients_fields[3] = {
	{ .name = "month",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct clients_query, month),
	    .given = JSON_ALWAYS,
	    .min = BILLING_MONTH_SIZE - 1,
	    .max = BILLING_MONTH_SIZE - 1,
	    .about = "As in 2026-01, of each client's zone; the open one of UTC where not given." },
	{ .name = "over_limit",
	    .type = JSON_BOOL,
	    .offset = offsetof(struct clients_query, over_limit),
	    .given = JSON_ALWAYS,
	    .about = "Only those that are beyond a limit of their month." },
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct clients_query, limit),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = BILLING_CLIENTS_MAX,
	    .about = "Clients, those that are billed most; 50 where not given." },
};

static void
write_client(struct json_out *out, const struct billing_client *client)
{
	json_open(out);
	json_id(out, "client_id", client->id);
	json_text(out, "name", client->name);
	json_text(out, "plan", client->plan);
	json_text(out, "timezone", client->timezone);
	json_bool(out, "active", client->active);
	json_cents(out, "billed_cents", client->billed_nanos);
	json_cents(out, "total_cost_cents", client->cost_nanos);
	json_cents(out, "adjustments_cents", client->adjustments_nanos);
	json_int(out, "total_requests", client->requests);
	json_int(out, "total_tokens", client->tokens);
	json_int(out, "failed_requests", client->failed);
	json_int(out, "unpriced_requests", client->unpriced);
	json_bool(out, "over_limit", client->over_limit);
	json_close(out);
}

bool
billing_clients(struct request *req, struct reply *reply)
{
	struct clients_query query = { .limit = BILLING_CLIENTS_DEFAULT };
	struct json_out *out = json_out_new(&reply->body);
	int32_t month = billing_month_of((int32_t)(req->task->now / CLOCK_DAY));
	struct billing_clients clients;
	char text[BILLING_MONTH_SIZE];

	if (!request_read_query(req, &query))
		return false;
	if (query.month != NULL && !billing_parse_month(query.month, &month))
		return task_fail_field(req->task, "month", "must be a month as in 2026-11");
	if (!billing_list_clients(req->task, billing_month_start(month),
		billing_month_start(month + 1) - 1, query.over_limit, query.limit, &clients))
		return false;
	json_open(out);
	json_text(out, "period", billing_format_month(month, text));
	json_open_array_at(out, "data");
	for (size_t i = 0; i < clients.count; i++)
		write_client(out, &clients.at[i]);
	json_close_array(out);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
