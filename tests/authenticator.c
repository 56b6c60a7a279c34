#include "tests/authenticator.h"

#include <string.h>

#include "tests/test.h"

#include "lib/clock.h"
#include "lib/core/totp.h"
#include "tests/api.h"

void
authenticator_secret(const char *text, char out[TOTP_SECRET_SIZE])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned bits = 0;
	size_t have = 0, len = 0;

	for (; *text != '\0' && len < TOTP_SECRET_SIZE; text++) {
		bits = (bits << 5 | (unsigned)(strchr(alphabet, *text) - alphabet)) & 0xffff;
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		out[len++] = (char)(bits >> have);
	}
	assert_int_equal(len, TOTP_SECRET_SIZE);
}

const char *
authenticator_code(const char *secret, int64_t steps)
{
	char bytes[TOTP_SECRET_SIZE];
	int64_t step = clock_now() / (TOTP_STEP_S * CLOCK_SECOND) + steps;

	authenticator_secret(secret, bytes);
	return api_text("%06u", totp_number((struct text){ bytes, sizeof bytes }, step) % 1000000);
}
