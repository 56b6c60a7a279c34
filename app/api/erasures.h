/*
 * POST /v1/users/{id}/erase, and /v1/erasures: what was asked for, and the receipts.
 */
#ifndef APP_API_ERASURES_H
#define APP_API_ERASURES_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field erasures_list_fields[2];

bool erasures_add(struct request *req, struct reply *reply);
bool erasures_find(struct request *req, struct reply *reply);
bool erasures_list(struct request *req, struct reply *reply);

#endif
