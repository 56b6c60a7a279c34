/*
 * /v1/analytics: what was used, by time and by group.
 */
#ifndef APP_API_ANALYTICS_H
#define APP_API_ANALYTICS_H

#include "app/request.h"
#include "lib/json_read.h"

#define ANALYTICS_BUCKETS_MAX 1000
#define ANALYTICS_GROUPS_MAX 500 /* over all buckets; the others are told together */
#define ANALYTICS_GROUPS_DEFAULT 100

extern const struct json_field analytics_usage_fields[12];

bool analytics_usage(struct request *req, struct reply *reply);

#endif
