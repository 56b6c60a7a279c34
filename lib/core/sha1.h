/*
 * HMAC-SHA-1 (RFC 2104, FIPS 180-4), for one-time passwords only: authenticator programs know no
 * other. Pure.
 */
#ifndef LIB_CORE_SHA1_H
#define LIB_CORE_SHA1_H

#include "lib/base.h"

#define SHA1_SIZE 20

void sha1_hash(struct text text, uint8_t out[SHA1_SIZE]);
void sha1_hmac(struct text key, struct text text, uint8_t out[SHA1_SIZE]);

#endif
