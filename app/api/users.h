/*
 * What /v1/users does beside what every resource does (app/rest.h).
 */
#ifndef APP_API_USERS_H
#define APP_API_USERS_H

#include "app/request.h"
#include "lib/json_read.h"

void users_changed(struct request *req);

extern const struct json_field users_set_password_fields[3];

bool users_set_password(struct request *req, struct reply *reply);
bool users_verify_email(struct request *req, struct reply *reply);

#endif
