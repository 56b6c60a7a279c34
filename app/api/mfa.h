/*
 * /v1/users/{id}/mfa: second factors of users (lib/model/mfa.h).
 */
#ifndef APP_API_MFA_H
#define APP_API_MFA_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field mfa_post_fields[1];
extern const struct json_field mfa_post_confirm_fields[1];
extern const struct json_field mfa_post_verify_fields[2];

bool mfa_post(struct request *req, struct reply *reply);
bool mfa_post_confirm(struct request *req, struct reply *reply);
bool mfa_post_verify(struct request *req, struct reply *reply);
bool mfa_post_codes(struct request *req, struct reply *reply);
bool mfa_delete(struct request *req, struct reply *reply);

#endif
