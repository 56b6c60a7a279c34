/*
 * GET /v1/daily-costs/today: the day so far, from the counters.
 */
#ifndef APP_API_TODAY_H
#define APP_API_TODAY_H

#include "app/request.h"
#include "lib/model/daily_cost.h"

/* The open day without its adjustments. Before the first query: it may end the transaction. */
NODISCARD bool today_count(struct request *req, struct daily_cost *ret, const char **ret_source);

bool today_find(struct request *req, struct reply *reply);

#endif
