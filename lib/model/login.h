/*
 * Logging in with a password: who is meant, how often it was tried, and what follows when it was
 * right. A password is checked between two transactions: the first counts the attempt as a failure,
 * so that guesses at the same time are counted, too; the second takes that back. Where there were
 * too many, the right password does not help before some time has passed without another.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_LOGIN_H
#define LIB_MODEL_LOGIN_H

#include "lib/model/mfa.h"
#include "lib/model/session.h"

#define LOGIN_FAILURES_MAX 10 /* of one user, or of one name that nobody has */
#define LOGIN_ADDRESS_FAILURES_MAX 100 /* of one IPv4 address, or one /64 of IPv6 */
#define LOGIN_FAILURES_S 900 /* since the last of them */

/* One of them is given. */
struct login_name {
	const char *email;
	const char *username;
	const char *external_id;
	struct id id;
};

struct login_attempt {
	struct id user; /* nil: nobody */
	const char *password_hash; /* NULL: none */
	bool locked;
	struct text subject; /* what is counted under; at NULL: nothing, as for the next */
	struct text network;
};

/*
 * To be committed before the password is checked. address: the one that the user has, which is
 * counted, too; or NULL. ERR_NOT_FOUND for an unknown id, ERR_RATE: too many failures from the
 * address.
 */
NODISCARD bool login_begin(struct task *task, const struct login_name *name, const char *address,
    struct login_attempt *ret);
/* The password was right, or nobody looked at it: what was counted is taken back. */
NODISCARD bool login_undo(struct task *task, const struct login_attempt *attempt);
/*
 * The password was right. better_hash: to be stored instead, or NULL. proof is looked at
 * where the user has a second factor. Adds the session of the user, writes the audit log.
 * ERR_UNAUTHENTICATED: the account or its password is not what it was, or there is no proof.
 */
NODISCARD bool login_end(struct task *task, const struct login_attempt *attempt,
    const char *better_hash, const struct mfa_proof *proof, struct session *session);
/* Writes into the audit log that it failed. */
NODISCARD bool login_note_failure(struct task *task, const struct login_attempt *attempt);
/* Forgets the failures of a user. */
NODISCARD bool login_forgive(struct task *task, struct id user);

extern const char *const login_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
