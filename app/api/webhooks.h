/*
 * What /v1/webhooks does beside what every resource does (app/rest.h), and /v1/alerts: what they
 * are sent.
 */
#ifndef APP_API_WEBHOOKS_H
#define APP_API_WEBHOOKS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field webhooks_list_alerts_fields[2];

void webhooks_fill(struct request *req, void *object);
bool webhooks_list_alerts(struct request *req, struct reply *reply);

#endif
