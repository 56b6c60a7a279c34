/*
 * Time-based one-time passwords, as authenticator programs make them: RFC 6238 with HMAC-SHA-1, six
 * digits, a new one every 30 seconds. Pure: no clock.
 */
#ifndef LIB_CORE_TOTP_H
#define LIB_CORE_TOTP_H

#include "lib/base.h"

#define TOTP_SECRET_SIZE 20
#define TOTP_SECRET_TEXT_SIZE (TOTP_SECRET_SIZE * 8 / 5 + 1)
#define TOTP_DIGITS 6
#define TOTP_STEP_S 30
#define TOTP_WINDOW 1 /* steps before and after the current one that are taken, too */

/* The number of a step, whose last digits are the code (RFC 4226, 5.3). */
uint32_t totp_number(struct text secret, int64_t step);

/*
 * The step that the code is of, if it is one within the window of an instant and later than after:
 * so no code is taken twice. False: there is none.
 */
NODISCARD bool totp_find(
    struct text secret, struct text code, int64_t usec, int64_t after, int64_t *ret_step);

/* Base 32 (RFC 4648) without padding, as authenticator programs read it. */
void totp_write_secret(const uint8_t secret[TOTP_SECRET_SIZE], char out[TOTP_SECRET_TEXT_SIZE]);

#endif
