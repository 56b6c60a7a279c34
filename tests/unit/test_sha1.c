#include "tests/test.h"

#include "lib/core/sha1.h"

#include <stdio.h>
#include <string.h>

static struct text
text(const char *value)
{
	return (struct text){ value, strlen(value) };
}

static void
assert_hex(const uint8_t bytes[SHA1_SIZE], const char *expected)
{
	char hex[2 * SHA1_SIZE + 1];

	for (size_t i = 0; i < SHA1_SIZE; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(hex, expected);
}

/* FIPS 180-2, appendix A, and the empty text. */
static const struct {
	const char *text;
	const char *hash;
} hashes[] = {
	{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
	{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
};

static void
the_hash_is_sha1(UNUSED void **state)
{
	static char million[1000000];
	uint8_t out[SHA1_SIZE];

	for (size_t i = 0; i < COUNT(hashes); i++) {
		sha1_hash(text(hashes[i].text), out);
		assert_hex(out, hashes[i].hash);
	}
	memset(million, 'a', sizeof million);
	sha1_hash((struct text){ million, sizeof million }, out);
	assert_hex(out, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* RFC 2202, section 3; the keys of repeated bytes by their length. */
static const struct {
	const char *key;
	int repeated; /* byte */
	size_t len;
	const char *text;
	const char *mac;
} macs[] = {
	{ NULL, 0x0b, 20, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00" },
	{ "Jefe", 0, 4, "what do ya want for nothing?",
	    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ NULL, 0xaa, 80, "Test Using Larger Than Block-Size Key - Hash Key First",
	    "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	{ NULL, 0xaa, 80,
	    "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
	    "e8e99d0f45237d786d6bbaa7965c7808bbff1a91" },
};

static void
the_mac_is_that_of_rfc_2202(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(macs); i++) {
		char key[80];
		uint8_t out[SHA1_SIZE];

		memset(key, macs[i].repeated, sizeof key);
		if (macs[i].key != NULL)
			memcpy(key, macs[i].key, macs[i].len);
		sha1_hmac((struct text){ key, macs[i].len }, text(macs[i].text), out);
		assert_hex(out, macs[i].mac);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_sha1),
		cmocka_unit_test(the_mac_is_that_of_rfc_2202),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
