/*
 * /v1/clients/{id}/api-keys: a client's keys, for operators. A key is shown once, where it is made.
 */
#ifndef APP_API_API_KEYS_H
#define APP_API_API_KEYS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field api_keys_add_fields[5];
extern const struct json_field api_keys_change_fields[5];
extern const struct json_field api_keys_list_fields[2];
extern const struct json_field api_keys_rotate_fields[1];

bool api_keys_add(struct request *req, struct reply *reply);
bool api_keys_list(struct request *req, struct reply *reply);
bool api_keys_find(struct request *req, struct reply *reply);
bool api_keys_change(struct request *req, struct reply *reply);
bool api_keys_revoke(struct request *req, struct reply *reply);
bool api_keys_rotate(struct request *req, struct reply *reply);

#endif
