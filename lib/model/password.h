/*
 * Passwords of users: their limits, and storing one's hash (lib/seal.h).
 */
#ifndef LIB_MODEL_PASSWORD_H
#define LIB_MODEL_PASSWORD_H

#include "lib/task.h"

#define PASSWORD_MIN 8 /* characters */
#define PASSWORD_MAX_BYTES 1024

/* Fails the task, naming the field, where the password has not the form of one. */
void password_check(struct task *task, const char *field, const char *password);

/*
 * Stores the hash, forgets failed logins, writes the audit log, and ends the user's sessions and
 * tokens, for whoever knew the old password may have made them (OWASP, Session Management). The
 * session of the token kept_session goes on; NULL: none. verified: the hash that the old password
 * was held against, or NULL. ERR_NOT_FOUND; ERR_CONFLICT: it is another one by now.
 */
NODISCARD bool password_set(struct task *task, struct id user, const char *verified,
    const char *hash, const char *kept_session);

#endif
