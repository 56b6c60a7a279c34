/*
 * POST /v1/chat-logs: one record, an array of them, or NDJSON, into the write path.
 */
#ifndef APP_API_RECORDS_H
#define APP_API_RECORDS_H

#include "app/request.h"

/* Parks: the request is finished after the commit. Always true. */
bool records_post(struct request *req, struct reply *reply);

#endif
