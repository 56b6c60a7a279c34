/*
 * /v1/billing: the calendar months of a client's zone, as they are billed.
 */
#ifndef APP_API_BILLING_H
#define APP_API_BILLING_H

#include "app/request.h"
#include "lib/json_read.h"

#define BILLING_PERIODS_DEFAULT 12

extern const struct json_field billing_periods_fields[4];

bool billing_current(struct request *req, struct reply *reply);
bool billing_periods(struct request *req, struct reply *reply);

#endif
