/*
 * What one user has used: /v1/usage-stats/daily by day, /v1/users/{id}/usage today and in all.
 */
#ifndef APP_API_USAGE_STATS_H
#define APP_API_USAGE_STATS_H

#include "app/request.h"
#include "lib/json_read.h"

#define USAGE_STATS_DAYS_MAX 366
#define USAGE_STATS_DAYS_DEFAULT 7

extern const struct json_field usage_stats_daily_fields[3];

bool usage_stats_daily(struct request *req, struct reply *reply);
bool usage_stats_of_user(struct request *req, struct reply *reply);

#endif
