/*
 * /v1/daily-costs: the client's days and the corrections made to them.
 */
#ifndef APP_API_DAILY_COSTS_H
#define APP_API_DAILY_COSTS_H

#include "app/request.h"
#include "lib/json_read.h"

#define DAILY_COSTS_DAYS_DEFAULT 7

extern const struct json_field daily_costs_list_fields[3];
extern const struct json_field adjustments_add_fields[2];
extern const struct json_field adjustments_list_fields[2];

/* Days that anything is stored of, and today: newest first. */
bool daily_costs_list(struct request *req, struct reply *reply);
bool daily_costs_find(struct request *req, struct reply *reply);
bool adjustments_add(struct request *req, struct reply *reply);
bool adjustments_list(struct request *req, struct reply *reply);

#endif
