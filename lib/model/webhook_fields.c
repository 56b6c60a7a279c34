/* Webhooks as JSON: what comes in, what goes out. */
#include "lib/model/webhook.h"

#define INPUT(member) offsetof(struct webhook_input, member)

#define FIELDS(url_required) \
	{ .name = "url", \
		.type = JSON_TEXT, \
		.offset = INPUT(url), \
		.given = JSON_ALWAYS, \
		.required = (url_required), \
		.min = 1, \
		.max = WEBHOOK_URL_MAX, \
		.about = "https, without user and password; addresses of private networks are " \
			 "refused when something is sent." }, \
	    { .name = "events", \
		    .type = JSON_TEXTS, \
		    .offset = INPUT(events), \
		    .given = INPUT(has_events), \
		    .min = 1, \
		    .max = ALERT_KINDS, \
		    .max_item = 40, \
		    .about = "budget.threshold, counter.drift; all where not given." }, \
	{ \
		.name = "active", .type = JSON_BOOL, .offset = INPUT(active), \
		.given = INPUT(has_active), \
		.about = "Nothing is sent while false; true where not given." \
	}

const struct json_field webhook_add_fields[3] = { FIELDS(true) };
const struct json_field webhook_change_fields[3] = { FIELDS(false) };

static void
write_members(struct json_out *out, const struct webhook *webhook)
{
	json_id(out, "id", webhook->id);
	json_text(out, "url", webhook->url);
	json_open_array_at(out, "events");
	for (int i = 0; i < ALERT_KINDS; i++) {
		if (webhook->events & UINT64_C(1) << i)
			json_text(out, NULL, alert_kind_names[i]);
	}
	json_close_array(out);
	json_bool(out, "active", webhook->active);
	json_time(out, "created_at", webhook->created_at);
	json_time(out, "updated_at", webhook->updated_at);
}

void
webhook_write(struct json_out *out, const void *object)
{
	json_open(out);
	write_members(out, object);
	json_close(out);
}

void
webhook_write_shown(struct json_out *out, const void *object)
{
	const struct webhook_shown *shown = object;

	json_open(out);
	write_members(out, &shown->webhook);
	json_text(out, "secret", shown->secret);
	json_close(out);
}
