/* The app that shows a person's second factor. */
#ifndef TESTS_AUTHENTICATOR_H
#define TESTS_AUTHENTICATOR_H

#include <stdint.h>

#include "lib/core/totp.h"

/* The bytes of a secret as it was shown. */
void authenticator_secret(const char *text, char out[TOTP_SECRET_SIZE]);
/* The code of such a secret, so many steps from now; kept until the program ends. */
const char *authenticator_code(const char *secret, int64_t steps);

#endif
