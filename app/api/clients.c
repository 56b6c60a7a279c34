#include "app/api/clients.h"

#include "app/page.h"
#include "lib/model/client.h"
#include "lib/zone.h"

#define INPUT(member) offsetof(struct client_input, member)
#define NAME_FIELD(needed) \
	{ \
		.name = "name", .type = JSON_TEXT, .offset = INPUT(name), .given = JSON_ALWAYS, \
		.required = (needed), .min = 1, .max = CLIENT_NAME_MAX \
	}
#define OTHER_FIELDS \
	{ .name = "plan", \
		.type = JSON_CHOICE, \
		.offset = INPUT(plan), \
		.given = INPUT(has_plan), \
		.choices = client_plan_names }, \
	    { .name = "timezone", \
		    .type = JSON_TEXT, \
		    .offset = INPUT(timezone), \
		    .given = JSON_ALWAYS, \
		    .min = 1, \
		    .max = ZONE_NAME_MAX, \
		    .about = "IANA name; the client's days are this zone's." }, \
	{ \
		.name = "log_retention_days", .type = JSON_INT, \
		.offset = INPUT(log_retention_days), .given = JSON_ALWAYS, .min = 1, \
		.max = CLIENT_RETENTION_MAX_DAYS, \
		.about = "How long the log is kept; as the service is set up where not given." \
	}

const struct json_field clients_add_fields[4] = { NAME_FIELD(true), OTHER_FIELDS };
const struct json_field clients_change_fields[4] = { NAME_FIELD(false), OTHER_FIELDS };

struct list_query {
	struct page page;
	int plan;
};

const struct json_field clients_list_fields[3] = {
	{ .name = "plan",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct list_query, plan),
	    .given = JSON_ALWAYS,
	    .choices = client_plan_names },
	PAGE_FIELDS(struct list_query, page),
};

static const char *const groups[] = { "plan", NULL };

struct count_query {
	int by;
	bool has_by;
};

const struct json_field clients_count_fields[1] = {
	{ .name = "by",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct count_query, by),
	    .given = offsetof(struct count_query, has_by),
	    .choices = groups },
};

bool
clients_add(struct request *req, struct reply *reply)
{
	struct client_input input = { 0 };
	struct client client;

	if (!request_read_body(req, &input))
		return false;
	if (!client_add(req->task, &input, &client))
		return false;
	return reply_json(reply, 201, client_write, &client);
}

bool
clients_list(struct request *req, struct reply *reply)
{
	struct list_query query = { .plan = CLIENT_ANY_PLAN };
	struct client_filter filter = { 0 };
	struct clients clients;
	struct json_out *out;
	size_t shown;

	if (!request_read_query(req, &query))
		return false;
	filter.plan = query.plan;
	if (!page_read(req->task, &query.page, &filter.limit, &filter.after))
		return false;
	shown = (size_t)filter.limit++;
	if (!client_list(req->task, &filter, &clients))
		return false;
	if (clients.count < shown)
		shown = clients.count;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		client_write(out, &clients.at[i]);
	return page_end(reply, out, clients.count > shown,
	    shown == 0 ? (struct id){ 0 } : clients.at[shown - 1].id);
}

bool
clients_count(struct request *req, struct reply *reply)
{
	struct count_query query = { 0 };
	int64_t by_plan[CLIENT_PLANS];
	int64_t sum = 0;
	struct json_out *out = json_out_new(&reply->body);

	if (!request_read_query(req, &query))
		return false;
	if (!client_count(req->task, by_plan))
		return false;
	for (int plan = 0; plan < CLIENT_PLANS; plan++)
		sum += by_plan[plan];
	json_open(out);
	json_int(out, "count", sum);
	if (query.has_by) {
		json_open_at(out, "by_plan");
		for (int plan = 0; plan < CLIENT_PLANS; plan++)
			json_int(out, client_plan_names[plan], by_plan[plan]);
		json_close(out);
	}
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

bool
clients_find(struct request *req, struct reply *reply)
{
	struct id id;
	struct client client;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!client_find(req->task, id, &client))
		return false;
	return reply_json(reply, 200, client_write, &client);
}

bool
clients_change(struct request *req, struct reply *reply)
{
	struct client_input input = { 0 };
	struct id id;
	struct client client;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!request_read_body(req, &input))
		return false;
	if (!client_change(req->task, id, &input, &client))
		return false;
	return reply_json(reply, 200, client_write, &client);
}

bool
clients_deactivate(struct request *req, struct reply *reply)
{
	struct id id;
	struct client client;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!client_deactivate(req->task, id, &client))
		return false;
	return reply_json(reply, 200, client_write, &client);
}
