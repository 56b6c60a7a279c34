/*
 * /v1/daily-costs/{date}/adjustments: corrections of a day.
 */
#ifndef APP_API_ADJUSTMENTS_H
#define APP_API_ADJUSTMENTS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field adjustments_add_fields[2];
extern const struct json_field adjustments_list_fields[2];

bool adjustments_add(struct request *req, struct reply *reply);
bool adjustments_list(struct request *req, struct reply *reply);

#endif
