#include "tests/test.h"

#include "app/hashing.h"

#include <pthread.h>
#include <string.h>

#include "lib/seal.h"

#define CHEAP 1, 8
#define PASSWORD "correct horse"

static int
setup(void **state)
{
	static struct task task;

	seal_init();
	task = (struct task){ 0 };
	task_init(&task, arena_new());
	*state = &task;
	return 0;
}

static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	return 0;
}

static struct hashing *
make(struct task *task, int64_t threads, int64_t at_once, int64_t ops, int64_t memory_kib)
{
	const struct conf conf = { .threads = threads,
		.password_hashes_at_once = at_once,
		.password_ops = ops,
		.password_memory_kib = memory_kib };

	return hashing_new(task->arena, &conf);
}

static void
a_password_fits_its_hash_and_no_other(void **state)
{
	struct task *task = *state;
	struct hashing *hashing = make(task, 4, 2, CHEAP);
	const char *hash, *again, *better;
	bool right;

	assert_true(hashing_make(task, hashing, PASSWORD, &hash));
	assert_true(hashing_make(task, hashing, PASSWORD, &again));
	assert_string_not_equal(hash, again);
	assert_int_equal(strncmp(hash, "$argon2id$v=19$m=8,t=1,p=1$", 27), 0);
	assert_true(hashing_check(task, hashing, PASSWORD, hash, &right, &better));
	assert_true(right);
	assert_null(better);
	assert_true(hashing_check(task, hashing, PASSWORD "s", hash, &right, &better));
	assert_false(right);
}

static void
a_hash_is_renewed_when_the_settings_rise(void **state)
{
	struct task *task = *state;
	struct hashing *dearer = make(task, 4, 2, 2, 16);
	const char *hash, *better, *none;
	bool right;

	assert_true(hashing_make(task, make(task, 4, 2, CHEAP), PASSWORD, &hash));
	assert_true(hashing_check(task, dearer, "wrong", hash, &right, &better));
	assert_false(right);
	assert_null(better);
	assert_true(hashing_check(task, dearer, PASSWORD, hash, &right, &better));
	assert_true(right);
	assert_non_null(better);
	assert_int_equal(strncmp(better, "$argon2id$v=19$m=16,t=2,p=1$", 28), 0);
	assert_true(hashing_check(task, dearer, PASSWORD, better, &right, &none));
	assert_true(right);
	assert_null(none);
}

static const struct {
	const char *sentence;
	const char *hash;
} nobodys[] = {
	{ "no hash is nobody's", NULL },
	{ "an empty hash is nobody's", "" },
	{ "a hash of another kind is nobody's",
	    "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW" },
	{ "a hash that asks for too much memory is nobody's",
	    "$argon2id$v=19$m=65537,t=1,p=1$c29tZXNhbHQ$aaaaaaaaaaaaaaaaaaaaaa" },
	{ "a hash that asks for too many passes is nobody's",
	    "$argon2id$v=19$m=8,t=11,p=1$c29tZXNhbHQ$aaaaaaaaaaaaaaaaaaaaaa" },
	{ "a hash that asks for a negative size is nobody's",
	    "$argon2id$v=19$m=-8,t=1,p=1$c29tZXNhbHQ$aaaaaaaaaaaaaaaaaaaaaa" },
	{ "a hash that is cut off is nobody's", "$argon2id$v=19$m=8,t=1" },
	{ "a hash that ends behind its costs is nobody's", "$argon2id$v=19$m=8,t=1,p=1$" },
};

static void
nobodys_hash_fits_no_password(void **state)
{
	struct task *task = *state;
	struct hashing *hashing = make(task, 4, 2, CHEAP);

	for (size_t i = 0; i < COUNT(nobodys); i++) {
		const char *better;
		bool right = true;

		if (!hashing_check(task, hashing, PASSWORD, nobodys[i].hash, &right, &better) ||
		    right || better != NULL)
			fail_msg("%s", nobodys[i].sentence);
	}
}

static const struct {
	const char *sentence;
	int64_t threads, at_once;
	int running;
} crowds[] = {
	{ "the setting bounds how many run", 3, 2, 2 },
	{ "one thread is left", 4, 64, 3 },
	{ "two threads give one", 2, 2, 1 },
	{ "one thread does it all", 1, 2, 1 },
};

static void
no_more_run_than_may(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(crowds); i++) {
		struct hashing *hashing = make(task, crowds[i].threads, crowds[i].at_once, CHEAP);

		for (int running = 0; running < crowds[i].running; running++)
			assert_true(hashing_enter(task, hashing));
		if (hashing_enter(task, hashing))
			fail_msg("%s", crowds[i].sentence);
		assert_int_equal(task->err.code, ERR_UNAVAILABLE);
		assert_int_equal(task->err.retry_after, 1);
		task_clear_error(task);
		hashing_leave(hashing);
		assert_true(hashing_enter(task, hashing));
	}
}

struct waiter {
	struct task task;
	struct hashing *hashing;
	bool entered;
};

static void *
wait_for_place(void *context)
{
	struct waiter *waiter = context;

	waiter->entered = hashing_enter(&waiter->task, waiter->hashing);
	return NULL;
}

/* Whether the waiter waits already when the place gets free is left to chance: it enters in both
 * cases, and then its place is the only one. */
static void
who_waits_gets_the_next_place(void **state)
{
	struct task *task = *state;
	struct waiter waiter = { .hashing = make(task, 3, 1, CHEAP) };
	pthread_t thread;

	task_init(&waiter.task, task->arena);
	assert_true(hashing_enter(task, waiter.hashing));
	assert_int_equal(pthread_create(&thread, NULL, wait_for_place, &waiter), 0);
	hashing_leave(waiter.hashing);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(waiter.entered);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_password_fits_its_hash_and_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_hash_is_renewed_when_the_settings_rise, setup, teardown),
		cmocka_unit_test_setup_teardown(nobodys_hash_fits_no_password, setup, teardown),
		cmocka_unit_test_setup_teardown(no_more_run_than_may, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waits_gets_the_next_place, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
