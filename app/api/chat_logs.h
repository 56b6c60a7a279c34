/*
 * Reading /v1/chat-logs: by page in JSON, CSV or NDJSON, one record, a user's history.
 */
#ifndef APP_API_CHAT_LOGS_H
#define APP_API_CHAT_LOGS_H

#include "app/request.h"
#include "lib/json_read.h"

/* A page in CSV or NDJSON may be longer than one in JSON; it ends early at so many bytes. */
#define CHAT_LOGS_EXPORT_ROWS_MAX 10000
#define CHAT_LOGS_EXPORT_BYTES_MAX (8 << 20)

extern const struct json_field chat_logs_list_fields[16];
extern const struct json_field chat_logs_of_user_fields[15];

bool chat_logs_list(struct request *req, struct reply *reply);
bool chat_logs_of_user(struct request *req, struct reply *reply);
bool chat_logs_find(struct request *req, struct reply *reply);

#endif
