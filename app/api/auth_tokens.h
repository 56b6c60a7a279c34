/*
 * /v1/auth-tokens: API keys, session tokens and refresh tokens of the client and its users; what
 * they do beside what every resource does.
 */
#ifndef APP_API_AUTH_TOKENS_H
#define APP_API_AUTH_TOKENS_H

#include "app/request.h"
#include "lib/json_read.h"

extern const struct json_field auth_tokens_refresh_fields[1];

/* Who asks, and how long a token lives where nothing is said. */
void auth_tokens_fill(struct request *req, void *object);
/* Here the change of the token of the path holds from the next request on. */
void auth_tokens_changed(struct request *req);

bool auth_tokens_revoke(struct request *req, struct reply *reply);
/* Gives the next pair for a refresh token. */
bool auth_tokens_refresh(struct request *req, struct reply *reply);

#endif
