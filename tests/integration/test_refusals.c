/* How refusals are counted in Redis: those of a batch at once, each hour and client for itself. */
#include "tests/test.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/model/refusal.h"
#include "lib/redis.h"
#include "tests/servers.h"

#define HOUR (3600 * CLOCK_SECOND)
#define NOW (INT64_C(480000) * HOUR + 1)

static struct servers *servers;
static struct task task;

static struct id
use_client(void)
{
	task.now = NOW;
	task.client = id_new(clock_now());
	return task.client;
}

static void
expect(struct id client, enum refusal_reason reason, int64_t expected)
{
	int64_t sums[REFUSED_REASONS];

	task.client = client;
	assert_true(refusal_sum(&task, sums));
	assert_int_equal(sums[reason], expected);
}

static void
those_of_a_batch_are_counted_by_client_and_reason(UNUSED void **state)
{
	struct id ours = use_client(), theirs = use_client();
	const struct refused list[] = { { ours, REFUSED_COST }, { theirs, REFUSED_TOKENS },
		{ ours, REFUSED_COST }, { ours, REFUSED_UNPRICED }, { theirs, REFUSED_COST } };
	char text[ID_TEXT_SIZE], *seconds;

	refusal_count(&task, list, 0);
	expect(ours, REFUSED_COST, 0);
	refusal_count(&task, list, COUNT(list));
	expect(ours, REFUSED_COST, 2);
	expect(ours, REFUSED_TOKENS, 0);
	expect(ours, REFUSED_UNPRICED, 1);
	expect(theirs, REFUSED_COST, 1);
	expect(theirs, REFUSED_TOKENS, 1);
	seconds = servers_redis(servers,
	    arena_printf(task.arena, "TTL tally:{%s}:refusals:480000", id_format(ours, text)));
	assert_in_range(atoi(seconds), REFUSAL_EXPIRE_S - 600, REFUSAL_EXPIRE_S);
	free(seconds);
}

static void
a_day_of_hours_is_summed(UNUSED void **state)
{
	struct refused one = { use_client(), REFUSED_REQUESTS };

	refusal_count(&task, &one, 1);
	task.now = NOW + (REFUSAL_HOURS - 1) * HOUR;
	refusal_count(&task, &one, 1);
	expect(one.client, REFUSED_REQUESTS, 2);
	task.now += HOUR;
	expect(one.client, REFUSED_REQUESTS, 1);
}

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	task_init(&task, arena_new());
	task.redis = redis_new(&(struct redis_settings){ servers_redis_url(servers), 5000, 5000 });
	return 0;
}

static int
stop(UNUSED void **state)
{
	redis_free(task.redis);
	arena_free(task.arena);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_a_batch_are_counted_by_client_and_reason),
		cmocka_unit_test(a_day_of_hours_is_summed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
