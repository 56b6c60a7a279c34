/*
 * Webhooks: where a client's alerts are delivered to. Each has a secret that signs what it is sent
 * (lib/model/delivery.h); it is shown once, and only the jobs can read it.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_WEBHOOK_H
#define LIB_MODEL_WEBHOOK_H

#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/model/alert.h"

#define WEBHOOKS_MAX 20 /* of a client */
#define WEBHOOK_URL_MAX 2048
#define WEBHOOK_PREFIX "whsec_"
#define WEBHOOK_SECRET_DIGITS 43 /* base 62: 256 bits */
#define WEBHOOK_SECRET_SIZE (sizeof WEBHOOK_PREFIX + WEBHOOK_SECRET_DIGITS)

struct webhook {
	struct id id;
	const char *url;
	uint64_t events; /* 1 << enum alert_kind */
	bool active; /* false: nothing is sent; what waits is sent when it is active again */
	int64_t created_at;
	int64_t updated_at;
};

struct webhooks {
	const struct webhook *at;
	size_t count;
};

/* has_ and NULL say what was not given. */
struct webhook_input {
	const char *url;
	struct json_texts events;
	bool has_events;
	bool active, has_active;
	bool allow_http; /* as the settings say; not the caller's */
};
/* Their fields in JSON, over struct webhook_input. */
extern const struct json_field webhook_add_fields[3];
extern const struct json_field webhook_change_fields[3];

/* ERR_CONFLICT when there are WEBHOOKS_MAX; ERR_INVALID naming bad fields. The calls that change
 * write the audit log. */
NODISCARD bool webhook_add(struct task *task, const struct webhook_input *input,
    struct webhook *ret, char ret_secret[WEBHOOK_SECRET_SIZE]);
NODISCARD bool webhook_find(struct task *task, struct id id, struct webhook *ret);
/* By descending id. after nil: from the start. */
NODISCARD bool webhook_list(
    struct task *task, struct id after, int64_t limit, struct webhooks *ret);
NODISCARD bool webhook_change(
    struct task *task, struct id id, const struct webhook_input *input, struct webhook *ret);
/* What waits to be delivered to it is gone, too. */
NODISCARD bool webhook_remove(struct task *task, struct id id);

/* What is wrong with a URL, or NULL. Where it leads is looked at when something is sent. */
const char *webhook_url_trouble(const char *url, bool allow_http);

void webhook_write(struct json_out *out, const void *object); /* a struct webhook */
/* The answer to add: what webhook_write writes, and the secret. */
struct webhook_shown {
	struct webhook webhook;
	char secret[WEBHOOK_SECRET_SIZE];
};
void webhook_write_shown(struct json_out *out, const void *object);

extern const char *const webhook_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
