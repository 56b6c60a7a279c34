#include "tests/test.h"

#include "lib/seal.h"

#include <stdio.h>
#include <string.h>

static struct text
text(const char *value)
{
	return (struct text){ .at = value, .len = strlen(value) };
}

static int
setup(void **state)
{
	static struct buf buf;

	buf = (struct buf){ .arena = arena_new() };
	*state = &buf;
	return 0;
}

static int
teardown(void **state)
{
	struct buf *buf = *state;

	arena_free(buf->arena);
	return 0;
}

static void
assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
	char hex[2 * SEAL_HASH_SIZE + 1] = "";

	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(hex, expected);
}

static void
the_hash_is_sha256(UNUSED void **state)
{
	uint8_t out[SEAL_HASH_SIZE];

	seal_hash(text("abc"), out); /* FIPS 180-4 */
	assert_hex(
	    out, sizeof(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	seal_hash((struct text){ 0 }, out);
	assert_hex(
	    out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
a_derived_key_is_hmac_sha256(UNUSED void **state)
{
	char long_key[131];
	uint8_t out[SEAL_KEY_SIZE];

	seal_derive(text("Jefe"), text("what do ya want for nothing?"), out); /* RFC 4231, 4.3 */
	assert_hex(
	    out, sizeof(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(long_key, 0xaa, sizeof(long_key)); /* RFC 4231, 4.7 */
	seal_derive((struct text){ long_key, sizeof(long_key) },
	    text("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	assert_hex(
	    out, sizeof(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
equal_compares_all_bytes(UNUSED void **state)
{
	char a[64], b[64];

	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	assert_true(seal_equal(a, b, sizeof(a)));
	assert_true(seal_equal(a, "y", 0));
	for (size_t i = 0; i < sizeof(b); i++) {
		b[i] ^= 1;
		assert_false(seal_equal(a, b, sizeof(a)));
		assert_true(seal_equal(a, b, i));
		b[i] ^= 1;
	}
}

static void
what_is_closed_can_be_opened(void **state)
{
	static const size_t lengths[] = { 0, 1, 31, 32, 33, 1000, 100000 };
	struct buf *buf = *state;
	uint8_t key[SEAL_KEY_SIZE];

	seal_random(key, sizeof(key));
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct buf sealed = { .arena = buf->arena }, opened = { .arena = buf->arena };
		char *plain = arena_alloc(buf->arena, lengths[i]);

		seal_random(plain, lengths[i]);
		buf_puts(&sealed, "kept");
		buf_puts(&opened, "kept");
		seal_close(key, (struct text){ plain, lengths[i] }, &sealed);
		assert_int_equal(sealed.len, 4 + 24 + 16 + lengths[i]);
		assert_true(
		    seal_open(key, (struct text){ sealed.at + 4, sealed.len - 4 }, &opened));
		assert_int_equal(opened.len, 4 + lengths[i]);
		assert_memory_equal(opened.at, "kept", 4);
		assert_memory_equal(opened.at + 4, plain, lengths[i]);
	}
}

static void
the_same_text_is_closed_differently_each_time(void **state)
{
	struct buf *first = *state, second = { .arena = first->arena };
	uint8_t key[SEAL_KEY_SIZE] = { 0 };

	seal_close(key, text("secret"), first);
	seal_close(key, text("secret"), &second);
	assert_int_equal(first->len, second.len);
	assert_memory_not_equal(first->at, second.at, first->len);
}

static void
a_change_of_any_bit_is_noticed(void **state)
{
	struct buf *sealed = *state, opened = { .arena = sealed->arena };
	uint8_t key[SEAL_KEY_SIZE] = { 1 };

	seal_close(key, text("secret"), sealed);
	for (size_t i = 0; i < sealed->len * 8; i++) {
		sealed->at[i / 8] = (char)(sealed->at[i / 8] ^ 1 << i % 8);
		assert_false(seal_open(key, buf_text(sealed), &opened));
		sealed->at[i / 8] = (char)(sealed->at[i / 8] ^ 1 << i % 8);
	}
	for (size_t len = 0; len < sealed->len; len++)
		assert_false(seal_open(key, (struct text){ sealed->at, len }, &opened));
	assert_int_equal(opened.len, 0);
	assert_true(seal_open(key, buf_text(sealed), &opened));
	assert_string_equal(opened.at, "secret");
}

static void
another_key_opens_nothing(void **state)
{
	struct buf *sealed = *state, opened = { .arena = sealed->arena };
	uint8_t key[SEAL_KEY_SIZE] = { 1 }, other[SEAL_KEY_SIZE] = { 2 };

	seal_close(key, text("secret"), sealed);
	assert_false(seal_open(other, buf_text(sealed), &opened));
	assert_int_equal(opened.len, 0);
}

static void
random_bytes_differ(UNUSED void **state)
{
	uint8_t first[32] = { 0 }, second[32] = { 0 };

	seal_random(first, sizeof(first));
	seal_random(second, sizeof(second));
	assert_memory_not_equal(first, second, sizeof(first));
}

/* Each of 62 digits is expected 1,000 times; 250 more or less are eight standard deviations. */
static void
base62_uses_every_digit_alike(UNUSED void **state)
{
	static char out[62001];
	size_t counts[256] = { 0 }, used = 0;

	memset(out, '!', sizeof(out));
	seal_random_base62(out, sizeof(out) - 1);
	assert_int_equal(strlen(out), sizeof(out) - 1);
	for (size_t i = 0; i < sizeof(out) - 1; i++)
		counts[(unsigned char)out[i]]++;
	for (int c = 0; c < 256; c++) {
		bool digit =
		    (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		used += counts[c] != 0;
		assert_true(digit ? counts[c] > 750 && counts[c] < 1250 : counts[c] == 0);
	}
	assert_int_equal(used, 62);
	seal_random_base62(out, 0);
	assert_string_equal(out, "");
}

static int
start(UNUSED void **state)
{
	seal_init();
	return 0;
}

static void
the_hash_of_portions_is_that_of_the_whole(UNUSED void **state)
{
	struct arena *arena = arena_new();
	struct seal_hashing *hashing = seal_hash_begin(arena);
	uint8_t whole[SEAL_HASH_SIZE], portions[SEAL_HASH_SIZE];

	seal_hash(text("one, two"), whole);
	seal_hash_add(hashing, text("one"));
	seal_hash_add(hashing, text(""));
	seal_hash_add(hashing, text(", two"));
	seal_hash_end(hashing, portions);
	assert_memory_equal(whole, portions, sizeof(whole));
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_of_portions_is_that_of_the_whole),
		cmocka_unit_test(the_hash_is_sha256),
		cmocka_unit_test(a_derived_key_is_hmac_sha256),
		cmocka_unit_test(equal_compares_all_bytes),
		cmocka_unit_test_setup_teardown(what_is_closed_can_be_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_same_text_is_closed_differently_each_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_change_of_any_bit_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(another_key_opens_nothing, setup, teardown),
		cmocka_unit_test(random_bytes_differ),
		cmocka_unit_test(base62_uses_every_digit_alike),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
