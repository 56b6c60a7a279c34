/*
 * /v1/sessions: sessions of the client's users and of visitors without an account.
 */
#ifndef APP_API_SESSIONS_H
#define APP_API_SESSIONS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field sessions_add_fields[4];
extern const struct json_field sessions_list_fields[3];
extern const struct json_field sessions_extend_fields[1];

bool sessions_add(struct request *req, struct reply *reply);
bool sessions_list(struct request *req, struct reply *reply);
/* The session whose token stands in X-Session-Token. */
bool sessions_current(struct request *req, struct reply *reply);
bool sessions_extend(struct request *req, struct reply *reply);
bool sessions_revoke(struct request *req, struct reply *reply);
bool sessions_revoke_user(struct request *req, struct reply *reply);

#endif
