/*
 * Hourly rates of keys: how many requests a key may make in each full hour of UTC, counted in
 * Redis, so that all processes count as one, by the line of the key (lib/model/auth_token.h), so
 * that a rotation is no second rate. A request that is refused does not count.
 *
 * The limit protects the service's capacity, not money: while Redis is away, requests pass
 * uncounted. What may be spent is for budgets to say, which do not pass.
 */
#ifndef LIB_MODEL_RATE_H
#define LIB_MODEL_RATE_H

#include "lib/redis.h"

#define RATE_MAX INT64_C(1000000000)
#define RATE_EXPIRE_S 7200 /* longer than an hour: the clocks of two machines differ */

struct rate {
	bool counted; /* false: Redis did not tell, so the request passes */
	bool allowed;
	int64_t limit;
	int64_t remaining; /* in this hour, where counted */
	int64_t resets_in_s; /* 1 to 3600 */
};

/* One request of a key of the line at task->now, in a round trip of its own: it comes before
 * anything that the request may do. client nil: the operators'. */
void rate_count(
    struct task *task, struct id client, struct id lineage, int64_t limit, struct rate *ret);
/* What Redis answered; NULL: nothing. */
void rate_read(
    const struct task *task, int64_t limit, const struct redis_reply *reply, struct rate *ret);

#endif
