/*
 * /v1/authorizations: what a call may cost, held in budgets before it is made. How one is settled
 * is told in app/api/records.h.
 */
#ifndef APP_API_AUTHORIZATIONS_H
#define APP_API_AUTHORIZATIONS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field authorizations_post_fields[12];

/* Parks: the request is finished after the commit. Always true. */
bool authorizations_post(struct request *req, struct reply *reply);
bool authorizations_find(struct request *req, struct reply *reply);
bool authorizations_void(struct request *req, struct reply *reply);

#endif
