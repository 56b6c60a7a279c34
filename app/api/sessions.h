/*
 * /v1/sessions: sessions of the client's users and of visitors without an account; what they do
 * beside what every resource does.
 */
#ifndef APP_API_SESSIONS_H
#define APP_API_SESSIONS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field sessions_extend_fields[1];

void sessions_fill(struct request *req, void *object);
/* The session whose token stands in X-Session-Token. */
bool sessions_current(struct request *req, struct reply *reply);
bool sessions_extend(struct request *req, struct reply *reply);
bool sessions_revoke(struct request *req, struct reply *reply);
bool sessions_revoke_user(struct request *req, struct reply *reply);

#endif
