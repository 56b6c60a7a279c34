/* An answer is made of so many rows, and no more are read into memory. */
#include "tests/test.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "lib/model/usage.h"
#include "tests/api.h"
#include "tests/books.h"

#define USAGE "/v1/analytics/usage?since=2026-01-01&until=2026-01-03"

static void
too_many_rows_are_refused(UNUSED void **state)
{
	_Static_assert(USAGE_ROWS_MAX == 200000, "the test adds one more");
	api_use_new_client("limits of rollups");
	api_sql("UPDATE clients SET timezone = 'UTC' WHERE name = 'limits of rollups'");
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "rollup" });
	api_sql(
	    "INSERT INTO cost_aggregates (client_id, dimension, grain, start, key, cost_cents, calls, "
	    "tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, "
	    "reasoning_tokens, failed_calls, unpriced_calls) "
	    "SELECT id, 'tag', 'day', timestamp '2026-01-01' AT TIME ZONE timezone, ARRAY['t' || n], "
	    "1, 1, 0, 0, 0, 0, 0, 0, 0, 0 FROM clients, generate_series(1, 200000) AS n "
	    "WHERE name = 'limits of rollups'");
	api_expect(200, "GET", USAGE "&group_by=tag&limit=1", NULL);
	api_expect_json("data.0.groups.1.calls", "199999");
	api_sql(
	    "UPDATE cost_aggregates SET key = ARRAY['one more'], start = start + interval '1 day' "
	    "WHERE dimension = 'tag' AND key[1] = 't7'");
	api_expect(200, "GET", USAGE "&group_by=tag&limit=1", NULL);
	api_sql(
	    "INSERT INTO cost_aggregates SELECT (jsonb_populate_record(a, '{\"key\":[\"two more\"]}')).* "
	    "FROM cost_aggregates a WHERE key = ARRAY['one more']");
	api_expect(422, "GET", USAGE "&group_by=tag&limit=1", NULL);
	api_expect_field("one row more", "since");
}

static void
too_much_of_the_log_is_for_later(UNUSED void **state)
{
	api_use_new_client("limits of the log");
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, model) SELECT c.id, "
		"(lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') "
		"|| '70008000' || lpad(to_hex(n), 12, '0'))::uuid, "
		"made, 'm' || n FROM clients c, generate_series(1, 200001) AS n, "
		"LATERAL (SELECT timestamp '2026-01-01 12:00' AT TIME ZONE c.timezone) AS t (made) "
		"WHERE name = 'limits of the log'");
	api_expect(503, "GET", USAGE "&group_by=model&limit=1", NULL);
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "rollup" });
	api_expect(422, "GET", USAGE "&group_by=model&limit=1", NULL);
	api_expect(200, "GET", USAGE "&limit=1", NULL);
	api_expect_json("data.0.groups.0.calls", "200001");
}

/* As /metrics says. */
static void
expect_found(const char *key, int found, bool any)
{
	const char *body;

	api_use_key(key);
	api_expect(200, "GET", USAGE "&group_by=model", NULL);
	api_expect(200, "GET", USAGE "&group_by=model", NULL);
	api_use_operator();
	api_expect(200, "GET", "/metrics", NULL);
	body = api_answer()->body;
	assert_non_null(strstr(body, api_text("\ntally_usage_sums_found_total %d\n", found)));
	assert_int_equal(strstr(body, "\ntally_usage_memory_bytes 0\n") == NULL, any);
}

static void
sums_are_kept_where_they_may_be(UNUSED void **state)
{
	static const char name[] = "limits of the memory";
	const char *key;

	api_use_new_client(name);
	key = api_key();
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, model) SELECT c.id, "
		"(lpad(to_hex((extract(epoch FROM made) * 1000)::bigint), 12, '0') "
		"|| '70008000000000000000')::uuid, made, 'm' FROM clients c, "
		"LATERAL (SELECT timestamp '2026-01-01 12:00' AT TIME ZONE c.timezone) AS t (made) "
		"WHERE name = '%s'",
	    name);
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "rollup" });
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
	expect_found(key, 1, true);
	servers_setting(api_servers(), "usage_memory_mb", "0");
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	(void)servers_wait(api_servers(), SERVER_TALLYD);
	servers_restart(api_servers(), SERVER_TALLYD);
	expect_found(key, 0, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_rows_are_refused),
		cmocka_unit_test(too_much_of_the_log_is_for_later),
		cmocka_unit_test(sums_are_kept_where_they_may_be),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
