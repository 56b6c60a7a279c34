#include "lib/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SEAL_HASH_SIZE == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(SEAL_KEY_SIZE == crypto_auth_hmacsha256_BYTES, "HMAC-SHA-256");
_Static_assert(SEAL_KEY_SIZE == crypto_secretbox_KEYBYTES, "a derived key opens a box");
_Static_assert(SEAL_PASSWORD_SIZE == crypto_pwhash_STRBYTES, "argon2id");

static const unsigned char *
bytes(struct text text)
{
	return (const unsigned char *)text.at;
}

void
seal_init(void)
{
	if (sodium_init() < 0)
		abort();
}

void
seal_random(void *out, size_t size)
{
	randombytes_buf(out, size);
}

void
seal_hash(struct text text, uint8_t out[SEAL_HASH_SIZE])
{
	crypto_hash_sha256(out, bytes(text), text.len);
}

struct seal_hashing {
	crypto_hash_sha256_state state;
};

struct seal_hashing *
seal_hash_begin(struct arena *arena)
{
	struct seal_hashing *hashing = arena_alloc(arena, sizeof(*hashing));

	crypto_hash_sha256_init(&hashing->state);
	return hashing;
}

void
seal_hash_add(struct seal_hashing *hashing, struct text text)
{
	crypto_hash_sha256_update(&hashing->state, bytes(text), text.len);
}

void
seal_hash_end(struct seal_hashing *hashing, uint8_t out[SEAL_HASH_SIZE])
{
	crypto_hash_sha256_final(&hashing->state, out);
}

bool
seal_equal(const void *a, const void *b, size_t size)
{
	return sodium_memcmp(a, b, size) == 0;
}

void
seal_derive(struct text key, struct text purpose, uint8_t out[SEAL_KEY_SIZE])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, bytes(key), key.len);
	crypto_auth_hmacsha256_update(&state, bytes(purpose), purpose.len);
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof(state));
}

void
seal_close(const uint8_t key[SEAL_KEY_SIZE], struct text plain, struct buf *out)
{
	size_t size = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + plain.len;
	unsigned char *nonce = (unsigned char *)buf_room(out, size);
	unsigned char *box = nonce + crypto_secretbox_NONCEBYTES;

	seal_random(nonce, crypto_secretbox_NONCEBYTES);
	/* It fails only for texts longer than any memory. */
	if (crypto_secretbox_easy(box, bytes(plain), plain.len, nonce, key) != 0)
		abort();
	out->len += size;
	out->at[out->len] = '\0';
}

bool
seal_open(const uint8_t key[SEAL_KEY_SIZE], struct text sealed, struct buf *out)
{
	const unsigned char *nonce = bytes(sealed);
	const unsigned char *box;
	size_t len;
	char *plain;

	if (sealed.len < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
		return false;
	box = nonce + crypto_secretbox_NONCEBYTES;
	len = sealed.len - crypto_secretbox_NONCEBYTES;
	plain = buf_room(out, len - crypto_secretbox_MACBYTES);
	if (crypto_secretbox_open_easy((unsigned char *)plain, box, len, nonce, key) != 0)
		return false;
	out->len += len - crypto_secretbox_MACBYTES;
	out->at[out->len] = '\0';
	return true;
}

#define KIB 1024

void
seal_password(struct text password, struct seal_cost cost, char out[SEAL_PASSWORD_SIZE])
{
	/* It fails only for want of memory. */
	if (crypto_pwhash_str(out, password.at, password.len, (unsigned long long)cost.ops,
		(size_t)cost.memory_kib * KIB) != 0)
		abort();
}

bool
seal_password_right(struct text password, const char *hash)
{
	return crypto_pwhash_str_verify(hash, password.at, password.len) == 0;
}

bool
seal_password_cost(const char *hash, struct seal_cost *ret)
{
	static const char *const kinds[] = { "$argon2id$v=19$m=", "$argon2i$v=19$m=" };
	long memory, passes;
	char *end;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strncmp(hash, kinds[i], strlen(kinds[i])) != 0)
			continue;
		memory = strtol(hash + strlen(kinds[i]), &end, 10);
		if (strncmp(end, ",t=", 3) != 0)
			return false;
		passes = strtol(end + 3, &end, 10);
		if (*end != ',' || memory < 1 || memory > SEAL_PASSWORD_MEMORY_MAX_KIB ||
		    passes < 1 || passes > SEAL_PASSWORD_OPS_MAX)
			return false;
		*ret = (struct seal_cost){ passes, memory };
		return true;
	}
	return false;
}

bool
seal_password_outdated(const char *hash, struct seal_cost cost)
{
	return crypto_pwhash_str_needs_rehash(
		   hash, (unsigned long long)cost.ops, (size_t)cost.memory_kib * KIB) != 0;
}

void
seal_random_base62(char *out, size_t digits)
{
	static const char alphabet[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	/* randombytes_uniform() favours no digit, as a remainder would. */
	for (size_t i = 0; i < digits; i++)
		out[i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
	out[digits] = '\0';
}
