/*
 * Costs beyond 64 bits of nano-dollars: a sum stays at its end, and nothing that sums fails. Any
 * key that may write records can send them.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "app/ingest/ingest.h"
#include "app/ingest/record.h"
#include "tests/api.h"

#define SUM_MAX "922337203685.4775807" /* INT64_MAX nano-dollars in cents */

static char *key;
static const char *user;

/* So many of the dearest records that there can be that their sum does not fit. */
static void
post_many(void)
{
	static const char *const headers[] = { "Content-Type: application/x-ndjson", NULL };
	char *body;
	size_t len;
	FILE *to = open_memstream(&body, &len);

	_Static_assert(INT64_MAX / RECORD_COST_MAX < INGEST_LINES_MAX, "one body is enough");
	for (int i = 0; i < INGEST_LINES_MAX; i++)
		fprintf(to, "{\"external_user_id\":\"u\",\"input_tokens\":1,"
			    "\"verified_cost_cents\":100000000}\n");
	fclose(to);
	assert_int_equal(api_send("POST", "/v1/chat-logs", headers, body), 200);
	assert_string_equal(api_json("accepted"), "10000");
	free(body);
}

static int
start(void **state)
{
	api_start(state);
	key = servers_key_at_noon(api_servers(), "huge");
	api_use_key(key);
	user = api_add("/v1/users", "{\"external_id\":\"u\"}");
	return 0;
}

static int
stop(void **state)
{
	free(key);
	return api_stop(state);
}

static void
assert_today(const char *requests)
{
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	assert_string_equal(api_json("total_cost_cents"), SUM_MAX);
	assert_string_equal(api_json("total_requests"), requests);
	assert_string_equal(api_json("source"), "redis");
}

static void
assert_job(const char *command)
{
	char *output;
	int status = servers_tally(api_servers(), &output, command, NULL);

	if (status != EX_OK)
		fail_msg("%s: %s", command, output);
	free(output);
}

static void
todays_sum_stays_at_its_end(UNUSED void **state)
{
	post_many();
	assert_today("10000");
	post_many();
	assert_today("20000");
	api_expect(200, "GET", api_text("/v1/users/%s/usage", user), NULL);
	assert_string_equal(api_json("today_cost_cents"), SUM_MAX);
	assert_string_equal(api_json("total_cost_cents"), SUM_MAX);
	assert_string_equal(api_json("total_requests"), "20000");
}

static void
the_jobs_find_no_fault(UNUSED void **state)
{
	assert_job("flush");
	assert_job("reconcile");
	assert_job("verify");
	assert_job("status");
	assert_today("20000");
}

static void
corrections_stay_at_their_end(UNUSED void **state)
{
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	const char *date = api_keep("date");
	const char *signs[] = { "", "-" };

	for (size_t sign = 0; sign < COUNT(signs); sign++) {
		for (int i = 0; i < 10 + (int)sign * 10; i++)
			api_add(api_text("/v1/daily-costs/%s/adjustments", date),
			    api_text(
				"{\"amount_cents\":%s100000000000,\"reason\":\"r\"}", signs[sign]));
		api_expect(200, "GET", api_text("/v1/daily-costs/%s", date), NULL);
		assert_string_equal(
		    api_json("adjustments_cents"), api_text("%s" SUM_MAX, signs[sign]));
		api_expect(200, "GET", "/v1/daily-costs", NULL);
		assert_string_equal(
		    api_json("data.0.adjustments_cents"), api_text("%s" SUM_MAX, signs[sign]));
		assert_job("reconcile");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(todays_sum_stays_at_its_end),
		cmocka_unit_test(the_jobs_find_no_fault),
		cmocka_unit_test(corrections_stay_at_their_end),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
