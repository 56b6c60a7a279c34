#include "lib/model/client.h"

#include "lib/zone.h"

const char *const client_plan_names[] = {
	[CLIENT_FREE] = "free",
	[CLIENT_PRO] = "pro",
	[CLIENT_ENTERPRISE] = "enterprise",
	NULL,
};

const char *const client_credits_names[] = {
	[CLIENT_CREDITS_OFF] = "off",
	[CLIENT_CREDITS_USER] = "user",
	[CLIENT_CREDITS_CLIENT] = "client",
	NULL,
};

/* Days have other ends in another zone: what is counted of the open one is not it any more. */
static const char recount_sql[] = "SELECT counter_bypass(ARRAY[$1::uuid])";

const char *const client_statements[] = { recount_sql, NULL };

#define AT(member) offsetof(struct client, member)

static const struct resource_field fields[] = {
	{ { .name = "name",
	      .type = JSON_TEXT,
	      .offset = AT(name),
	      .required = true,
	      .min = 1,
	      .max = CLIENT_NAME_MAX },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE },
	{ { .name = "plan", .type = JSON_CHOICE, .offset = AT(plan), .choices = client_plan_names },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_FILTER,
	    .absent = "free where not given." },
	{ { .name = "timezone",
	      .type = JSON_TEXT,
	      .offset = AT(timezone),
	      .min = 1,
	      .max = ZONE_NAME_MAX,
	      .about = "IANA name; the client's days are this zone's." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE, .absent = "UTC where not given." },
	{ { .name = "credits",
	      .type = JSON_CHOICE,
	      .offset = AT(credits),
	      .choices = client_credits_names,
	      .about =
		  "Whose credit account pays for calls; a call without a user is the client's." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE, .absent = "off where not given." },
	{ { .name = "log_retention_days",
	      .type = JSON_INT,
	      .offset = AT(log_retention_days),
	      .min = 1,
	      .max = CLIENT_RETENTION_MAX_DAYS,
	      .about = "How long the log is kept; by null, as the service is set up." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR,
	    .absent = "So, too, where not given." },
	{ { .name = "message_retention_days",
	      .type = JSON_INT,
	      .offset = AT(message_retention_days),
	      .min = 1,
	      .max = CLIENT_RETENTION_MAX_DAYS,
	      .about = "How long messages are kept; by null, as the service is set up." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR,
	    .absent = "So, too, where not given." },
	{ { .name = "deactivated_at", .type = JSON_TIME, .offset = AT(deactivated_at) },
	    .use = RESOURCE_OWN },
};

static bool
check(struct task *task, const void *before, void *after)
{
	const struct client *client = after, *old = before;
	const struct zone *zone;

	/* The system may have lost a zone since; its clients can still be changed. */
	if (old != NULL && client->timezone == old->timezone)
		return true;
	if (zone_find(task, client->timezone, &zone))
		return true;
	if (task->err.code != ERR_INVALID)
		return false;
	task_clear_error(task);
	return task_fail_field(task, "timezone", "is not the name of an IANA time zone");
}

/* As the write path locks the counters before the client. */
static bool
recount(struct task *task, struct id id, const void *change)
{
	const struct client *client = change;
	struct db_params *params = db_params(task);

	if (client->timezone == NULL)
		return true;
	db_add_id(params, id);
	return db_query(task, recount_sql, params, NULL);
}

static void
write_active(struct json_out *out, const void *object)
{
	json_bool(out, "active", ((const struct client *)object)->deactivated_at == 0);
}

bool
client_deactivate(struct task *task, struct id id, struct client *ret)
{
	struct client before;

	if (!resource_find_to_change(task, &client_resource, id, NULL, &before))
		return false;
	*ret = before;
	if (before.deactivated_at == 0)
		ret->deactivated_at = task->now;
	return resource_change(task, &client_resource, "deactivate", &before, ret);
}

static struct resource_statements statements;

const struct resource client_resource = {
	.table = "clients",
	.one = "client",
	.size = sizeof(struct client),
	.defaults = &(const struct client){ .timezone = "UTC",
	    .log_retention_days = RESOURCE_NONE,
	    .message_retention_days = RESOURCE_NONE },
	.fields = fields,
	.count = COUNT(fields),
	.statements = &statements,
	.only = "deleted_at IS NULL AND id <> '00000000-0000-0000-0000-000000000000'",
	.of_operator = true,
	.stays = true,
	.check = check,
	.lock = recount,
	.write = write_active,
};
