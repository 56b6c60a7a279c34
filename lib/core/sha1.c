#include "lib/core/sha1.h"

#include <string.h>

#define BLOCK UINT64_C(64)
#define WORDS (SHA1_SIZE / 4)
#define ROUNDS 80

struct sha1 {
	uint32_t words[WORDS];
	uint64_t len; /* bytes so far */
	uint8_t block[BLOCK]; /* the last of them, len % BLOCK */
};

static uint32_t
rotate(uint32_t word, int bits)
{
	return word << bits | word >> (32 - bits);
}

static uint32_t
mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
	if (round < 20)
		return ((b & c) | (~b & d)) + UINT32_C(0x5a827999);
	if (round < 40)
		return (b ^ c ^ d) + UINT32_C(0x6ed9eba1);
	if (round < 60)
		return ((b & c) | (b & d) | (c & d)) + UINT32_C(0x8f1bbcdc);
	return (b ^ c ^ d) + UINT32_C(0xca62c1d6);
}

static void
add_block(struct sha1 *sha1)
{
	uint32_t schedule[ROUNDS], a[WORDS];

	for (size_t i = 0; i < BLOCK / 4; i++) {
		const uint8_t *at = &sha1->block[4 * i];

		schedule[i] =
		    (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	}
	for (size_t i = BLOCK / 4; i < ROUNDS; i++)
		schedule[i] = rotate(
		    schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
	memcpy(a, sha1->words, sizeof a);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t next =
		    rotate(a[0], 5) + mix(round, a[1], a[2], a[3]) + a[4] + schedule[round];

		a[4] = a[3];
		a[3] = a[2];
		a[2] = rotate(a[1], 30);
		a[1] = a[0];
		a[0] = next;
	}
	for (size_t i = 0; i < WORDS; i++)
		sha1->words[i] += a[i];
}

static void
begin(struct sha1 *sha1)
{
	*sha1 = (struct sha1){ .words = {
				   0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 } };
}

static void
add(struct sha1 *sha1, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++) {
		sha1->block[sha1->len++ % BLOCK] = at[i];
		if (sha1->len % BLOCK == 0)
			add_block(sha1);
	}
}

static void
put(uint8_t *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static void
end(struct sha1 *sha1, uint8_t out[SHA1_SIZE])
{
	static const uint8_t padding[BLOCK] = { 0x80 };
	uint8_t bits[8];

	put(bits, sha1->len * 8, sizeof bits);
	add(sha1, padding, 1 + (2 * BLOCK - sizeof bits - 1 - sha1->len % BLOCK) % BLOCK);
	add(sha1, bits, sizeof bits);
	for (size_t i = 0; i < WORDS; i++)
		put(out + 4 * i, sha1->words[i], 4);
}

void
sha1_hash(struct text text, uint8_t out[SHA1_SIZE])
{
	struct sha1 sha1;

	begin(&sha1);
	add(&sha1, text.at, text.len);
	end(&sha1, out);
}

/* The hash of the key, each byte of it changed by pad, and the text. */
static void
hash_padded(const uint8_t key[BLOCK], uint8_t pad, struct text text, uint8_t out[SHA1_SIZE])
{
	struct sha1 sha1;
	uint8_t padded[BLOCK] = { 0 };

	for (size_t i = 0; i < BLOCK; i++)
		padded[i] = key[i] ^ pad;
	begin(&sha1);
	add(&sha1, padded, sizeof padded);
	add(&sha1, text.at, text.len);
	end(&sha1, out);
}

void
sha1_hmac(struct text key, struct text text, uint8_t out[SHA1_SIZE])
{
	uint8_t block[BLOCK] = { 0 }, inner[SHA1_SIZE];

	if (key.len > BLOCK)
		sha1_hash(key, block);
	else
		memcpy(block, key.at, key.len);
	hash_padded(block, 0x36, text, inner);
	hash_padded(block, 0x5c, (struct text){ (const char *)inner, sizeof inner }, out);
}
