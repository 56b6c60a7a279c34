/*
 * /v1/users: the client's users.
 */
#ifndef APP_API_USERS_H
#define APP_API_USERS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field users_add_fields[7];
extern const struct json_field users_change_fields[6];
extern const struct json_field users_list_fields[6];
extern const struct json_field users_count_fields[1];

bool users_add(struct request *req, struct reply *reply);
bool users_list(struct request *req, struct reply *reply);
bool users_count(struct request *req, struct reply *reply);
bool users_find(struct request *req, struct reply *reply);
bool users_change(struct request *req, struct reply *reply);
bool users_remove(struct request *req, struct reply *reply);
bool users_restore(struct request *req, struct reply *reply);

#endif
