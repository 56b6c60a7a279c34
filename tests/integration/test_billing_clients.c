/* /v1/billing/clients through nginx: the clients of a month, for operators. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define CLIENTS "/v1/billing/clients?month=2001-02"

/* Each of a hundred times the number, from the last day of January to the first of March. */
static void
add_client(const char *name, int cents)
{
	api_use_budget(name, "\"window\":\"month\",\"limit_cents\":1000000,\"limit_requests\":84");
	api_sql(
	    "INSERT INTO daily_costs (client_id, date, total_cost_cents, total_requests, "
	    "total_tokens, failed_requests) "
	    "SELECT id, date '2001-01-31' + n, %d, 3, 10, 1 FROM clients, generate_series(0, 29) AS n "
	    "WHERE name = '%s'",
	    cents, name);
}

static void
adjust(const char *name, const char *date, int cents)
{
	api_sql("INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason) "
		"SELECT id, gen_random_uuid(), '%s', %d, 'r' FROM clients WHERE name = '%s'",
	    date, cents, name);
}

static void
change(const char *name, const char *values)
{
	api_sql("UPDATE budgets SET %s WHERE name = '%s'", values, name);
}

static void
expect_over(const char *sentence, const char *names)
{
	const char *found = "";

	api_expect(200, "GET", CLIENTS "&over_limit=true", NULL);
	for (int i = 0, rows = api_rows(); i < rows; i++)
		found = api_text("%s%s ", found, api_json(api_text("data.%d.name", i)));
	if (strcmp(found, names) != 0)
		fail_msg("%s: %s", sentence, found);
}

static int
fill(void **state)
{
	if (api_start(state) != 0)
		return -1;
	add_client("small", 1);
	add_client("large", 300);
	add_client("middle", 20);
	adjust("large", "2001-02-28", -8000);
	adjust("large", "2001-03-01", 9000);
	api_use_new_client("none");
	api_use_new_client("corrected");
	adjust("corrected", "2001-02-01", 7);
	return 0;
}

static void
those_that_are_billed_most_are_first(UNUSED void **state)
{
	api_use_operator();
	api_expect(200, "GET", CLIENTS, NULL);
	api_expect_json("period", "2001-02");
	assert_int_equal(api_rows(), 4);
	api_expect_json("data.0.name", "middle");
	api_expect_json("data.0.billed_cents", "560");
	api_expect_json("data.0.total_cost_cents", "560");
	api_expect_json("data.0.adjustments_cents", "0");
	api_expect_json("data.0.total_requests", "84");
	api_expect_json("data.0.total_tokens", "280");
	api_expect_json("data.0.failed_requests", "28");
	api_expect_json("data.0.unpriced_requests", "0");
	api_expect_json("data.0.plan", "free");
	api_expect_json("data.0.active", "true");
	api_expect_json("data.0.timezone", servers_noon());
	api_expect_json("data.1.name", "large");
	api_expect_json("data.1.billed_cents", "400");
	api_expect_json("data.1.adjustments_cents", "-8000");
	api_expect_json("data.2.name", "small");
	api_expect_json("data.3.name", "corrected");
	api_expect_json("data.3.billed_cents", "7");
	api_expect(200, "GET", CLIENTS "&limit=1", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.name", "middle");
	api_expect(200, "GET", "/v1/billing/clients", NULL);
	assert_int_equal(api_rows(), 0);
	assert_string_equal(
	    api_json("period"), api_sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')"));
}

static void
over_is_what_is_beyond_a_limit(UNUSED void **state)
{
	api_use_operator();
	expect_over("exactly the limit is within", "");
	change("middle", "limit_requests = 83");
	expect_over("one request more", "middle ");
	change("small", "limit_tokens = 279");
	expect_over("one token more", "middle small ");
	change("large", "limit_cents = 8399.9999999");
	expect_over("by what calls cost, without corrections", "middle large small ");
	change("large", "override_cents = 0.0000001, override_until = now() + interval '1 day'");
	expect_over("an override raises the limit", "middle small ");
	change("large", "override_until = now()");
	expect_over("for its time", "middle large small ");
	change("large", "mode = 'shadow'");
	expect_over("one on trial limits nothing", "middle small ");
	change("small", "deleted_at = now()");
	expect_over("a deleted one neither", "middle ");
	api_sql("UPDATE budgets SET timezone = 'Asia/Kathmandu' WHERE name = 'middle'");
	expect_over("nor one of other months", "");
	api_sql("UPDATE budgets SET timezone = '%s', model = 'm' WHERE name = 'middle'",
	    servers_noon());
	expect_over("nor one of some calls", "");
	api_sql("UPDATE budgets SET each_by = 'model', model = NULL WHERE name = 'middle'");
	expect_over("nor one of many buckets", "");
	api_sql("UPDATE budgets SET each_by = NULL, period = 'year' WHERE name = 'middle'");
	expect_over("nor one of a year", "");
}

static void
clients_are_for_operators(UNUSED void **state)
{
	api_use_operator();
	api_send("GET", "/v1/billing/clients?month=2001-2", NULL, NULL);
	api_expect_field("a month has two digits", "month");
	api_send("GET", "/v1/billing/clients?limit=501", NULL, NULL);
	api_expect_field("there are 500 at most", "limit");
	api_expect(403, "GET", "/v1/billing/current", NULL);
	api_use_new_client("another");
	api_expect(403, "GET", CLIENTS, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_are_billed_most_are_first),
		cmocka_unit_test(over_is_what_is_beyond_a_limit),
		cmocka_unit_test(clients_are_for_operators),
	};

	return cmocka_run_group_tests(tests, fill, api_stop);
}
