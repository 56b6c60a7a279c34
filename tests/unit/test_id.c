#include "tests/test.h"

#include "lib/id.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define IDS_PER_THREAD 20000
#define NOW INT64_C(1795253400123456)

static struct id made[THREADS * IDS_PER_THREAD];

static struct text
text(const char *value)
{
	return (struct text){ .at = value, .len = strlen(value) };
}

static void
a_new_id_is_version_7_at_its_time(UNUSED void **state)
{
	static const int64_t times[] = { 0, 1, 999, 1000, NOW, INT64_C(253402300799999999) };

	for (size_t i = 0; i < COUNT(times); i++) {
		struct id id = id_new(times[i]);

		assert_true(id_is_v7(id));
		assert_int_equal(id.bytes[6] >> 4, 7);
		assert_int_equal(id.bytes[8] >> 6, 2);
		assert_int_equal(id_time(id), times[i] / 1000 * 1000);
	}
}

static void *
make_ids(void *at)
{
	struct id *ids = at;

	for (size_t i = 0; i < IDS_PER_THREAD; i++)
		ids[i] = id_new(NOW);
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	return id_compare(*(const struct id *)a, *(const struct id *)b);
}

static void
threads_never_make_the_same_id(UNUSED void **state)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, make_ids, made + i * IDS_PER_THREAD), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	qsort(made, COUNT(made), sizeof(made[0]), compare);
	for (size_t i = 1; i < COUNT(made); i++)
		assert_false(id_equal(made[i - 1], made[i]));
}

/* Each of the 62 random bits is sometimes set and sometimes not. */
static void
every_random_bit_changes(UNUSED void **state)
{
	struct id any = { 0 }, all;

	memset(all.bytes, 0xff, sizeof(all.bytes));
	for (int i = 0; i < 1000; i++) {
		struct id id = id_new(NOW);

		for (size_t j = 0; j < sizeof(id.bytes); j++) {
			any.bytes[j] |= id.bytes[j];
			all.bytes[j] &= id.bytes[j];
		}
	}
	assert_int_equal(any.bytes[8], 0xbf);
	assert_int_equal(all.bytes[8], 0x80);
	for (size_t j = 9; j < sizeof(any.bytes); j++) {
		assert_int_equal(any.bytes[j], 0xff);
		assert_int_equal(all.bytes[j], 0);
	}
}

static void
ids_sort_by_time(UNUSED void **state)
{
	struct id before = id_new(0);

	for (int64_t usec = 1000; usec < NOW; usec = usec * 3 / 2 + 1000) {
		struct id id = id_new(usec);

		assert_true(id_compare(before, id) < 0);
		assert_true(id_compare(id, before) > 0);
		before = id;
	}
}

static void
ids_sort_within_a_millisecond(UNUSED void **state)
{
	struct id before = id_new(NOW / 1000 * 1000);

	for (int64_t usec = NOW / 1000 * 1000 + 1; usec <= NOW / 1000 * 1000 + 1000; usec++) {
		struct id id = id_new(usec);

		assert_true(id_is_v7(id));
		assert_true(id_compare(before, id) < 0);
		before = id;
	}
}

static void
a_derived_id_follows_from_its_three_parts(UNUSED void **state)
{
	struct id space, other_space, id;
	char out[ID_TEXT_SIZE];

	assert_true(id_parse(text("0197f9aa-0000-7000-8000-000000000001"), &space));
	assert_true(id_parse(text("0197f9aa-0000-7000-8000-000000000002"), &other_space));
	id = id_derive(space, text("chatcmpl-1"), NOW);
	assert_true(id_is_v7(id));
	assert_int_equal(id_time(id), NOW / 1000 * 1000);
	assert_true(id_equal(id, id_derive(space, text("chatcmpl-1"), NOW)));
	assert_true(id_equal(id, id_derive(space, text("chatcmpl-1"), NOW / 1000 * 1000)));
	assert_false(id_equal(id, id_derive(space, text("chatcmpl-2"), NOW)));
	assert_false(id_equal(id, id_derive(space, text(""), NOW)));
	assert_false(id_equal(id, id_derive(space, text("chatcmpl-1"), NOW + 1000)));
	assert_false(id_equal(id, id_derive(other_space, text("chatcmpl-1"), NOW)));
	/* What was once stored under an id must be found under it by every later version. */
	assert_string_equal(id_format(id, out), "01a1fd70-f23b-7e27-ba3a-08c34795649b");
}

static void
a_hashed_id_follows_from_space_and_name(UNUSED void **state)
{
	struct id space = { { 1 } }, other_space = { { 2 } };
	struct id id = id_hash(space, text("gpt-4"));
	char out[ID_TEXT_SIZE];

	assert_int_equal(id.bytes[6] >> 4, 8);
	assert_int_equal(id.bytes[8] >> 6, 2);
	assert_false(id_is_v7(id));
	assert_true(id_equal(id, id_hash(space, text("gpt-4"))));
	assert_false(id_equal(id, id_hash(space, text("gpt-4o"))));
	assert_false(id_equal(id, id_hash(other_space, text("gpt-4"))));
	assert_string_equal(id_format(id, out), "a105b433-3fc2-84d8-81b9-b2f7495ecc4e");
}

static void
ids_are_read_in_either_case(UNUSED void **state)
{
	static const struct id expected = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01,
	    0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef } };
	struct id id = { 0 };
	char out[ID_TEXT_SIZE];

	assert_true(id_parse(text("01234567-89ab-cdef-0123-456789abcdef"), &id));
	assert_true(id_equal(id, expected));
	id = (struct id){ 0 };
	assert_true(id_parse(text("01234567-89AB-CDEF-0123-456789ABCDEF"), &id));
	assert_true(id_equal(id, expected));
	assert_ptr_equal(id_format(id, out), out);
	assert_string_equal(out, "01234567-89ab-cdef-0123-456789abcdef");
}

static void
other_texts_are_no_ids(UNUSED void **state)
{
	static const struct {
		const char *what;
		const char *text;
	} cases[] = {
		{ "nothing", "" },
		{ "too short", "01234567-89ab-cdef-0123-456789abcde" },
		{ "too long", "01234567-89ab-cdef-0123-456789abcdef0" },
		{ "no hyphens", "0123456789abcdef0123456789abcdef" },
		{ "no hyphens, padded", "0123456789abcdef0123456789abcdef0000" },
		{ "a hyphen moved", "0123456-789ab-cdef-0123-456789abcdef" },
		{ "the last hyphen missing", "01234567-89ab-cdef-01230456789abcdef" },
		{ "a letter behind f", "0123456g-89ab-cdef-0123-456789abcdef" },
		{ "braces", "{1234567-89ab-cdef-0123-456789abcde}" },
		{ "a space", " 1234567-89ab-cdef-0123-456789abcdef" },
		{ "bytes above ASCII",
		    "\xff\xff\xff\xff\xff\xff\xff\xff-89ab-cdef-0123-456789abcdef" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct id id = { { 9 } };

		if (id_parse(text(cases[i].text), &id) || !id_equal(id, (struct id){ { 9 } }))
			fail_msg("%s: %s was read", cases[i].what, cases[i].text);
	}
	assert_false(id_parse((struct text){ 0 }, &(struct id){ 0 }));
}

static void
every_character_of_an_id_is_checked(UNUSED void **state)
{
	char broken[] = "01234567-89ab-cdef-0123-456789abcdef";
	struct id id;

	for (size_t i = 0; i < strlen(broken); i++) {
		char kept = broken[i];

		broken[i] = kept == '-' ? '0' : '-';
		assert_false(id_parse(text(broken), &id));
		broken[i] = kept;
	}
	assert_true(id_parse(text(broken), &id));
}

static void
only_zeros_are_nil(UNUSED void **state)
{
	struct id id = { 0 };

	assert_true(id_is_nil(id));
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		id = (struct id){ 0 };
		id.bytes[i] = 1;
		assert_false(id_is_nil(id));
		assert_true(id_compare((struct id){ 0 }, id) < 0);
	}
}

static void
version_and_variant_make_a_v7(UNUSED void **state)
{
	struct id id;

	assert_true(id_parse(text("0197f9aa-0000-7000-8000-000000000000"), &id));
	assert_true(id_is_v7(id));
	assert_true(id_parse(text("0197f9aa-0000-7000-bfff-000000000000"), &id));
	assert_true(id_is_v7(id));
	assert_true(id_parse(text("0197f9aa-0000-4000-8000-000000000000"), &id));
	assert_false(id_is_v7(id));
	assert_true(id_parse(text("0197f9aa-0000-7000-c000-000000000000"), &id));
	assert_false(id_is_v7(id));
	assert_true(id_parse(text("0197f9aa-0000-7000-7000-000000000000"), &id));
	assert_false(id_is_v7(id));
	/* RFC 9562, A.6 */
	assert_true(id_parse(text("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), &id));
	assert_true(id_is_v7(id));
	assert_int_equal(id_time(id), INT64_C(1645557742000) * 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_id_is_version_7_at_its_time),
		cmocka_unit_test(threads_never_make_the_same_id),
		cmocka_unit_test(every_random_bit_changes),
		cmocka_unit_test(ids_sort_by_time),
		cmocka_unit_test(ids_sort_within_a_millisecond),
		cmocka_unit_test(a_derived_id_follows_from_its_three_parts),
		cmocka_unit_test(a_hashed_id_follows_from_space_and_name),
		cmocka_unit_test(ids_are_read_in_either_case),
		cmocka_unit_test(other_texts_are_no_ids),
		cmocka_unit_test(every_character_of_an_id_is_checked),
		cmocka_unit_test(only_zeros_are_nil),
		cmocka_unit_test(version_and_variant_make_a_v7),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
