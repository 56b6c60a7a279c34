#include "lib/core/totp.h"

#include "lib/clock.h"
#include "lib/core/sha1.h"

#define MODULUS 1000000 /* TOTP_DIGITS */

uint32_t
totp_number(struct text secret, int64_t step)
{
	uint8_t counter[8], mac[SHA1_SIZE];
	const uint8_t *at;

	for (size_t i = 0; i < sizeof counter; i++)
		counter[i] = (uint8_t)((uint64_t)step >> (8 * (sizeof counter - 1 - i)));
	sha1_hmac(secret, (struct text){ (const char *)counter, sizeof counter }, mac);
	at = &mac[mac[SHA1_SIZE - 1] & 0xf];
	return (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

static bool
read_code(struct text code, uint32_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < code.len; i++) {
		if (code.at[i] < '0' || code.at[i] > '9')
			return false;
		*ret = *ret * 10 + (uint32_t)(code.at[i] - '0');
	}
	return code.len == TOTP_DIGITS;
}

bool
totp_find(struct text secret, struct text code, int64_t usec, int64_t after, int64_t *ret_step)
{
	int64_t now = usec / (TOTP_STEP_S * CLOCK_SECOND);
	uint32_t given;
	bool found = false;

	if (code.len != TOTP_DIGITS || !read_code(code, &given))
		return false;
	for (int64_t step = now - TOTP_WINDOW; step <= now + TOTP_WINDOW; step++) {
		if (step <= after || totp_number(secret, step) % MODULUS != given)
			continue;
		*ret_step = step;
		found = true;
	}
	return found;
}

void
totp_write_secret(const uint8_t secret[TOTP_SECRET_SIZE], char out[TOTP_SECRET_TEXT_SIZE])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (size_t i = 0; i < TOTP_SECRET_TEXT_SIZE - 1; i++) {
		size_t bit = i * 5, byte = bit / 8;
		unsigned pair = (unsigned)secret[byte] << 8;

		if (byte + 1 < TOTP_SECRET_SIZE)
			pair |= secret[byte + 1];
		out[i] = alphabet[pair >> (11 - bit % 8) & 31];
	}
	out[TOTP_SECRET_TEXT_SIZE - 1] = '\0';
}
