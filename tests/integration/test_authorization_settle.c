/* What settles an authorization, and what does not. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "tests/books.h"
#include "tests/held.h"

static void
the_first_record_settles(void **state)
{
	struct authorization one = held_stored(task.now), found;
	struct id first = held_record(held_own, one.id, "0.75");
	int64_t now = task.now;

	(void)state;
	assert_int_equal(held_settle(held_own, one.id, first), 1);
	task.now += MINUTE;
	assert_int_equal(held_settle(held_own, one.id, held_record(held_own, one.id, "3")), 0);
	assert_int_equal(held_settle(held_own, one.id, first), 0);
	found = held_find(one.id);
	assert_true(id_equal(found.settled_by, first));
	assert_int_equal(found.settled_at, now);
	assert_int_equal(found.cost_nanos, CENT * 3 / 4);
	assert_int_equal(authorization_status(&found, task.now), AUTHORIZATION_SETTLED);
}

static void
the_first_record_of_a_batch_settles(void **state)
{
	struct authorization one = held_stored(task.now);
	struct id first = held_record(held_own, one.id, "0.5"),
		  second = held_record(held_own, one.id, "1");
	const struct authorization_settle both[] = { { held_own, one.id, first },
		{ held_own, one.id, second } };
	struct db_rows *rows = held_settle_all(&task, both, COUNT(both));

	(void)state;
	fine(rows != NULL);
	assert_int_equal(db_count(rows), 1);
	assert_true(id_equal(held_find(one.id).settled_by, first));
}

static void
only_a_stored_record_that_names_it_settles(void **state)
{
	struct authorization one = held_stored(task.now), another = held_stored(task.now);
	struct id no_time = id_hash(held_own, (struct text){ "x", 1 });

	(void)state;
	assert_int_equal(held_settle(held_own, one.id, id_new(task.now)), 0);
	assert_int_equal(held_settle(held_own, one.id, held_record(held_own, another.id, "1")), 0);
	assert_int_equal(
	    held_settle(held_own, id_new(task.now), held_record(held_own, one.id, "1")), 0);
	assert_int_equal(held_settle(held_own, no_time, held_record(held_own, no_time, "1")), 0);
	assert_int_equal(held_find(one.id).settled_at, 0);
	assert_int_equal(held_find(another.id).settled_at, 0);
}

static const struct {
	const char *sentence;
	int64_t age;
	int64_t held;
	bool voided;
	const char *cents;
	int64_t cost;
	bool over;
} settles[] = {
	{ "less than was held", 0, CENT, false, "0.25", CENT / 4, false },
	{ "as much as was held", 0, CENT, false, "1", CENT, false },
	{ "a nano-dollar more", 0, CENT, false, "1.0000001", CENT + 1, true },
	{ "late", 11 * MINUTE, CENT, false, "2", 2 * CENT, true },
	{ "days late", 3 * CLOCK_DAY, CENT, false, "2", 2 * CENT, true },
	{ "voided before", 0, CENT, true, "0.25", CENT / 4, false },
	{ "without a cost", 0, CENT, false, "NULL", CHAT_LOG_NONE, false },
	{ "of an unknown price", 0, CHAT_LOG_NONE, false, "2", 2 * CENT, false },
};

static void
a_settle_tells_what_it_cost(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(settles); i++) {
		struct authorization one = held_make(task.now - settles[i].age), found;
		struct authorization_settle it = { held_own, one.id, { { 0 } } };
		struct db_rows *rows;

		one.held_nanos = settles[i].held;
		held_store(held_own, &one);
		if (settles[i].voided) {
			fine(authorization_void(&task, one.id, &found));
			fine(db_commit(&task));
		}
		it.record = held_record(held_own, one.id, settles[i].cents);
		rows = held_settle_all(&task, &it, 1);
		fine(rows != NULL);
		found = held_find(one.id);
		if (db_count(rows) != 1 || !id_equal(db_id(rows, 0, 0), held_own) ||
		    !id_equal(db_id(rows, 0, 1), one.id) ||
		    db_bool(rows, 0, 2) != settles[i].over ||
		    (authorization_excess(&found) > 0) != settles[i].over ||
		    found.cost_nanos != settles[i].cost || found.settled_at != task.now)
			fail_msg("%s: %lld", settles[i].sentence, (long long)found.cost_nanos);
	}
}

#define SHARED 3

/* Settles the same authorizations in an order of its own. */
struct settler {
	pthread_t thread;
	struct task task;
	struct authorization_settle settles[SHARED];
	int settled;
};

static void *
settle_in_thread(void *argument)
{
	struct settler *settler = argument;
	struct db_rows *rows = held_settle_all(&settler->task, settler->settles, SHARED);

	settler->settled = rows == NULL ? -1 : db_count(rows);
	return NULL;
}

/* For servers_await(): whether so many connections wait for a lock. */
static bool
wait_for_lock(void *context)
{
	char *count =
	    servers_sql(servers, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted");
	bool enough = strtol(count, NULL, 10) == *(int *)context;

	free(count);
	return enough;
}

static void
start_settler(struct settler *settler, const struct authorization *shared, const int *order)
{
	int waiting = settler->settled;

	held_open_task(&settler->task);
	for (int i = 0; i < SHARED; i++) {
		struct id id = shared[order[i]].id;

		settler->settles[i] =
		    (struct authorization_settle){ held_own, id, held_record(held_own, id, "1") };
	}
	assert_int_equal(pthread_create(&settler->thread, NULL, settle_in_thread, settler), 0);
	assert_true(servers_await(wait_for_lock, &waiting));
}

/* The last is held until each of them has settled what it has before it. */
static void
two_batches_do_not_wait_for_each_other(void **state)
{
	static const int upwards[] = { 0, 2, 1 }, downwards[] = { 1, 2, 0 };
	struct settler first = { .settled = 1 }, second = { .settled = 2 };
	struct authorization shared[SHARED], found;

	(void)state;
	for (int i = 0; i < SHARED; i++)
		shared[i] = held_stored(task.now + i * 1000);
	fine(authorization_void(&task, shared[SHARED - 1].id, &found));
	start_settler(&first, shared, upwards);
	start_settler(&second, shared, downwards);
	fine(db_commit(&task));
	assert_int_equal(pthread_join(first.thread, NULL), 0);
	assert_int_equal(pthread_join(second.thread, NULL), 0);
	if (first.settled < 0 || second.settled < 0)
		fail_msg("%s", (first.settled < 0 ? first : second).task.err.text);
	assert_int_equal(first.settled + second.settled, SHARED);
	held_close_task(&first.task);
	held_close_task(&second.task);
	found = held_find(shared[SHARED - 1].id);
	assert_int_not_equal(found.voided_at, 0);
	assert_int_not_equal(found.settled_at, 0);
}

#define SETTLED_TOGETHER 100

/* A settle that no index has to learn of: the new row stands beside the old one. */
static void
no_index_learns_of_a_settle(void **state)
{
	(void)state;
	for (int i = 0; i < SETTLED_TOGETHER; i++)
		(void)held_stored(task.now);
	books_expect(servers,
	    "BEGIN;\n"
	    "UPDATE authorizations SET settled_at = now(), settled_by = id, voided_at = now()\n"
	    "WHERE settled_at IS NULL;\n"
	    "SELECT sum(pg_stat_get_xact_tuples_updated(inhrelid)) >= 100\n"
	    "AND sum(pg_stat_get_xact_tuples_updated(inhrelid)) =\n"
	    "sum(pg_stat_get_xact_tuples_hot_updated(inhrelid))\n"
	    "FROM pg_inherits WHERE inhparent = 'authorizations'::regclass",
	    "t");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HELD_TEST(the_first_record_settles),
		HELD_TEST(the_first_record_of_a_batch_settles),
		HELD_TEST(only_a_stored_record_that_names_it_settles),
		HELD_TEST(a_settle_tells_what_it_cost),
		HELD_TEST(no_index_learns_of_a_settle),
		HELD_TEST(two_batches_do_not_wait_for_each_other),
	};

	return cmocka_run_group_tests(tests, held_start, stop_postgres);
}
