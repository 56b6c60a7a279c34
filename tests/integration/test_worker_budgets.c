/* The budgets' counters under verify and reconcile. */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

#define FOUND 1 /* exit status: it worked, and what it found is not well */

/* The bucket of a budget's open window. */
static const char *
bucket_key(const char *budget, const char *bucket)
{
	return api_sql(
	    "SELECT 'tally:{' || s.client_id || '}:' || s.epoch || ':b:' || b.id || '%s:' ||\n"
	    "CASE b.period WHEN 'total' THEN 0\n"
	    "WHEN 'rolling' THEN floor(extract(epoch FROM now()) / 60 / b.rolling_hours)\n"
	    "ELSE extract(epoch FROM date_trunc(b.period, now() AT TIME ZONE b.timezone)\n"
	    "AT TIME ZONE b.timezone)\n"
	    "END::bigint\n"
	    "FROM counter_states AS s JOIN budgets AS b USING (client_id)\n"
	    "WHERE b.id = '%s'",
	    bucket, budget);
}

static void
bend(const char *budget, const char *bucket, const char *member, int by)
{
	free(servers_redis(
	    api_servers(), api_text("HINCRBY %s %s %d", bucket_key(budget, bucket), member, by)));
}

static void
expect_spent(const char *budget, const char *cents)
{
	api_expect(200, "GET", api_text("/v1/budgets/%s/status", budget), NULL);
	assert_string_equal(api_json("source"), "redis");
	assert_string_equal(api_json("spent_cents"), cents);
}

static const char *const periods[] = { "day", "week", "month", "quarter", "year", "total",
	"rolling" };

static void
a_bent_counter_is_found_and_healed(void **state)
{
	struct servers *servers = api_servers();

	(void)state;
	for (size_t i = 0; i < COUNT(periods); i++) {
		const char *budget;

		/* A rolling window of many hours: its step does not end while this runs. */
		api_use_new_client(api_text("bent-%s", periods[i]));
		budget = api_add("/v1/budgets",
		    api_text(
			"{\"name\":\"b\",\"window\":\"%s\",%s\"limit_cents\":100,\"timezone\":\"%s\"}",
			periods[i], i == COUNT(periods) - 1 ? "\"rolling_hours\":8784," : "",
			servers_noon()));
		api_add("/v1/chat-logs", "{\"input_tokens\":5,\"estimated_cost_cents\":3}");
		expect_spent(budget, "3");
		bend(budget, "", "0", 20000000);
		EXPECT_TALLY(FOUND, "\"book\":\"budget\"", "verify", "--json");
		expect_spent(budget, "5");
		EXPECT_TALLY(FOUND, "\"drift_cents\":2", "reconcile", "--json");
		expect_spent(budget, "3");
		bend(budget, "", "0", -10000000);
		EXPECT_TALLY(FOUND, "\"book_cents\":2", "verify", "--json");
		EXPECT_TALLY(FOUND, "\"healed\":false", "reconcile", "--dry-run", "--json");
		expect_spent(budget, "2");
		EXPECT_TALLY(FOUND, "\"healed\":true", "reconcile", "--json");
		expect_spent(budget, "3");
		EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
		EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--json");
	}
}

static void
each_bucket_is_compared(void **state)
{
	struct servers *servers = api_servers();
	const char *budget;

	(void)state;
	api_use_new_client("bent-each");
	budget = api_add("/v1/budgets",
	    "{\"name\":\"b\",\"window\":\"total\",\"each\":\"feature\",\"limit_requests\":100}");
	for (int i = 0; i < 3; i++)
		api_add(
		    "/v1/chat-logs", api_text("{\"input_tokens\":5,\"feature\":\"f%d; x\"}", i));
	api_expect(200, "GET", "/v1/budgets/check?feature=f1;%20x", NULL);
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	bend(budget, ":f1%3b%20x", "1", -1);
	EXPECT_TALLY(FOUND, "\"bucket\":\"f1; x\"", "verify", "--json");
	EXPECT_TALLY(FOUND, "\"healed\":true", "reconcile", "--json");
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bent_counter_is_found_and_healed),
		cmocka_unit_test(each_bucket_is_compared),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
