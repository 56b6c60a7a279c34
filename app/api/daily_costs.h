/*
 * /v1/daily-costs: the client's days, each with what was corrected of it.
 */
#ifndef APP_API_DAILY_COSTS_H
#define APP_API_DAILY_COSTS_H

#include "app/request.h"
#include "lib/json_read.h"

#define DAILY_COSTS_DAYS_DEFAULT 7

extern const struct json_field daily_costs_list_fields[3];

/* Days that anything is stored of, and today: newest first. */
bool daily_costs_list(struct request *req, struct reply *reply);
bool daily_costs_find(struct request *req, struct reply *reply);

/* The day that the path names. ERR_INVALID naming date when it is none. */
NODISCARD bool daily_costs_read_date(const struct request *req, int32_t *ret);

#endif
