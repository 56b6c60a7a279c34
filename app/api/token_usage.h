/*
 * /v1/conversations/{id}/token-usage: what a conversation has used.
 */
#ifndef APP_API_TOKEN_USAGE_H
#define APP_API_TOKEN_USAGE_H

#include "app/request.h"

bool token_usage_show(struct request *req, struct reply *reply);

#endif
