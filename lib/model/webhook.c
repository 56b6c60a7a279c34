#include "lib/model/webhook.h"

#include "lib/seal.h"

#include <string.h>

#define AT(member) offsetof(struct webhook, member)
#define GIVEN (RESOURCE_ADD | RESOURCE_CHANGE)

static const struct resource_field fields[] = {
	{ { .name = "url",
	      .type = JSON_TEXT,
	      .offset = AT(url),
	      .required = true,
	      .min = 1,
	      .max = WEBHOOK_URL_MAX,
	      .about = "https, without user and password; addresses of private networks are "
		       "refused when something is sent." },
	    .use = GIVEN },
	{ { .name = "events",
	      .type = JSON_TEXTS,
	      .offset = AT(events),
	      .min = 1,
	      .max = ALERT_KINDS,
	      .max_item = 40,
	      .about = "budget.threshold, counter.drift, user.email_verification, "
		       "credits.recharge_due." },
	    .use = GIVEN, .absent = "All where not given." },
	{ { .name = "active",
	      .type = JSON_BOOL,
	      .offset = AT(active),
	      .about = "Nothing is sent while false." },
	    .use = GIVEN, .absent = "True where not given." },
	{ { .name = "secret", .type = JSON_TEXT, .offset = AT(secret) }, .use = RESOURCE_ONCE },
};

static bool
is_event(const char *name)
{
	for (int i = 0; i < ALERT_KINDS; i++)
		if (strcmp(alert_kind_names[i], name) == 0)
			return true;
	return false;
}

/* Each once, and in the order of the kinds. */
static void
tidy_events(struct task *task, struct webhook *webhook)
{
	const char **names = arena_array(task->arena, ALERT_KINDS, sizeof *names);
	size_t count = 0;

	for (size_t i = 0; i < webhook->events.count; i++)
		if (!is_event(webhook->events.at[i]))
			task_fail_field(task, "events",
			    "holds a name that is no event: "
			    "they are budget.threshold, counter.drift, "
			    "user.email_verification and credits.recharge_due");
	for (int kind = 0; kind < ALERT_KINDS; kind++)
		for (size_t i = 0; i < webhook->events.count; i++)
			if (strcmp(webhook->events.at[i], alert_kind_names[kind]) == 0) {
				names[count++] = alert_kind_names[kind];
				break;
			}
	webhook->events = (struct json_texts){ names, count };
}

static const char *
new_secret(struct task *task)
{
	char *secret = arena_alloc(task->arena, WEBHOOK_SECRET_SIZE);

	memcpy(secret, WEBHOOK_PREFIX, sizeof WEBHOOK_PREFIX - 1);
	seal_random_base62(secret + sizeof WEBHOOK_PREFIX - 1, WEBHOOK_SECRET_DIGITS);
	return secret;
}

static bool
check(struct task *task, const void *before, void *after)
{
	struct webhook *webhook = after;
	const struct webhook *old = before;
	const char *trouble = NULL;

	/* What the settings of another day allowed can still be switched off. */
	if (old == NULL || webhook->url != old->url)
		trouble = webhook_url_trouble(webhook->url, webhook->allow_http);
	if (trouble != NULL)
		task_fail_field(task, "url", trouble);
	if (old == NULL || webhook->events.at != old->events.at)
		tidy_events(task, webhook);
	if (old == NULL)
		webhook->secret = new_secret(task);
	return task->err.code == ERR_NONE;
}

static struct resource_statements statements;

const struct resource webhook_resource = {
	.table = "webhooks",
	.one = "webhook",
	.size = sizeof(struct webhook),
	.defaults =
	    &(const struct webhook){ .events = { alert_kind_names, ALERT_KINDS }, .active = true },
	.fields = fields,
	.count = COUNT(fields),
	.statements = &statements,
	.max = WEBHOOKS_MAX,
	.check = check,
};
