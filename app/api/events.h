/*
 * Events as Server-Sent Events: GET /v1/events.
 */
#ifndef APP_API_EVENTS_H
#define APP_API_EVENTS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field events_get_fields[2];

bool events_get(struct request *req, struct reply *reply);

#endif
