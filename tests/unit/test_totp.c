#include "tests/test.h"

#include "lib/core/totp.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"

#define NOON (INT64_C(1111111111) * CLOCK_SECOND)
#define STEP (NOON / (TOTP_STEP_S * CLOCK_SECOND))

/* RFC 4226, appendix D, and RFC 6238, appendix B. */
static const struct text secret = { "12345678901234567890", 20 };

static struct text
text(const char *value)
{
	return (struct text){ value, strlen(value) };
}

static void
the_numbers_are_those_of_rfc_4226(UNUSED void **state)
{
	static const uint32_t codes[] = { 755224, 287082, 359152, 969429, 338314, 254676, 287922,
		162583, 399871, 520489 };

	for (size_t i = 0; i < COUNT(codes); i++)
		assert_int_equal(totp_number(secret, (int64_t)i) % 1000000, codes[i]);
}

static void
the_numbers_are_those_of_rfc_6238(UNUSED void **state)
{
	static const struct {
		int64_t second;
		uint32_t code; /* of eight digits */
	} vectors[] = {
		{ 59, 94287082 },
		{ 1111111109, 7081804 },
		{ 1111111111, 14050471 },
		{ 1234567890, 89005924 },
		{ 2000000000, 69279037 },
		{ INT64_C(20000000000), 65353130 },
	};

	for (size_t i = 0; i < COUNT(vectors); i++)
		assert_int_equal(totp_number(secret, vectors[i].second / TOTP_STEP_S) % 100000000,
		    vectors[i].code);
}

/* The code of a step, as its six digits. */
static struct text
code_of(int64_t step)
{
	static char code[TOTP_DIGITS + 1];

	(void)snprintf(code, sizeof code, "%06u", totp_number(secret, step) % 1000000);
	return text(code);
}

static const struct {
	const char *sentence;
	int64_t of, after; /* steps from now */
	bool taken;
} steps[] = {
	{ "the current code is taken", 0, -9, true },
	{ "the one before it, too", -1, -9, true },
	{ "the next one, too", 1, -9, true },
	{ "an older one is not", -2, -9, false },
	{ "one that comes later is not", 2, -9, false },
	{ "a code is taken once", 0, 0, false },
	{ "an older code than the last is not taken", -1, 0, false },
	{ "a newer code than the last is", 1, 0, true },
};

static void
a_code_holds_for_its_window_and_once(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		int64_t found = 0;

		if (totp_find(secret, code_of(STEP + steps[i].of), NOON, STEP + steps[i].after,
			&found) != steps[i].taken)
			fail_msg("%s", steps[i].sentence);
		assert_int_equal(found, steps[i].taken ? STEP + steps[i].of : 0);
	}
}

static void
what_is_no_code_is_not_taken(UNUSED void **state)
{
	static const char *const codes[] = { "", "0", "05047", "0504711", "05047a", "-50471",
		" 50471", "05047 ", "050472" };
	int64_t step;

	assert_true(totp_find(secret, text("050471"), NOON, 0, &step));
	for (size_t i = 0; i < COUNT(codes); i++)
		assert_false(totp_find(secret, text(codes[i]), NOON, 0, &step));
}

static void
a_secret_is_written_in_base_32(UNUSED void **state)
{
	char out[TOTP_SECRET_TEXT_SIZE];
	uint8_t bytes[TOTP_SECRET_SIZE];

	memcpy(bytes, secret.at, sizeof bytes);
	totp_write_secret(bytes, out);
	assert_string_equal(out, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
	memset(bytes, 0xff, sizeof bytes);
	totp_write_secret(bytes, out);
	assert_string_equal(out, "77777777777777777777777777777777");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_numbers_are_those_of_rfc_4226),
		cmocka_unit_test(the_numbers_are_those_of_rfc_6238),
		cmocka_unit_test(a_code_holds_for_its_window_and_once),
		cmocka_unit_test(what_is_no_code_is_not_taken),
		cmocka_unit_test(a_secret_is_written_in_base_32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
