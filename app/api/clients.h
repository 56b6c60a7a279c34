/*
 * /v1/clients: the tenants, for operators.
 */
#ifndef APP_API_CLIENTS_H
#define APP_API_CLIENTS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field clients_add_fields[4];
extern const struct json_field clients_change_fields[4];
extern const struct json_field clients_list_fields[3];
extern const struct json_field clients_count_fields[1];

bool clients_add(struct request *req, struct reply *reply);
bool clients_list(struct request *req, struct reply *reply);
bool clients_count(struct request *req, struct reply *reply);
bool clients_find(struct request *req, struct reply *reply);
bool clients_change(struct request *req, struct reply *reply);
bool clients_deactivate(struct request *req, struct reply *reply);

#endif
