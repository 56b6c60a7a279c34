/*
 * Records into the write path: POST /v1/chat-logs takes one, an array of them, or NDJSON; a settle
 * is one of what was authorized before.
 */
#ifndef APP_API_RECORDS_H
#define APP_API_RECORDS_H

#include "app/request.h"

/* They park: the request is finished after the commit. Always true. */
bool records_post(struct request *req, struct reply *reply);
bool records_settle(struct request *req, struct reply *reply);

#endif
