/*
 * /v1/webhooks and /v1/alerts: where a client's alerts are delivered to, and what they told.
 */
#ifndef APP_API_WEBHOOKS_H
#define APP_API_WEBHOOKS_H

#include "app/request.h"

extern const struct json_field webhooks_list_fields[2];

/* The secret is shown this once. */
bool webhooks_add(struct request *req, struct reply *reply);
bool webhooks_list(struct request *req, struct reply *reply);
bool webhooks_find(struct request *req, struct reply *reply);
bool webhooks_change(struct request *req, struct reply *reply);
bool webhooks_remove(struct request *req, struct reply *reply);
bool webhooks_list_alerts(struct request *req, struct reply *reply);

#endif
