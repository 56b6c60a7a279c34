#include "tests/test.h"

#include "lib/clock.h"
#include "lib/model/rate.h"

/* A full hour of UTC. */
#define HOUR_BEGIN (INT64_C(480000) * 3600 * CLOCK_SECOND)

static const struct {
	const char *sentence;
	struct redis_reply reply;
	bool counted, allowed;
	int64_t remaining;
} answers[] = {
	{ "the first leaves all but one", { .type = REDIS_INT, .integer = 1 }, true, true, 9 },
	{ "the last leaves none", { .type = REDIS_INT, .integer = 10 }, true, true, 0 },
	{ "one too many is refused", { .type = REDIS_INT }, true, false, 0 },
	{ "an error of Redis refuses nobody", { .type = REDIS_ERROR }, false, true, 0 },
	{ "nor does an answer that says nothing", { .type = REDIS_NIL }, false, true, 0 },
};

static void
test_what_redis_answers(UNUSED void **state)
{
	struct task task = { .now = HOUR_BEGIN };
	struct rate rate;

	for (size_t i = 0; i < COUNT(answers); i++) {
		rate_read(&task, 10, &answers[i].reply, &rate);
		if (rate.counted != answers[i].counted || rate.allowed != answers[i].allowed ||
		    rate.remaining != answers[i].remaining || rate.limit != 10)
			fail_msg("%s", answers[i].sentence);
	}
	rate_read(&task, 10, NULL, &rate);
	assert_false(rate.counted);
	assert_true(rate.allowed);
}

static const struct {
	const char *sentence;
	int64_t usec; /* since the hour began */
	int64_t resets_in_s;
} moments[] = {
	{ "a full hour at its begin", 0, 3600 },
	{ "a begun second counts", 1, 3600 },
	{ "a second later", CLOCK_SECOND, 3599 },
	{ "never nothing", 3600 * CLOCK_SECOND - 1, 1 },
	{ "the next hour is whole", 3600 * CLOCK_SECOND, 3600 },
};

static void
test_when_the_hour_ends(UNUSED void **state)
{
	const struct redis_reply reply = { .type = REDIS_INT };
	struct rate rate;

	for (size_t i = 0; i < COUNT(moments); i++) {
		struct task task = { .now = HOUR_BEGIN + moments[i].usec };

		rate_read(&task, 1, &reply, &rate);
		if (rate.resets_in_s != moments[i].resets_in_s)
			fail_msg("%s: %lld", moments[i].sentence, (long long)rate.resets_in_s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_redis_answers),
		cmocka_unit_test(test_when_the_hour_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
