#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/zone_private.h"

static int
setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* What a small file of two transitions says; a test changes one thing. */
struct file {
	int version; /* 0, or the character */
	size_t leaps;
	size_t types; /* that are counted; three are there */
	int64_t times[2];
	int type_of[2]; /* of the transitions */
	int32_t offsets[3];
	const char *footer;
};

static const struct file plain = {
	.version = '2',
	.types = 3,
	.times = { -1000, 2000 },
	.type_of = { 1, 2 },
	.offsets = { 100, 3600, -7200 },
	.footer = "\n<-02>2\n",
};

static void
put_int(struct buf *buf, int64_t value, int size)
{
	for (int i = size - 1; i >= 0; i--) {
		uint64_t byte = i < 8 ? (uint64_t)value >> (8 * i) : 0;

		buf_putc(buf, (char)byte);
	}
}

static void
put_block(struct buf *buf, const struct file *file, int time_size)
{
	buf_puts(buf, "TZif");
	buf_putc(buf, (char)file->version);
	put_int(buf, 0, 15); /* reserved */
	put_int(buf, 0, 4); /* UT indicators */
	put_int(buf, 0, 4); /* standard indicators */
	put_int(buf, (int64_t)file->leaps, 4);
	put_int(buf, 2, 4); /* transitions */
	put_int(buf, (int64_t)file->types, 4);
	put_int(buf, 4, 4); /* characters */
	for (int i = 0; i < 2; i++)
		put_int(buf, file->times[i], time_size);
	for (int i = 0; i < 2; i++)
		put_int(buf, file->type_of[i], 1);
	for (size_t i = 0; i < file->types; i++) {
		put_int(buf, file->offsets[i], 4);
		put_int(buf, 0, 2);
	}
	buf_add(buf, "ABC", 4);
	for (size_t i = 0; i < file->leaps; i++)
		put_int(buf, 0, time_size + 4);
}

static struct text
tzif(struct arena *arena, const struct file *file)
{
	struct buf buf = { .arena = arena };

	put_block(&buf, file, 4);
	if (file->version != 0) {
		put_block(&buf, file, 8);
		buf_puts(&buf, file->footer);
	}
	return buf_text(&buf);
}

static void
a_file_is_read(void **state)
{
	static const int versions[] = { '2', '3', '4' };

	for (size_t i = 0; i < COUNT(versions); i++) {
		struct file file = plain;
		struct zone zone = { 0 };

		file.version = versions[i];
		assert_true(zone_parse(*state, tzif(*state, &file), &zone));
		assert_int_equal(zone.count, 2);
		assert_int_equal(zone.times[0], -1000);
		assert_int_equal(zone.times[1], 2000);
		assert_int_equal(zone.first_offset, 100);
		assert_int_equal(zone.offsets[0], 3600);
		assert_int_equal(zone.offsets[1], -7200);
		assert_true(zone.rule.given);
		assert_int_equal(zone.rule.standard, -7200);
	}
}

static void
the_first_version_has_no_rule(void **state)
{
	struct file file = plain;
	struct zone zone = { 0 };

	file.version = 0;
	assert_true(zone_parse(*state, tzif(*state, &file), &zone));
	assert_int_equal(zone.count, 2);
	assert_int_equal(zone.times[0], -1000);
	assert_false(zone.rule.given);
	assert_int_equal(zone_offset(&zone, INT64_C(3000000000)), -7200);
	assert_int_equal(zone_offset(&zone, INT64_C(-1000000001)), 100);
}

static void
an_empty_footer_is_no_rule(void **state)
{
	struct file file = plain;
	struct zone zone = { 0 };

	file.footer = "\n\n";
	assert_true(zone_parse(*state, tzif(*state, &file), &zone));
	assert_false(zone.rule.given);
	assert_int_equal(zone_offset(&zone, INT64_C(3000000000)), -7200);
}

static void
times_of_64_bits_are_read(void **state)
{
	struct file file = plain;
	struct zone zone = { 0 };

	file.times[0] = -(INT64_C(1) << 59);
	file.times[1] = INT64_C(1) << 40;
	assert_true(zone_parse(*state, tzif(*state, &file), &zone));
	assert_true(zone.times[0] == file.times[0]);
	assert_true(zone.times[1] == file.times[1]);
}

static const struct bad {
	const char *sentence;
	struct file file;
} bad[] = {
#define PLAIN .version = '2', .types = 3, .type_of = { 1, 2 }
#define TIMES .times = { -1000, 2000 }
#define OFFSETS .offsets = { 100, 3600, -7200 }
#define FOOTER .footer = "\n\n"
	{ "leap seconds", { PLAIN, TIMES, OFFSETS, FOOTER, .leaps = 1 } },
	{ "a type that is not there",
	    { .version = '2', .types = 2, .type_of = { 1, 2 }, TIMES, OFFSETS, FOOTER } },
	{ "no types", { .version = '2', .types = 0, TIMES, FOOTER } },
	{ "times that do not ascend", { PLAIN, .times = { 2000, 2000 }, OFFSETS, FOOTER } },
	{ "times that go back", { PLAIN, .times = { 2000, -2000 }, OFFSETS, FOOTER } },
	{ "a time before the beginning",
	    { PLAIN, .times = { -(INT64_C(1) << 59) - 1, 0 }, OFFSETS, FOOTER } },
	{ "an offset of 26 hours", { PLAIN, TIMES, .offsets = { 0, 93600 }, FOOTER } },
	{ "an offset of -26 hours", { PLAIN, TIMES, .offsets = { 0, -93600 }, FOOTER } },
	{ "an offset that cannot be negated", { PLAIN, TIMES, .offsets = { INT32_MIN }, FOOTER } },
	{ "no footer", { PLAIN, TIMES, OFFSETS, .footer = "" } },
	{ "a footer that does not begin", { PLAIN, TIMES, OFFSETS, .footer = "UTC0\n" } },
	{ "a footer that does not end", { PLAIN, TIMES, OFFSETS, .footer = "\nUTC0" } },
	{ "a footer that is no rule", { PLAIN, TIMES, OFFSETS, .footer = "\nUTC\n" } },
};

static void
bad_files_are_refused(void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct zone zone = { .count = 99 };

		if (zone_parse(*state, tzif(*state, &bad[i].file), &zone))
			fail_msg("%s: was read", bad[i].sentence);
		assert_int_equal(zone.count, 99);
	}
}

static void
counts_that_are_not_there_are_refused(void **state)
{
	/* Each count of the first and the second header in turn becomes 2^32 - 1. */
	for (size_t count = 0; count < 12; count++) {
		struct text file = tzif(*state, &plain);
		char *copy = arena_strndup(*state, file.at, file.len);
		size_t second = file.len - strlen(plain.footer) - (44 + 16 + 2 + 18 + 4);
		size_t at = (count < 6 ? 0 : second) + 20 + count % 6 * 4;
		struct zone zone;

		assert_memory_equal(copy + second, "TZif", 4);
		memset(copy + at, 0xff, 4);
		assert_false(
		    zone_parse(*state, (struct text){ .at = copy, .len = file.len }, &zone));
	}
}

static void
a_file_cut_anywhere_is_refused(void **state)
{
	struct text whole = tzif(*state, &plain);

	for (size_t len = 0; len < whole.len; len++) {
		struct text part = { .at = arena_strndup(*state, whole.at, len), .len = len };
		struct zone zone;

		assert_false(zone_parse(*state, part, &zone));
	}
}

static void
another_file_is_refused(void **state)
{
	static const char text[] = "# tzdata: the first four bytes are not TZif, whatever follows";
	struct zone zone;

	assert_false(
	    zone_parse(*state, (struct text){ .at = text, .len = sizeof(text) - 1 }, &zone));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_version_has_no_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_footer_is_no_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(times_of_64_bits_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_files_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    counts_that_are_not_there_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_cut_anywhere_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(another_file_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
