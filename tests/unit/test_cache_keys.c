#include "tests/test.h"

#include "app/cache_private.h"

#include <stdio.h>
#include <string.h>

#define MAX 8
#define NOW (INT64_C(1700000000) * CLOCK_SECOND)

static struct cache_keys *keys;
static struct task task;

static int
setup(UNUSED void **state)
{
	keys = cache_keys_new(MAX);
	cache_keys_forget(keys, true);
	task_init(&task, arena_new());
	task.now = NOW;
	return 0;
}

static int
teardown(UNUSED void **state)
{
	cache_keys_free(keys);
	arena_free(task.arena);
	return 0;
}

static const char *
name(int i)
{
	return arena_printf(task.arena, "%016d", i);
}

static struct identity
identity(int i)
{
	struct identity made = { .timezone = "Europe/Berlin", .expires_at = i };

	made.key.bytes[0] = (uint8_t)(i + 1);
	made.client.bytes[1] = (uint8_t)(i + 1);
	return made;
}

static uint64_t
generation(void)
{
	struct identity ignored;
	uint64_t now;

	assert_false(cache_keys_find(keys, "", &task, &ignored, &now));
	return now;
}

static void
keep(int i)
{
	struct identity made = identity(i);

	cache_keys_keep(keys, name(i), &made, task.now, generation());
}

static bool
found(int i)
{
	struct identity got;
	uint64_t ignored;

	if (!cache_keys_find(keys, name(i), &task, &got, &ignored))
		return false;
	assert_int_equal(got.expires_at, i);
	assert_string_equal(got.timezone, "Europe/Berlin");
	return true;
}

static void
a_key_that_was_kept_is_found(UNUSED void **state)
{
	assert_false(found(1));
	keep(1);
	assert_true(found(1));
	assert_false(found(2));
}

static void
what_was_found_outlives_the_entry(UNUSED void **state)
{
	struct identity got;
	uint64_t ignored;

	keep(1);
	assert_true(cache_keys_find(keys, name(1), &task, &got, &ignored));
	cache_keys_forget(keys, true);
	assert_string_equal(got.timezone, "Europe/Berlin");
}

static void
an_answer_from_before_a_change_is_not_kept(UNUSED void **state)
{
	struct identity made = identity(1);
	uint64_t before = generation();

	cache_keys_forget(keys, true);
	cache_keys_keep(keys, name(1), &made, task.now, before);
	assert_false(found(1));
}

static void
nothing_is_kept_while_nobody_listens(UNUSED void **state)
{
	keep(1);
	cache_keys_forget(keys, false);
	assert_false(found(1));
	keep(1);
	assert_false(found(1));
	cache_keys_forget(keys, true);
	keep(1);
	assert_true(found(1));
}

static void
a_new_table_keeps_nothing_yet(UNUSED void **state)
{
	struct cache_keys *fresh = cache_keys_new(MAX);
	struct identity made = identity(1);
	uint64_t now;

	assert_false(cache_keys_find(fresh, name(1), &task, &made, &now));
	cache_keys_keep(fresh, name(1), &made, task.now, now);
	assert_false(cache_keys_find(fresh, name(1), &task, &made, &now));
	cache_keys_free(fresh);
}

static void
a_key_is_asked_for_again_when_it_is_old(UNUSED void **state)
{
	keep(1);
	task.now += CACHE_KEY_AGE_MAX - 1;
	assert_true(found(1));
	task.now += 1;
	assert_false(found(1));
	keep(1);
	assert_true(found(1));
}

static void
one_more_than_fits_takes_the_place_of_one(UNUSED void **state)
{
	int count = 0;

	for (int i = 0; i <= MAX; i++)
		keep(i);
	for (int i = 0; i <= MAX; i++)
		count += found(i);
	assert_int_equal(count, MAX);
	assert_true(found(MAX));
}

static void
a_key_in_use_is_not_the_one_that_goes(UNUSED void **state)
{
	for (int i = 0; i < MAX; i++)
		keep(i);
	for (int i = MAX; i < 20 * MAX; i++) {
		assert_true(found(3));
		keep(i);
	}
	assert_true(found(3));
}

static size_t
take(struct auth_token_use **ret)
{
	size_t count;

	cache_keys_take_uses(keys, task.arena, ret, &count);
	return count;
}

static void
use_from(int i, int64_t now, const char *address)
{
	struct identity made = identity(i);
	struct auth_token_use use = {
		.client = made.client, .id = made.key, .count = 1, .last_used_at = now
	};

	(void)snprintf(use.last_used_ip, sizeof use.last_used_ip, "%s", address);
	cache_keys_use(keys, name(i), &use);
}

static void
use(int i, int64_t now)
{
	use_from(i, now, "192.0.2.7");
}

static void
uses_are_summed_whether_kept_or_not(UNUSED void **state)
{
	struct auth_token_use *uses;

	use(1, NOW + 5);
	keep(1);
	use(1, NOW + 7);
	use(1, NOW + 9);
	use(2, NOW);
	assert_int_equal(take(&uses), 2);
	assert_int_equal(uses[0].count, 3);
	assert_true(id_equal(uses[0].id, identity(1).key));
	assert_true(id_equal(uses[0].client, identity(1).client));
	assert_int_equal(uses[0].last_used_at, NOW + 9);
	assert_int_equal(uses[1].count, 1);
	assert_int_equal(take(&uses), 0);
}

static void
uses_outlive_a_change(UNUSED void **state)
{
	struct auth_token_use *uses;

	keep(1);
	use(1, NOW);
	cache_keys_forget(keys, true);
	keep(1);
	use(1, NOW + 1);
	assert_int_equal(take(&uses), 1);
	assert_int_equal(uses[0].count, 2);
	assert_int_equal(uses[0].last_used_at, NOW + 1);
}

static void
uses_that_could_not_be_stored_come_back(UNUSED void **state)
{
	struct auth_token_use *uses;

	use(1, NOW);
	assert_int_equal(take(&uses), 1);
	cache_keys_add_uses(keys, uses, 1);
	use(1, NOW + 1);
	assert_int_equal(take(&uses), 1);
	assert_int_equal(uses[0].count, 2);
}

static void
uses_of_keys_that_are_gone_are_bounded(UNUSED void **state)
{
	struct auth_token_use *uses;

	for (int i = 0; i < 3 * MAX; i++)
		use(i, NOW);
	assert_int_equal(take(&uses), MAX);
}

static void
the_last_use_tells_the_address(UNUSED void **state)
{
	struct auth_token_use *uses;

	use_from(1, NOW + 1, "192.0.2.1");
	keep(1);
	use_from(1, NOW + 3, "192.0.2.3");
	use_from(1, NOW + 2, "192.0.2.2");
	assert_int_equal(take(&uses), 1);
	assert_int_equal(uses[0].count, 3);
	assert_int_equal(uses[0].last_used_at, NOW + 3);
	assert_string_equal(uses[0].last_used_ip, "192.0.2.3");
	use_from(1, NOW + 4, "");
	assert_int_equal(take(&uses), 1);
	assert_string_equal(uses[0].last_used_ip, "");
}

static void
one_key_is_forgotten_with_its_uses_kept(UNUSED void **state)
{
	struct identity made = identity(3);
	struct auth_token_use *uses;
	uint64_t before;

	for (int i = 0; i < 3; i++)
		keep(i);
	use(0, NOW);
	before = generation();
	cache_keys_forget_one(keys, name(0));
	assert_false(found(0));
	assert_true(found(1));
	assert_true(found(2));
	cache_keys_keep(keys, name(3), &made, task.now, before);
	assert_false(found(3));
	assert_int_equal(take(&uses), 1);
	cache_keys_forget_one(keys, name(2));
	cache_keys_forget_one(keys, name(5));
	assert_true(found(1));
	assert_false(found(2));
	keep(2);
	cache_keys_forget_id(keys, identity(1).key);
	assert_false(found(1));
	assert_true(found(2));
}

static void
the_ranges_are_kept_with_the_key(UNUSED void **state)
{
	struct address_range ranges[2] = { { .bits = 8 }, { .bits = 9 } };
	struct identity made = identity(1);
	uint64_t ignored;

	made.allowed = ranges;
	made.allowed_count = 2;
	cache_keys_keep(keys, name(1), &made, task.now, generation());
	ranges[1].bits = 10;
	assert_true(cache_keys_find(keys, name(1), &task, &made, &ignored));
	cache_keys_forget(keys, true);
	assert_int_equal(made.allowed_count, 2);
	assert_int_equal(made.allowed[1].bits, 9);
	keep(1);
	assert_true(cache_keys_find(keys, name(1), &task, &made, &ignored));
	assert_null(made.allowed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_key_that_was_kept_is_found),
		TEST(what_was_found_outlives_the_entry),
		TEST(an_answer_from_before_a_change_is_not_kept),
		TEST(nothing_is_kept_while_nobody_listens),
		TEST(a_new_table_keeps_nothing_yet),
		TEST(a_key_is_asked_for_again_when_it_is_old),
		TEST(one_more_than_fits_takes_the_place_of_one),
		TEST(a_key_in_use_is_not_the_one_that_goes),
		TEST(the_last_use_tells_the_address),
		TEST(one_key_is_forgotten_with_its_uses_kept),
		TEST(the_ranges_are_kept_with_the_key),
		TEST(uses_are_summed_whether_kept_or_not),
		TEST(uses_outlive_a_change),
		TEST(uses_that_could_not_be_stored_come_back),
		TEST(uses_of_keys_that_are_gone_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
