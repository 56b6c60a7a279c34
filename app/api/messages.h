/*
 * What was said in a conversation.
 */
#ifndef APP_API_MESSAGES_H
#define APP_API_MESSAGES_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field messages_add_fields[4];
bool messages_add(struct request *req, struct reply *reply);

extern const struct json_field messages_list_fields[2];
bool messages_list(struct request *req, struct reply *reply);

extern const struct json_field messages_recent_fields[1];
bool messages_recent(struct request *req, struct reply *reply);

#endif
