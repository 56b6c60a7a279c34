/* What the dashboard shows in a browser is what SQL says of the log. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/browser.h"
#include "tests/page.h"
#include "tests/process.h"

#define DAY "2023-11-16"
#define TRACE_DAY "?since=" DAY "&until=" DAY "&timezone=UTC"
#define CHUNK_LINES 5000
#define CLIENT "FROM chat_logs JOIN clients AS c ON c.id = client_id AND c.name = '%s'\n"

static const char *const ndjson[] = { "Content-Type: application/x-ndjson", NULL };

/* The trace as quickstart replays it. */
static char *
read_trace(void)
{
	const char *source = getenv("TALLY_SRCDIR");
	const char *script = api_text(". '%s/quickstart' && trace_records", source ? source : ".");
	struct process shell = { .argv = { "bash", "-c", script } };
	char *records;

	if (process_run(&shell, &records) != 0)
		fail_msg("quickstart's trace: %s", records);
	return records;
}

static void
send_records(const char *records)
{
	while (*records != '\0') {
		const char *end = records;
		const char *chunk;

		for (int i = 0; i < CHUNK_LINES && *end != '\0'; i++)
			end += strcspn(end, "\n") + 1;
		chunk = api_text("%.*s", (int)(end - records), records);
		if (api_send("POST", "/v1/chat-logs", ndjson, chunk) != 200)
			fail_msg("records: %s", api_answer()->body);
		api_expect_json("rejected.0", "(none)");
		records = end;
	}
}

static void
run_tally(const char *const *arguments)
{
	books_expect_tally(api_servers(), EX_OK, NULL, arguments);
}

static int
start(void **state)
{
	char *records;

	if (page_start(state) != 0)
		return -1;
	api_import_prices();
	run_tally((const char *const[9]){ "partitions", "--from", DAY, "--to", DAY });
	api_use_new_client("trace");
	api_sql("UPDATE clients SET log_retention_days = 36500 WHERE name = 'trace' RETURNING 1");
	records = read_trace();
	send_records(records);
	free(records);
	run_tally((const char *const[9]){ "flush" });
	run_tally((const char *const[9]){ "rollup" });
	return 0;
}

/* The foot of a panel of costs: each group's, the dearest first, then all. */
static const char *
costs_by(const char *client, const char *group, const char *condition)
{
	return api_sql(
	    "SELECT string_agg(g || '=' || " PAGE_DOLLARS(
		"cents") ", ' ' ORDER BY last, cents DESC)\n"
			 "FROM (SELECT %s AS g, false AS last, sum(estimated_cost_cents) AS cents " CLIENT
			 "WHERE %s GROUP BY 1\n"
			 "UNION ALL SELECT 'All', true, sum(estimated_cost_cents) " CLIENT
			 "WHERE %s) AS sums",
	    group, client, condition, client, condition);
}

static void
the_traces_day_by_model_and_feature(UNUSED void **state)
{
	page_open(TRACE_DAY);
	page_expect_text("#trouble", "");
	assert_string_equal(page_foot("cost-model"), costs_by("trace", "model", "true"));
	assert_string_equal(page_foot("cost-feature"), costs_by("trace", "feature", "true"));
	page_expect_sums("cost-model");
	page_expect_sums("cost-feature");
	page_expect_sums("cost-user");
	page_expect_sums("tokens");
	assert_string_equal(page_amount("tile-range"),
	    api_sql("SELECT " PAGE_DOLLARS("sum(estimated_cost_cents)") " " CLIENT, "trace"));
	page_expect_text("#tile-range", "19,366 calls");
	page_expect_text("#latency .note", "No call of this range says how long it took.");
	page_expect_peace();
	page_shoot("trace");
	page_expect_peace();
}

/* The nine that cost most by their names, and the others together. */
static void
the_traces_day_by_user(UNUSED void **state)
{
	const char *top = api_sql(
	    "SELECT string_agg(name || '=' || " PAGE_DOLLARS(
		"cents") ", ' ' ORDER BY cents DESC)\n"
			 "FROM (SELECT u.external_id AS name, sum(estimated_cost_cents) AS cents " CLIENT
			 "JOIN users AS u ON u.client_id = c.id AND u.id = user_id\n"
			 "GROUP BY 1 ORDER BY 2 DESC LIMIT 9) AS top",
	    "trace");
	const char *foot;

	page_open(TRACE_DAY);
	foot = page_foot("cost-user");
	assert_memory_equal(foot, top, strlen(top));
	assert_non_null(strstr(foot, " all others="));
	assert_non_null(strstr(foot,
	    api_text(" All=%s",
		api_sql("SELECT " PAGE_DOLLARS("sum(estimated_cost_cents)") " " CLIENT, "trace"))));
}

static void
hours_are_the_logs(UNUSED void **state)
{
	page_open(TRACE_DAY);
	assert_string_equal(page_row("cost-model", "Thu 16 Nov, 18:00"),
	    costs_by("trace", "model", "chat_logs.created_at < '2023-11-16 19:00Z'"));
	assert_string_equal(page_row("success", "Thu 16 Nov, 19:00"),
	    api_sql("SELECT format('Calls=%%s Failed=0 Success=100', count(*)) " CLIENT
		    "WHERE chat_logs.created_at >= '2023-11-16 19:00Z'",
		"trace"));
	assert_string_equal(page_foot("tokens"),
	    api_sql("SELECT format('Input=%%s Input from cache=0 Input to cache=0 Output=%%s "
		    "Reasoning=0 All=%%s', sum(input_tokens), sum(output_tokens), "
		    "sum(tokens_used)) " CLIENT,
		"trace"));
}

/* The trace goes over midnight in India. */
static void
days_are_those_of_the_zone(UNUSED void **state)
{
	page_open("?since=" DAY "&until=2023-11-17&timezone=Asia/Kolkata&bucket=day");
	assert_string_equal(page_row("cost-model", "Thu 16 Nov"),
	    costs_by("trace", "model", "chat_logs.created_at < '2023-11-16 18:30Z'"));
	assert_string_equal(page_row("cost-model", "Fri 17 Nov"),
	    costs_by("trace", "model", "chat_logs.created_at >= '2023-11-16 18:30Z'"));
	page_expect_peace();
}

/* From an hour of a chart's table to its records, and on to the next page of them. */
static void
an_hour_leads_to_its_records(UNUSED void **state)
{
	page_open(TRACE_DAY);
	browser_run("document.querySelector('#cost-model details').open = true;"
		    "[...document.querySelectorAll('#cost-model tbody button')]"
		    ".find((one) => one.textContent === 'Thu 16 Nov, 19:00').click()");
	browser_await("document.querySelectorAll('#records tbody tr').length === 50");
	assert_string_equal(browser_run("return location.search"),
	    "?since=2023-11-16&until=2023-11-16&timezone=UTC&records=all"
	    "&from=2023-11-16T19%3A00%3A00.000Z&to=2023-11-16T20%3A00%3A00.000Z");
	browser_await("document.activeElement.ariaLabel === 'Records: table'");
	browser_run("[...document.querySelectorAll('#records button')].at(-1).click()");
	browser_await("document.querySelectorAll('#records tbody tr').length === 100");
	assert_string_equal(
	    browser_run("return [...document.querySelectorAll('#records tbody details summary')]"
			".map((one) => one.textContent).join()"),
	    api_sql("SELECT string_agg(id::text, ',' ORDER BY id DESC) FROM (\n"
		    "SELECT chat_logs.id " CLIENT "ORDER BY chat_logs.id DESC LIMIT 100) AS page",
		"trace"));
	page_expect_peace();
}

/* What is drawn has the groups of the table behind it. */
static void
charts_are_drawn(UNUSED void **state)
{
	page_open(TRACE_DAY);
	assert_string_equal(
	    browser_run("return Chart.getChart(document.querySelector('#cost-model canvas'))"
			".data.datasets.map((one) => `${one.label} ${one.data[18]}`).join()"),
	    api_sql(
		"SELECT string_agg(model || ' ' || " PAGE_DOLLARS(
		    "cents") ", ','\n"
			     "ORDER BY cents DESC)\n"
			     "FROM (SELECT model, sum(estimated_cost_cents) AS cents " CLIENT
			     "WHERE chat_logs.created_at < '2023-11-16 19:00Z' GROUP BY 1) AS sums",
		"trace"));
	page_expect_peace();
}

static const char today_records[] =
    "{\"model\":\"gpt-4o\",\"provider\":\"openai\",\"feature\":\"chat\",\"input_tokens\":1000,"
    "\"cached_input_tokens\":400,\"output_tokens\":100,\"reasoning_tokens\":40,"
    "\"duration_ms\":800,\"external_user_id\":\"ann\"}\n"
    "{\"model\":\"gpt-4o-mini\",\"provider\":\"openai\",\"feature\":\"search\","
    "\"input_tokens\":333,\"output_tokens\":7,\"duration_ms\":90,\"external_user_id\":\"bob\"}\n"
    "{\"model\":\"gpt-4o-mini\",\"provider\":\"openai\",\"feature\":\"chat\",\"success\":false,"
    "\"error_message\":\"the model is away\",\"input_tokens\":9,\"duration_ms\":30000,"
    "\"external_user_id\":\"bob\"}\n"
    "{\"model\":\"house-model\",\"feature\":\"chat\",\"input_tokens\":5,\"output_tokens\":5,"
    "\"external_user_id\":\"<b>ann</b>\"}\n";

static void
today_is_the_days_totals(UNUSED void **state)
{
	api_use_budget("today", "\"window\":\"day\",\"limit_cents\":0.5");
	send_records(today_records);
	api_expect(402, "POST", "/v1/authorizations", "{\"max_cost_cents\":9}");
	page_open("?range=today");
	assert_string_equal(page_amount("tile-today"),
	    api_sql("SELECT " PAGE_DOLLARS("sum(estimated_cost_cents)") " " CLIENT, "today"));
	page_expect_text("#tile-today", "4 calls, 1,459 tokens, 3 users");
	page_expect_text("#tile-budget", "today: of $0.005");
	page_expect_text("#tile-budget progress", "");
	page_expect_text("#tile-success", "75 %");
	page_expect_text("#tile-success", "1 failed, 1 without a price");
	assert_string_equal(page_foot("tokens"), "Input=947 Input from cache=400 Input to cache=0 "
						 "Output=72 Reasoning=40 All=1459");
	page_expect_text("#unpriced tbody", "house-model");
	assert_string_equal(browser_run("return document.querySelector('#cost-user thead')"
					".textContent.includes('<b>ann</b>')"),
	    "true");
	page_expect_text("#refusals tbody", "cost1");
	page_expect_text("#refusals tfoot", "All1");
	page_expect_text("#health .note", "well");
	page_expect_peace();
}

static void
records_are_behind_the_figures(UNUSED void **state)
{
	page_open("?range=today");
	page_click("[data-records=failed]");
	browser_await("document.querySelectorAll('#records tbody tr').length === 1");
	page_expect_text("#records tbody", "failed: the model is away");
	page_click("[data-records=unpriced]");
	browser_await(
	    "document.querySelector('#records tbody')?.textContent.includes('house-model')");
	page_click("[data-records=all]");
	browser_await("document.querySelectorAll('#records tbody tr').length === 4");
	page_expect_text("#records .note", "4 records.");
	page_expect_peace();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_traces_day_by_model_and_feature),
		cmocka_unit_test(the_traces_day_by_user),
		cmocka_unit_test(hours_are_the_logs),
		cmocka_unit_test(days_are_those_of_the_zone),
		cmocka_unit_test(an_hour_leads_to_its_records),
		cmocka_unit_test(charts_are_drawn),
		cmocka_unit_test(today_is_the_days_totals),
		cmocka_unit_test(records_are_behind_the_figures),
	};

	if (!page_is_there())
		return PAGE_SKIPPED;
	return cmocka_run_group_tests(tests, start, page_stop);
}
