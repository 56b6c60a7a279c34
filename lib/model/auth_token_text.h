/*
 * Tokens as text: tally_<public id>_<secret><check digits>, the digits being the CRC-32 of all
 * before them, so that a mistyped one is told from a guessed one without a look at any table.
 */
#ifndef LIB_MODEL_AUTH_TOKEN_TEXT_H
#define LIB_MODEL_AUTH_TOKEN_TEXT_H

#include "lib/base.h"

#define AUTH_TOKEN_PREFIX "tally_"
#define AUTH_TOKEN_PUBLIC_DIGITS 16
#define AUTH_TOKEN_SECRET_DIGITS 43 /* base 62: 256 bits */
#define AUTH_TOKEN_CHECK_DIGITS 6 /* base 62 */
#define AUTH_TOKEN_PUBLIC_SIZE (AUTH_TOKEN_PUBLIC_DIGITS + 1)
#define AUTH_TOKEN_KEY_SIZE \
	(sizeof AUTH_TOKEN_PREFIX + AUTH_TOKEN_PUBLIC_DIGITS + 1 + AUTH_TOKEN_SECRET_DIGITS + \
	    AUTH_TOKEN_CHECK_DIGITS)
/* A key as scanners for secrets look for it: an extended regular expression (POSIX). */
#define AUTH_TOKEN_PATTERN "tally_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}"

/* A token's text taken apart. One that has check digits is none without them. */
struct auth_token_parts {
	char public_id[AUTH_TOKEN_PUBLIC_SIZE];
	/* What is hashed: the whole token; of a key from before there were check digits, what
	 * stands behind the public id. */
	char secret[AUTH_TOKEN_KEY_SIZE];
};

enum auth_token_form {
	AUTH_TOKEN_NO_KEY, /* it has not the form of one */
	AUTH_TOKEN_MISTYPED, /* the check digits are wrong */
	AUTH_TOKEN_KEY
};
/* *ret is set where it is a token. */
enum auth_token_form auth_token_parse(struct text key, struct auth_token_parts *ret);
/* A new one. */
void auth_token_make(char key[AUTH_TOKEN_KEY_SIZE]);
/* Writes the check digits behind the secret, and the terminator. */
void auth_token_add_check(char key[AUTH_TOKEN_KEY_SIZE]);

#endif
