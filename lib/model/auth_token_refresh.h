/*
 * Refresh tokens. Each is good for one use: it is given for a new session token and a new refresh
 * token, which take the place of those before them. One that is presented again was stolen, or its
 * thief was first; which of the two asks cannot be told, so all of the line end and the user has to
 * log in again (RFC 9700, 4.14.2; OAuth 2.1). That leaves no leeway: of two that present a token at
 * once one wins and the other one ends the line. Whoever did not get the answer asks again with the
 * same Idempotency-Key and is shown it again.
 *
 * What was used is known until it would have expired.
 */
#ifndef LIB_MODEL_AUTH_TOKEN_REFRESH_H
#define LIB_MODEL_AUTH_TOKEN_REFRESH_H

#include "lib/model/auth_token.h"

/* The sentence for every reason. */
#define AUTH_TOKEN_NO_REFRESH "The refresh token is not valid."

struct auth_token_lifetimes {
	int64_t session_s;
	int64_t refresh_s; /* without a use */
	int64_t last; /* neither lives beyond this instant, the end of the key that asks */
};

struct auth_token_pair {
	struct auth_token session;
	struct auth_token refresh;
};

/*
 * ERR_UNAUTHENTICATED, for every reason the same, when it is no refresh token of task->client or
 * does not hold any more. *ret_reused: it was used before; its line has ended, which is to be
 * committed, and there is no pair.
 */
NODISCARD bool auth_token_refresh(struct task *task, struct text token,
    const struct auth_token_lifetimes *lifetimes, bool *ret_reused, struct auth_token_pair *ret);

extern const char *const auth_token_refresh_statements[]; /* SQL, for the tests; NULL behind the
							     last */

#endif
