/* A search by sketches finds what comparing all finds, and says where a bound ended it. */
#include "tests/test.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/model/prompt_duplicates.h"
#include "tests/db_fixture.h"
#include "tests/embeddings.h"

#define ROUNDS 40

static int
begin_as_app(void **state)
{
	struct db_pool_settings with = settings("tally_app");

	if (begin(state) != 0)
		return -1;
	/* However busy the machine is. */
	with.statement_timeout_ms = 0;
	use(&with);
	assert_true(id_parse((struct text){ EMBEDDINGS_CLIENT, ID_TEXT_SIZE - 1 }, &task.client));
	return 0;
}

#define APP_TEST(name) cmocka_unit_test_setup_teardown(name, begin_as_app, end)

static int
start(void **state)
{
	start_postgres(state);
	free(servers_sql(servers,
	    "INSERT INTO clients (id, name) VALUES ('" EMBEDDINGS_CLIENT "', 'c') RETURNING 1"));
	begin_as_app(state);
	embeddings_store(&task);
	return end(state);
}

static struct prompt_search
search_for(const float *vector)
{
	return (struct prompt_search){
		.model = EMBEDDINGS_MODEL,
		.vector = vector,
		.limit = 10,
		.search_max = EMBEDDINGS_COUNT,
		.compare_max = EMBEDDINGS_COUNT,
	};
}

static void
expect_nearest(
    int round, const struct prompt_search *search, const struct prompt_match *all, size_t count)
{
	struct prompt_matches found;

	fine(prompt_find_similar(&task, search, &found));
	assert_true(found.complete);
	assert_int_equal(found.searched, count);
	for (size_t i = 0; i < count; i++) {
		if (i == (size_t)search->limit || all[i].similarity < search->min_similarity)
			count = i;
	}
	if (found.count != count)
		fail_msg("round %d: %zu are found of %zu", round, found.count, count);
	for (size_t i = 0; i < count; i++) {
		if (found.at[i].similarity != all[i].similarity ||
		    prompt_hash_compare(&found.at[i].hash, &all[i].hash) != 0)
			fail_msg("round %d: number %zu has %d and not %d", round, i,
			    (int)found.at[i].similarity, (int)all[i].similarity);
	}
}

static void
the_nearest_are_those_of_comparing_all(UNUSED void **state)
{
	static const int64_t limits[] = { 1, 10, 33, PROMPT_SIMILAR_MAX };
	static const int64_t leasts[] = { 0, 500000, 990000, 999999, VECTOR_SCALE };
	float vector[VECTOR_SIZE];

	for (int round = 0; round < ROUNDS; round++) {
		struct prompt_search search = search_for(vector);
		const struct prompt_match *all;
		size_t count;

		embeddings_pick(round, vector);
		search.limit = limits[(size_t)round % COUNT(limits)];
		search.min_similarity = leasts[(size_t)round % COUNT(leasts)];
		all = embeddings_order(vector, SIZE_MAX, &count);
		expect_nearest(round, &search, all, count);
	}
}

static void
a_stored_one_is_left_out(UNUSED void **state)
{
	float vector[VECTOR_SIZE];

	for (int round = 3; round < ROUNDS; round += 4) {
		size_t own = (size_t)round * 37 % EMBEDDINGS_COUNT, count;
		struct prompt_search search = search_for(NULL);
		const struct prompt_match *all;

		embeddings_pick(round, vector);
		search.hash = embeddings_hash(own);
		all = embeddings_order(vector, own, &count);
		expect_nearest(round, &search, all, count);
	}
}

static void
bounds_that_end_a_search_are_told(UNUSED void **state)
{
	struct prompt_matches found;
	float vector[VECTOR_SIZE];
	struct prompt_search search = search_for(vector);

	embeddings_pick(1, vector);
	search.search_max = EMBEDDINGS_COUNT - 1;
	fine(prompt_find_similar(&task, &search, &found));
	assert_false(found.complete);
	assert_int_equal(found.searched, EMBEDDINGS_COUNT - 1);
	/* A hundred cannot be told by their sketches alone. */
	search = search_for(vector);
	search.limit = PROMPT_SIMILAR_MAX;
	search.compare_max = 1;
	fine(prompt_find_similar(&task, &search, &found));
	assert_false(found.complete);
	assert_int_equal(found.count, 50);
	assert_int_equal(found.searched, EMBEDDINGS_COUNT);
	search.compare_max = EMBEDDINGS_COUNT;
	search.since = task.now + CLOCK_DAY;
	fine(prompt_find_similar(&task, &search, &found));
	assert_true(found.complete);
	assert_int_equal(found.searched, 0);
}

static void
the_dearest_prompts_are_grouped(UNUSED void **state)
{
	struct prompt_period period = {
		.model = EMBEDDINGS_MODEL,
		.span = { task.now - CLOCK_DAY, task.now + CLOCK_DAY },
		.min_similarity = 950000,
		.limit = PROMPT_GROUPS_MAX,
		.prompts_max = EMBEDDINGS_COUNT - 1,
	};
	struct prompt_groups groups;
	int64_t prompts = 0, nanos = 0, before = INT64_MAX;

	/* Of each prompt one record; those made first cost most. */
	free(servers_sql(servers,
	    "INSERT INTO prompt_events (client_id, event_id, created_at, prompt_hash, cost_cents)\n"
	    "SELECT client_id, gen_random_uuid(), now(), prompt_hash, 5000 - row_number() OVER ()\n"
	    "FROM prompt_embeddings RETURNING 1"));
	fine(prompt_find_duplicates(&task, &period, &groups));
	assert_false(groups.complete);
	assert_int_equal(groups.prompts, EMBEDDINGS_COUNT - 1);
	assert_in_range(groups.count, 6, PROMPT_GROUPS_MAX);
	for (size_t i = 0; i < groups.count; i++) {
		const struct prompt_group *group = &groups.at[i];

		assert_in_range(group->count, 2, EMBEDDINGS_COUNT);
		assert_int_equal(group->uses[0].similarity, VECTOR_SCALE);
		assert_true(group->cost_nanos <= before);
		before = group->cost_nanos;
		for (size_t j = 0; j < group->count; j++) {
			assert_true(group->uses[j].similarity >= period.min_similarity);
			assert_true(group->uses[j].cost_nanos <= group->uses[0].cost_nanos);
			nanos += group->uses[j].cost_nanos;
		}
		nanos -= group->cost_nanos;
		prompts += (int64_t)group->count;
	}
	assert_int_equal(nanos, 0);
	assert_true(prompts <= groups.prompts);
	period.prompts_max = EMBEDDINGS_COUNT;
	fine(prompt_find_duplicates(&task, &period, &groups));
	assert_true(groups.complete);
	assert_int_equal(groups.prompts, EMBEDDINGS_COUNT);
	period.limit = 2;
	fine(prompt_find_duplicates(&task, &period, &groups));
	assert_int_equal(groups.count, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		APP_TEST(the_nearest_are_those_of_comparing_all),
		APP_TEST(a_stored_one_is_left_out),
		APP_TEST(bounds_that_end_a_search_are_told),
		APP_TEST(the_dearest_prompts_are_grouped),
	};

	return cmocka_run_group_tests(tests, start, stop_postgres);
}
