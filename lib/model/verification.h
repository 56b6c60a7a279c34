/*
 * Verification of e-mail addresses: a token that only the user's mail shows. The application sends
 * the mail; it gets the token by a webhook, as the alert user.email_verification, and only its
 * SHA-256 is kept. A user has one at a time, which holds for a day and once.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_VERIFICATION_H
#define LIB_MODEL_VERIFICATION_H

#include "lib/model/user.h"

#define VERIFICATION_PREFIX "tallyv_"
#define VERIFICATION_DIGITS 43 /* base 62: 256 bits */
#define VERIFICATION_TOKEN_SIZE (sizeof VERIFICATION_PREFIX + VERIFICATION_DIGITS)
#define VERIFICATION_LIFETIME_S 86400
#define VERIFICATION_EVERY_S 60 /* no user gets more mail than that */

struct verification {
	const char *email;
	int64_t expires_at;
	int64_t deliveries; /* webhooks that get the token */
};

/*
 * Makes a token and has it delivered; an earlier one does not hold any more. ERR_NOT_FOUND;
 * ERR_CONFLICT: no address, verified already, or no webhook that wants it; ERR_RATE: the last one
 * was a moment ago.
 */
NODISCARD bool verification_send(struct task *task, struct id user, struct verification *ret);
/* Takes the token: *ret is the user, whose address is verified. ERR_INVALID naming token where it
 * is unknown, used, expired, or was for another address than the user has now. */
NODISCARD bool verification_take(struct task *task, struct text token, struct user *ret);

void verification_write(struct json_out *out, const void *object); /* a struct verification */

extern const char *const verification_statements[]; /* its SQL, for the tests; NULL behind the last
						     */

#endif
