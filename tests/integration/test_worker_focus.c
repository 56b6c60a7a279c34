/* tally export --what focus: it adds up to the books, and says what the specification asks for. */
#include "tests/test.h"

#include <stdlib.h>

#include "lib/base.h"
#include "tests/books.h"
#include "tests/exporting.h"

#define COUNT_A_DAY 60

static struct servers *servers;

/* One in the month of its day, and one that comes when that is over; another on an empty day. */
static void
add_adjustments(void)
{
	free(servers_sql(servers,
	    "INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason, created_at) "
	    "SELECT c.id, gen_random_uuid(), (now() AT TIME ZONE c.timezone)::date - v.days, "
	    "v.amount, v.reason, date_trunc('month', ((now() AT TIME ZONE c.timezone)::date "
	    "- v.days)::timestamp) AT TIME ZONE c.timezone + v.later "
	    "FROM clients c, (VALUES (5, 0.0000003, E'a \"refund\",\\nsmall', interval '1 month'), "
	    "(5, -12.5, 'before', interval '1 month' - interval '1 microsecond'), "
	    "(7, 99, 'nothing else', interval '40 days')) AS v (days, amount, reason, later) "
	    "WHERE c.name = 'kolkata'"));
}

static void
focus_adds_up_to_the_day(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "focus");

	add_adjustments();
	EXPORTING_RUN(0, "\"files_written\":22", "--out", folder, "--what", "focus", "--format",
	    "csv", "--plain");
	exporting_load_csv(servers, folder, "focus");
	/* By client and day, in dollars to the nano; each day from midnight to midnight of its
	 * zone. */
	books_expect(servers,
	    "SELECT count(*) FROM (SELECT \"BillingAccountId\"::uuid AS client_id, "
	    "(\"ChargePeriodStart\"::timestamptz AT TIME ZONE c.timezone)::date AS date, "
	    "sum(\"BilledCost\"::numeric) FILTER (WHERE \"ChargeCategory\" = 'Usage') AS usage, "
	    "sum(\"BilledCost\"::numeric) FILTER (WHERE \"ChargeCategory\" = 'Adjustment') AS adjusted, "
	    "sum(\"x_Calls\"::bigint) AS calls, "
	    "bool_and(to_char(\"ChargePeriodEnd\"::timestamptz AT TIME ZONE c.timezone, 'HH24:MI') "
	    "= '00:00') AS midnight FROM focus f JOIN clients c ON c.id = \"BillingAccountId\"::uuid "
	    "GROUP BY 1, 2) AS f FULL JOIN daily_costs d USING (client_id, date) "
	    "LEFT JOIN (SELECT client_id, date, sum(amount_cents) AS cents FROM cost_adjustments "
	    "GROUP BY 1, 2) AS a USING (client_id, date) "
	    "WHERE (f.usage * 100, f.adjusted * 100, f.calls) IS DISTINCT FROM "
	    "(d.total_cost_cents, a.cents, d.total_requests) OR NOT f.midnight",
	    "0");
	books_expect(servers,
	    "SELECT string_agg(concat_ws('|', \"ChargeClass\", \"BilledCost\", "
	    "replace(\"ChargeDescription\", E'\\n', '/')), ' ' ORDER BY \"BilledCost\"::numeric) "
	    "FROM focus WHERE \"ChargeCategory\" = 'Adjustment'",
	    "-0.125|before Correction|0.000000003|a \"refund\",/small Correction|0.99|nothing else");
	exporting_load_manifest(servers, folder);
	books_expect(servers, EXPORTING_DIFFERENCES, "0");
}

/* The specification's rules about what may be null, for a row of usage. */
static void
focus_columns_are_as_specified(UNUSED void **state)
{
	books_expect(servers,
	    "SELECT count(*) FROM focus WHERE num_nulls(\"BilledCost\", \"BillingAccountId\", "
	    "\"BillingAccountName\", \"BillingCurrency\", \"BillingPeriodEnd\", \"BillingPeriodStart\", "
	    "\"ChargeCategory\", \"ChargeDescription\", \"ChargeFrequency\", \"ChargePeriodEnd\", "
	    "\"ChargePeriodStart\", \"ContractedCost\", \"EffectiveCost\", \"InvoiceIssuerName\", "
	    "\"ListCost\", \"ProviderName\", \"PublisherName\", \"ServiceCategory\", \"ServiceName\", "
	    "\"ServiceSubcategory\") > 0",
	    "0");
	books_expect(servers,
	    "SELECT count(*) FROM focus WHERE \"ChargeCategory\" = 'Usage' AND (num_nulls("
	    "\"ConsumedQuantity\", \"ConsumedUnit\", \"PricingQuantity\", \"PricingUnit\", \"SkuId\") > 0 "
	    "OR \"ConsumedQuantity\"::numeric <= 0 OR \"ChargeClass\" IS NOT NULL "
	    "OR \"ConsumedUnit\" <> CASE WHEN \"ConsumedQuantity\" = \"x_Calls\" THEN 'Requests' "
	    "ELSE 'Tokens' END)",
	    "0");
	books_expect(servers,
	    "SELECT string_agg(DISTINCT \"Tags\", ' ' ORDER BY \"Tags\") FROM focus "
	    "WHERE \"Tags\"::jsonb->>'agent_type' IS NULL",
	    "{\"feature\":\"=1+1\"} {\"feature\":\"a \\\"b\\\", c\\r\\nd\"} {\"feature\":\"search\"}");
	books_expect(servers,
	    "SELECT count(*) FROM focus f JOIN clients c ON c.id = \"BillingAccountId\"::uuid "
	    "WHERE \"BillingPeriodStart\"::timestamptz <> date_trunc('month', "
	    "\"ChargePeriodStart\"::timestamptz, c.timezone) OR \"BillingPeriodEnd\"::timestamptz AT TIME "
	    "ZONE c.timezone <> date_trunc('month', \"ChargePeriodStart\"::timestamptz "
	    "AT TIME ZONE c.timezone) + interval '1 month'",
	    "0");
}

/* Two that cancel each other out change no sum. */
static void
a_late_record_and_adjustments_are_found(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "focus");

	exporting_add(servers, "lord howe", 3, 1);
	free(servers_sql(servers,
	    "INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason) "
	    "SELECT c.id, gen_random_uuid(), (now() AT TIME ZONE c.timezone)::date - 8, amount, 'r' "
	    "FROM clients c, unnest(ARRAY[1, -1]) AS amount WHERE c.name = 'kolkata'"));
	EXPORTING_RUN(0, "\"files_written\":2,\"files_kept\":20", "--out", folder, "--what",
	    "focus", "--format", "csv", "--plain");
	exporting_load_manifest(servers, folder);
	books_expect(servers, EXPORTING_DIFFERENCES, "0");
	books_expect(servers, "SELECT min(head->>'focus_version') FROM manifest", "1.2");
}

/* The same, read from the rollups alone. */
static void
the_rollups_outlive_the_log(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "focus");
	const char *copy = exporting_path(servers, "copy");
	char *difference;

	free(exporting_sh("cp -a %s %s", folder, copy));
	free(servers_sql(
	    servers, "UPDATE rollup_clients SET whole_from = now(); TRUNCATE chat_logs"));
	EXPORTING_RUN(0, "\"files_written\":22,\"files_kept\":0", "--out", folder, "--what",
	    "focus", "--format", "csv", "--plain", "--refresh");
	difference = exporting_sh("diff -r %s %s", folder, copy);
	assert_string_equal(difference, "");
	free(difference);
}

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	exporting_client(servers, "utc", "UTC", COUNT_A_DAY);
	exporting_client(servers, "kolkata", "Asia/Kolkata", COUNT_A_DAY);
	exporting_client(servers, "lord howe", "Australia/Lord_Howe", COUNT_A_DAY);
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(focus_adds_up_to_the_day),
		cmocka_unit_test(focus_columns_are_as_specified),
		cmocka_unit_test(a_late_record_and_adjustments_are_found),
		cmocka_unit_test(the_rollups_outlive_the_log),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
