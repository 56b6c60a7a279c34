/*
 * GET /v1/daily-costs/today: the day so far, from the counters.
 *
 * Requests that come while a read is on its way to Redis wait for it to end and share the next one,
 * which holds all that was acknowledged before any of them came. A lone request waits for nobody.
 */
#ifndef APP_API_TODAY_H
#define APP_API_TODAY_H

#include "app/request.h"
#include "lib/model/daily_cost.h"

#define TODAY_READERS 2 /* reads on their way at the same time */
#define TODAY_SHARED_MAX 256 /* requests that share one */

/* Who waits. Thread-safe. */
struct today;
struct today *today_new(void);
void today_free(struct today *today);

/* The open day without its adjustments. Before the first query: it may end the transaction. */
NODISCARD bool today_count(struct request *req, struct daily_cost *ret, const char **ret_source);

bool today_find(struct request *req, struct reply *reply);

#endif
