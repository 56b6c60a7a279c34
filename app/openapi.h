/*
 * /v1/openapi.json: the OpenAPI 3.1 document, made from app/routes.h and the field tables that
 * validate requests, so it cannot drift from what the service does.
 */
#ifndef APP_OPENAPI_H
#define APP_OPENAPI_H

#include "app/request.h"

bool openapi_show(struct request *req, struct reply *reply);

#endif
