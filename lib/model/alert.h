/*
 * Alerts: what somebody should know, told once. They are an outbox: an alert is stored in the
 * transaction of what it tells, with a delivery for each webhook that wants its kind
 * (lib/model/delivery.h).
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_ALERT_H
#define LIB_MODEL_ALERT_H

#include "lib/db.h"
#include "lib/json_write.h"

enum alert_kind {
	ALERT_BUDGET_THRESHOLD,
	ALERT_COUNTER_DRIFT,
	ALERT_EMAIL_VERIFICATION,
	ALERT_CREDITS_RECHARGE_DUE,
	ALERT_KINDS
};
extern const char *const alert_kind_names[]; /* in the order of the enum, NULL behind the last */

struct alert {
	struct id id;
	const char *kind;
	struct text payload; /* a JSON object */
	int64_t created_at;
	int64_t deliveries; /* to webhooks; of one that was just raised */
};

struct alerts {
	const struct alert *at;
	size_t count;
};

struct alert_input {
	enum alert_kind kind;
	const char *key; /* no second alert is raised under it; NULL: any number */
	int64_t again_before; /* unless the first is older than this; 0: never */
	int64_t key_until; /* purge may forget the key from here on; 0: never */
	struct text payload;
	const char *token; /* a member of what the webhooks get, kept until then only; or NULL */
};

/*
 * *ret_raised false: there was one, and ret is untouched. A key is for the jobs. The same key
 * raised at the same time by two waits for the first to end, and is raised once.
 */
NODISCARD bool alert_raise(
    struct task *task, const struct alert_input *input, struct alert *ret, bool *ret_raised);
/* By descending id. after nil: from the start. */
NODISCARD bool alert_list(struct task *task, struct id after, int64_t limit, struct alerts *ret);

/* Tells them as events (lib/model/event.h), those of a kind that is one. After the commit. */
void alert_publish(struct task *task, const struct alert *alerts, size_t count);

/* The same object for the API, a webhook and the channel. */
void alert_write(struct json_out *out, const void *object); /* a struct alert */

extern const char *const alert_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
