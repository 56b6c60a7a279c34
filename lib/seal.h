/*
 * Secrets: random bytes, hashes, constant-time comparison, encryption. The only door to libsodium.
 */
#ifndef LIB_SEAL_H
#define LIB_SEAL_H

#include "lib/buf.h"

/* What secrets in the database are sealed with, and what older ones may still be; "": none. */
struct seal_keys {
	const char *current, *previous;
};

#define SEAL_HASH_SIZE 32
#define SEAL_KEY_SIZE 32

/* Once a process, before any other call here. Aborts when the library cannot start. */
void seal_init(void);

void seal_random(void *out, size_t size);
/* SHA-256. */
void seal_hash(struct text text, uint8_t out[SEAL_HASH_SIZE]);
/* The same of what comes in portions; lives as long as the arena. */
struct seal_hashing;
struct seal_hashing *seal_hash_begin(struct arena *arena);
void seal_hash_add(struct seal_hashing *hashing, struct text text);
void seal_hash_end(struct seal_hashing *hashing, uint8_t out[SEAL_HASH_SIZE]);
bool seal_equal(const void *a, const void *b, size_t size);
/* HMAC-SHA-256 of purpose under key: a key of its own for one purpose, or a signature of a text. */
void seal_derive(struct text key, struct text purpose, uint8_t out[SEAL_KEY_SIZE]);

/* Authenticated encryption (XSalsa20-Poly1305): nonce and box, appended to out. */
void seal_close(const uint8_t key[SEAL_KEY_SIZE], struct text plain, struct buf *out);
/* False when it was not closed with this key or was changed. */
NODISCARD bool seal_open(const uint8_t key[SEAL_KEY_SIZE], struct text sealed, struct buf *out);

/*
 * Passwords: argon2id in the PHC string format, "$argon2id$v=19$m=19456,t=2,p=1$...". Each call but
 * seal_password_outdated() takes memory_kib KiB and as long as it takes: outside of transactions.
 */
#define SEAL_PASSWORD_SIZE 128
#define SEAL_PASSWORD_MEMORY_MIN_KIB 8
#define SEAL_PASSWORD_MEMORY_MAX_KIB INT64_C(1048576)
#define SEAL_PASSWORD_OPS_MAX 64
struct seal_cost {
	int64_t ops; /* passes over the memory */
	int64_t memory_kib;
};
void seal_password(struct text password, struct seal_cost cost, char out[SEAL_PASSWORD_SIZE]);
/* False, too, for a hash that is not argon2's. The cost is the one that the hash names. */
bool seal_password_right(struct text password, const char *hash);
/* What a hash costs to check; false, and ret untouched, where it is not argon2's or costs more than
 * the limits above. */
NODISCARD bool seal_password_cost(const char *hash, struct seal_cost *ret);
bool seal_password_outdated(const char *hash, struct seal_cost cost);

/* Base 62 (0-9A-Za-z) of size random bytes' worth, exactly digits characters and a terminator. */
void seal_random_base62(char *out, size_t digits);

#endif
