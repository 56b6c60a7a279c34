/*
 * /v1/analytics/top: who or what costs most.
 */
#ifndef APP_API_ANALYTICS_TOP_H
#define APP_API_ANALYTICS_TOP_H

#include "app/request.h"
#include "lib/json_read.h"

#define ANALYTICS_TOP_MAX 100
#define ANALYTICS_TOP_DEFAULT 10
/* Of by=client, in days. */
#define ANALYTICS_TOP_DAYS_MAX 3660

extern const struct json_field analytics_top_fields[4];

bool analytics_top(struct request *req, struct reply *reply);

#endif
