/*
 * Deliveries: an alert on its way to a webhook, tried until it is answered or has failed too often.
 * For the jobs: every call sees the deliveries of all clients. Texts live as long as the task.
 */
#ifndef LIB_MODEL_DELIVERY_H
#define LIB_MODEL_DELIVERY_H

#include "lib/model/alert.h"

#define DELIVERY_ATTEMPTS_MAX 8
#define DELIVERY_SIGNATURE_SIZE 96 /* t=<unix>,v1=<64 digits> and the terminator */

struct delivery {
	struct id id; /* the same for each attempt */
	struct id client;
	struct id webhook;
	const char *url;
	const char *secret;
	struct alert alert;
};

/* The one that waits longest, of webhooks that are active. *ret_any false: nothing is due. */
NODISCARD bool delivery_next(struct task *task, struct delivery *ret, bool *ret_any);

NODISCARD bool delivery_succeeded(
    struct task *task, const struct delivery *delivery, int64_t status);
/*
 * The next attempt is later each time, and after DELIVERY_ATTEMPTS_MAX the delivery is dead. status
 * 0: nothing answered; then the attempt counts for everything due at this webhook, which would wait
 * as long in vain.
 */
NODISCARD bool delivery_failed(
    struct task *task, const struct delivery *delivery, int64_t status, const char *error);

/* What is sent, and HMAC-SHA-256 over "t.body" with the webhook's secret: t=<unix>,v1=<hex>. */
struct text delivery_body(struct task *task, const struct delivery *delivery);
void delivery_sign(struct task *task, const struct delivery *delivery, struct text body,
    char ret[DELIVERY_SIGNATURE_SIZE]);

struct delivery_dead {
	struct id id;
	struct id client;
	const char *kind;
	const char *url;
	int64_t attempts;
	int64_t dead_at;
	int64_t status; /* 0: there was no answer */
	const char *error;
};

struct deliveries_dead {
	const struct delivery_dead *at;
	size_t count;
};

/* The last to die first. */
NODISCARD bool delivery_list_dead(struct task *task, int64_t limit, struct deliveries_dead *ret);
/* A dead one is due again, with all its attempts. ERR_NOT_FOUND: there is no such, or not dead. */
NODISCARD bool delivery_retry(struct task *task, struct id id);

extern const char *const delivery_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
