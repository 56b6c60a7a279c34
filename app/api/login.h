/*
 * /v1/auth: what users of the client show to prove who they are: a password, a token from a mail.
 */
#ifndef APP_API_LOGIN_H
#define APP_API_LOGIN_H

#include "app/request.h"
#include "lib/json_read.h"
#include "lib/model/login.h"

extern const struct json_field login_post_fields[9];

extern const struct json_field login_verify_email_fields[1];

/* As hashing_check(), between the transactions of the attempt; one that finds no place there is no
 * failure. */
NODISCARD bool login_check_password(struct request *req, const struct login_attempt *attempt,
    const char *password, bool *ret_right, const char **ret_better);

bool login_post(struct request *req, struct reply *reply);
bool login_verify_email(struct request *req, struct reply *reply);

#endif
