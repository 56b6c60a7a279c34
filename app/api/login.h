/*
 * /v1/auth/login: a user of the client logs in with a password.
 */
#ifndef APP_API_LOGIN_H
#define APP_API_LOGIN_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field login_post_fields[7];

bool login_post(struct request *req, struct reply *reply);

#endif
