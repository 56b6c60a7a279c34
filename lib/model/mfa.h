/*
 * Second factors of users: one-time passwords of an authenticator program (lib/core/totp.h), and
 * codes for the day when it is lost. The secret is sealed (lib/sealed.h): without a key most calls
 * fail with ERR_UNAVAILABLE.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_MFA_H
#define LIB_MODEL_MFA_H

#include "lib/json_write.h"
#include "lib/model/recovery_code.h"

#define MFA_ISSUER_MAX 64

struct mfa_enrolment {
	const char *secret; /* base 32 */
	const char *uri; /* otpauth://totp/..., for a QR code */
};

/* What somebody shows as the second factor; each NULL where not given. */
struct mfa_proof {
	const char *code;
	const char *recovery_code;
};

/* Makes a secret, which counts for nothing before mfa_confirm(). issuer: whom the program names.
 * ERR_CONFLICT where one counts already. */
NODISCARD bool mfa_enrol(
    struct task *task, struct id user, const char *issuer, struct mfa_enrolment *ret);
/* The program knows the secret: from here on it is asked for. ERR_INVALID naming code where it is
 * wrong; ERR_CONFLICT where there is nothing to confirm. */
NODISCARD bool mfa_confirm(
    struct task *task, struct id user, const char *code, const char *ret_codes[RECOVERY_CODES]);
/* Takes a code, which does not hold a second time. ERR_UNAUTHENTICATED where it is wrong, or where
 * nothing is asked for. */
NODISCARD bool mfa_check(struct task *task, struct id user, const struct mfa_proof *proof);
/* New recovery codes in place of those there are. ERR_CONFLICT where there is no second factor. */
NODISCARD bool mfa_renew_codes(
    struct task *task, struct id user, const char *ret_codes[RECOVERY_CODES]);
/* A second time changes nothing. */
NODISCARD bool mfa_disable(struct task *task, struct id user);

extern const char *const mfa_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
