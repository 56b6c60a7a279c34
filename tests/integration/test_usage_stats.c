/* What a user has used by day, asked through nginx and in SQL, is what the log says. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "app/api/usage_stats.h"
#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/random_log.h"

#define DAILY "/v1/usage-stats/daily"
#define UNKNOWN "0189aaaa-0000-7000-8000-00000000000f"
#define DAY 86400

static const char *client, *user, *since;
static int seed = 1;

static void
use_client(const char *name, const char *zone)
{
	client = name;
	api_use_new_client(name);
	api_sql("UPDATE clients SET timezone = '%s' WHERE name = '%s'", zone, name);
	since = api_sql(
	    "SELECT (now() AT TIME ZONE timezone)::date - 4 FROM clients WHERE name = '%s'", name);
}

static void
insert(int count, int seconds)
{
	random_log_insert(api_servers(), client, seed++, count, seconds);
	user = api_sql("SELECT u.id FROM users u JOIN clients c ON c.id = client_id "
		       "WHERE c.name = '%s' AND external_id = 'random 4'",
	    client);
}

static void
run(const char *word)
{
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ word });
}

#define COST "coalesce(verified_cost_cents, estimated_cost_cents)"
#define DATE "(l.created_at AT TIME ZONE c.timezone)::date"
#define OF_LOG \
	"FROM chat_logs l JOIN clients c ON c.id = l.client_id WHERE c.name = '%s' " \
	"AND l.user_id IS NOT DISTINCT FROM "

static const char *const members[] = { "date", "calls", "failed_calls", "unpriced_calls",
	"cost_cents", "total_tokens", "input_tokens", "output_tokens", "cached_input_tokens",
	"cache_write_tokens", "reasoning_tokens" };

#define SUMS \
	"count(*), count(*) FILTER (WHERE NOT l.success), count(*) FILTER (WHERE " COST \
	" IS NULL), trim_scale(coalesce(sum(" COST "), 0)), coalesce(sum(l.tokens_used), 0), " \
	"coalesce(sum(l.input_tokens), 0), coalesce(sum(l.output_tokens), 0), " \
	"coalesce(sum(l.cached_input_tokens), 0), coalesce(sum(l.cache_write_tokens), 0), " \
	"coalesce(sum(l.reasoning_tokens), 0)"

/* The days of the last answer as one text. */
static const char *
daily(void)
{
	const char *text = "";
	int rows = api_rows();

	for (int i = 0; i < rows; i++) {
		char line[500] = "";
		FILE *out = fmemopen(line, sizeof(line), "w");

		for (size_t m = 0; m < COUNT(members); m++)
			fprintf(out, "%s ", api_json(api_text("data.%d.%s", i, members[m])));
		fclose(out);
		text = api_text("%s%s\n", text, line);
	}
	return text;
}

static const char *
ask_log(void)
{
	return api_sql("SELECT string_agg(line, '' ORDER BY date DESC) FROM (SELECT " DATE
		       " AS date, concat_ws(' ', " DATE ", " SUMS ") || E' \\n' AS line " OF_LOG
		       "'%s' AND " DATE " >= '%s' "
		       "GROUP BY " DATE ") AS v",
	    client, user, since);
}

static void
expect_daily(void)
{
	api_expect(200, "GET", api_text(DAILY "?user_id=%s&since=%s", user, since), NULL);
	api_expect_json("user_id", user);
	assert_string_equal(daily(), ask_log());
}

static void
expect_usage(void)
{
	api_expect(200, "GET", api_text("/v1/users/%s/usage", user), NULL);
	assert_string_equal(api_text("%s %s %s %s %s", api_keep("total_requests"),
				api_keep("total_failed_requests"), api_keep("total_tokens"),
				api_keep("total_cost_cents"), api_keep("today_requests")),
	    api_sql("SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE NOT success), "
		    "sum(tokens_used), trim_scale(sum(" COST ")), count(*) FILTER (WHERE " DATE
		    " = '%s')) " OF_LOG "'%s'",
		api_keep("date"), client, user));
}

/* What is rolled up, of every user and of nobody. */
static void
expect_view(void)
{
	books_expect(api_servers(),
	    api_text(
		"SELECT count(*) FROM (SELECT l.user_id, " DATE " AS date, " SUMS " FROM "
		"chat_logs l JOIN clients c ON c.id = l.client_id WHERE c.name = '%s' GROUP BY "
		"l.user_id, " DATE " EXCEPT SELECT user_id, date_bucket, calls, failed_calls, "
		"unpriced_calls, cost_cents, total_tokens, input_tokens, output_tokens, "
		"cached_input_tokens, cache_write_tokens, reasoning_tokens FROM "
		"daily_usage_stats) AS v",
		client),
	    "0");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM daily_usage_stats JOIN clients c ON c.id = client_id "
		    "WHERE name = '%s'",
		client),
	    api_sql("SELECT count(DISTINCT (l.user_id, " DATE ")) FROM chat_logs l JOIN clients c "
		    "ON c.id = l.client_id WHERE c.name = '%s'",
		client));
}

static const char *const zones[] = { "Asia/Kathmandu", "America/St_Johns", "UTC" };

static void
days_are_what_the_log_says(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		use_client(api_text("stats %zu", i), zones[i]);
		insert(300, 8 * DAY);
		expect_daily();
		expect_usage();
		run("rollup");
		expect_daily();
		expect_usage();
		expect_view();
		insert(50, 8 * DAY);
		insert(50, 60);
		expect_daily();
		expect_usage();
		run("rollup");
		expect_daily();
		expect_usage();
		expect_view();
	}
}

/* reconcile looks at the day of every client, which where the others are may have begun by now:
 * this one is the first. */
static void
days_outlive_the_log(UNUSED void **state)
{
	const char *before, *total;

	/* Keeps its records longer, so that those of the other go one by one. */
	use_client("stats that stay", "UTC");
	use_client("stats purge", "UTC");
	insert(300, 8 * DAY);
	run("rollup");
	run("reconcile");
	expect_daily();
	before = daily();
	expect_usage();
	total = api_keep("total_cost_cents");
	api_sql("UPDATE clients SET log_retention_days = 1 WHERE name = '%s'", client);
	run("purge");
	assert_string_not_equal(ask_log(), before);
	api_expect(200, "GET", api_text(DAILY "?user_id=%s&since=%s", user, since), NULL);
	assert_string_equal(daily(), before);
	api_expect(200, "GET", api_text("/v1/users/%s/usage", user), NULL);
	api_expect_json("total_cost_cents", total);
}

static const struct {
	const char *sentence, *query, *field;
} refusals[] = {
	{ "a user is needed", "", "user_id" },
	{ "since behind until", "?user_id=" UNKNOWN "&since=2026-01-02&until=2026-01-01", "since" },
	{ "too many days", "?user_id=" UNKNOWN "&since=2025-01-01&until=2026-01-02", "since" },
	{ "a date before 2000", "?user_id=" UNKNOWN "&since=1999-01-01&until=1999-01-02", "since" },
	{ "a date behind 2099", "?user_id=" UNKNOWN "&since=2099-12-01&until=2100-02-02", "until" },
};

static void
what_cannot_be_is_refused(UNUSED void **state)
{
	api_use_new_client("stats refusals");
	_Static_assert(USAGE_STATS_DAYS_MAX == 366, "the test asks for one more");
	for (size_t i = 0; i < COUNT(refusals); i++) {
		api_expect(422, "GET", api_text(DAILY "%s", refusals[i].query), NULL);
		api_expect_field(refusals[i].sentence, refusals[i].field);
	}
	api_expect(
	    404, "GET", DAILY "?user_id=" UNKNOWN "&since=2025-01-01&until=2026-01-01", NULL);
	api_expect(404, "GET", "/v1/users/" UNKNOWN "/usage", NULL);
	api_use_scope("logs:read");
	api_expect(403, "GET", DAILY "?user_id=" UNKNOWN, NULL);
}

/* Samoa went from Thursday to Saturday. */
static void
a_date_that_never_was_has_no_calls(UNUSED void **state)
{
	use_client("stats apia", "Pacific/Apia");
	insert(1, 60);
	api_expect(200, "GET",
	    api_text(DAILY "?user_id=%s&since=2011-12-30&until=2011-12-30", user), NULL);
	assert_int_equal(api_rows(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_outlive_the_log),
		cmocka_unit_test(days_are_what_the_log_says),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_date_that_never_was_has_no_calls),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
