/* What a page needs at a glance, asked through nginx, is what the log says. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "lib/model/dashboard.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/random_log.h"

#define DASHBOARD "/v1/analytics/dashboard"
#define DAY 86400

static const char *client;
static int seed = 1;

static void
use_client(const char *name, const char *zone)
{
	client = name;
	api_use_new_client(name);
	api_sql("UPDATE clients SET timezone = '%s' WHERE name = '%s'", zone, name);
}

static void
run(const char *word)
{
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ word });
}

#define COST "coalesce(verified_cost_cents, estimated_cost_cents)"

static const struct {
	const char *member, *value;
} sums[] = {
	{ "cost_cents", "trim_scale(coalesce(sum(" COST "), 0))" },
	{ "calls", "count(id)" },
	{ "failed_calls", "count(id) FILTER (WHERE NOT success)" },
	{ "unpriced_calls", "count(id) FILTER (WHERE " COST " IS NULL)" },
	{ "total_tokens", "coalesce(sum(tokens_used), 0)" },
	{ "input_tokens", "coalesce(sum(input_tokens), 0)" },
	{ "output_tokens", "coalesce(sum(output_tokens), 0)" },
	{ "cached_input_tokens", "coalesce(sum(cached_input_tokens), 0)" },
	{ "cache_write_tokens", "coalesce(sum(cache_write_tokens), 0)" },
	{ "reasoning_tokens", "coalesce(sum(reasoning_tokens), 0)" },
	{ "success_rate", "coalesce(trim_scale(round(100.0 * count(id) FILTER (WHERE success) / "
			  "nullif(count(id), 0), 2))::text, 'null')" },
};

static const char *const quantiles[][2] = { { "p50_duration_ms", "0.5" },
	{ "p95_duration_ms", "0.95" }, { "p99_duration_ms", "0.99" } };

/* A member of a part of the answer; lives until the next call. */
static const char *
member(const char *part, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s.%s", part, name);
	return api_json(path);
}

static void
print_part(FILE *answer, FILE *sql, const char *name)
{
	fprintf(answer, "%s ", name);
	for (size_t i = 0; i < COUNT(sums); i++)
		fprintf(answer, "%s ", member(name, sums[i].member));
	fprintf(answer, "t t t\n");
	fprintf(sql, "('%s', '%s'::timestamptz, ", name, member(name, "start"));
	fprintf(sql, "'%s'::timestamptz", member(name, "end"));
	for (size_t i = 0; i < COUNT(quantiles); i++)
		fprintf(sql, ", %s::bigint", member(name, quantiles[i][0]));
	fprintf(sql, "), ");
}

static const struct {
	const char *member, *sql;
} spans[] = {
	{ "today.date", "d::text" },
	{ "today.start", "at(d::timestamp AT TIME ZONE z)" },
	{ "today.end", "at((d + 1)::timestamp AT TIME ZONE z)" },
	{ "yesterday.start", "at((d - 1)::timestamp AT TIME ZONE z)" },
	{ "yesterday.end",
	    "at(least((d - 1)::timestamp AT TIME ZONE z + (date_bin('15 minutes', n, "
	    "d::timestamp AT TIME ZONE z) - d::timestamp AT TIME ZONE z), "
	    "d::timestamp AT TIME ZONE z))" },
	{ "month.start", "at(date_trunc('month', d::timestamp) AT TIME ZONE z)" },
	{ "month.end", "at((d + 1)::timestamp AT TIME ZONE z)" },
	{ "hours.0.start", "at(date_bin('1 hour', n, 'epoch') - interval '23 hours')" },
	{ "hours.23.end", "at(date_bin('1 hour', n, 'epoch') + interval '1 hour')" },
};

static void
expect_spans(void)
{
	const char *now = api_keep("as_of");

	for (size_t i = 0; i < COUNT(spans); i++)
		api_expect_json(spans[i].member,
		    api_sql("SELECT %s FROM (SELECT timezone AS z, timestamptz '%s' AS n, "
			    "(timestamptz '%s' AT TIME ZONE timezone)::date AS d "
			    "FROM clients WHERE name = '%s') AS v",
			spans[i].sql, now, now, client));
	api_expect_json("hours.24", "(none)");
}

static void
expect_unpriced(void)
{
	const char *start = api_keep("month.start"), *end = api_keep("month.end");

	for (int i = 0; i < 3; i++) {
		const char *row = api_sql(
		    "SELECT coalesce((SELECT concat_ws(' ', model, count(*)) FROM chat_logs "
		    "WHERE " COST " IS NULL AND created_at >= '%s' AND created_at < '%s' "
		    "AND client_id = (SELECT id FROM clients WHERE name = '%s') GROUP BY model "
		    "ORDER BY count(*) DESC, model COLLATE \"C\" OFFSET %d LIMIT 1), "
		    "'(none) (none)')",
		    start, end, client, i);
		const char *model = api_keep(api_text("unpriced_models.%d.model", i));
		const char *calls = api_keep(api_text("unpriced_models.%d.calls", i));

		assert_string_equal(api_text("%s %s", model, calls), row);
	}
}

/* A percentile may be off by as much as the middle of its slot is. */
static void
print_log(FILE *sql)
{
	fprintf(sql, "('none', 'epoch', 'epoch', NULL, NULL, NULL)) AS v (name, since, until, q0, "
		     "q1, q2)) SELECT string_agg(line, '' ORDER BY place) FROM (SELECT place, "
		     "concat_ws(' ', name");
	for (size_t i = 0; i < COUNT(sums); i++)
		fprintf(sql, ", %s", sums[i].value);
	for (size_t i = 0; i < COUNT(quantiles); i++)
		fprintf(sql,
		    ", coalesce(abs(percentile_disc(%s) WITHIN GROUP (ORDER BY duration_ms) - q%zu) "
		    "* 16 <= q%zu + 16, q%zu IS NULL AND count(duration_ms) = 0)",
		    quantiles[i][1], i, i, i);
	fprintf(sql,
	    ") || E'\\n' AS line FROM parts LEFT JOIN chat_logs ON created_at >= since "
	    "AND created_at < until AND client_id = (SELECT id FROM clients WHERE name = '%s') "
	    "WHERE name <> 'none' GROUP BY place, name, q0, q1, q2) AS v",
	    client);
}

static void
expect_parts(void)
{
	char *answer_text, *sql_text, *log;
	size_t answer_len, sql_len;
	FILE *answer = open_memstream(&answer_text, &answer_len);
	FILE *sql = open_memstream(&sql_text, &sql_len);

	fprintf(sql, "WITH parts AS (SELECT row_number() OVER () AS place, * FROM (VALUES ");
	print_part(answer, sql, "today");
	print_part(answer, sql, "yesterday");
	print_part(answer, sql, "month");
	for (int i = 0; i < DASHBOARD_HOURS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "hours.%d", i);
		print_part(answer, sql, name);
	}
	print_log(sql);
	fclose(answer);
	fclose(sql);
	log = servers_sql(api_servers(), sql_text);
	assert_string_equal(answer_text, log);
	free(log);
	free(sql_text);
	free(answer_text);
}

static void
expect_dashboard(void)
{
	api_expect(200, "GET", DASHBOARD, NULL);
	expect_spans();
	expect_parts();
	expect_unpriced();
}

static const char *const zones[] = { "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia" };

static void
it_shows_what_the_log_says(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		use_client(api_text("dashboard %zu", i), zones[i]);
		random_log_insert(api_servers(), client, seed++, 300, 3 * DAY);
		random_log_insert(api_servers(), client, seed++, 100, 30 * DAY);
		expect_dashboard();
		run("rollup");
		expect_dashboard();
		random_log_insert(api_servers(), client, seed++, 30, 3 * DAY);
		random_log_insert(api_servers(), client, seed++, 30, 60);
		expect_dashboard();
		run("rollup");
		expect_dashboard();
	}
}

/* The view says the same of what is rolled up. */
static void
the_hours_are_those_of_dashboard_metrics(UNUSED void **state)
{
	use_client("dashboard view", "Asia/Kolkata");
	random_log_insert(api_servers(), client, seed++, 200, DAY);
	run("rollup");
	api_expect(200, "GET", DASHBOARD, NULL);
	for (int i = 0; i < DASHBOARD_HOURS; i++) {
		const char *row = api_sql(
		    "SELECT concat_ws(' ', coalesce(sum(calls), 0), coalesce(sum(failed_calls), 0), "
		    "coalesce(sum(unpriced_calls), 0), trim_scale(coalesce(sum(cost_cents), 0)), "
		    "coalesce(sum(total_tokens), 0), coalesce(sum(completed_calls + failed_calls - "
		    "calls), 0)) FROM dashboard_metrics JOIN clients c ON c.id = client_id "
		    "WHERE name = '%s' AND hour_bucket = '%s'",
		    client, api_json(api_text("hours.%d.start", i)));
		char *path = strdup(api_text("hours.%d.", i));
		const char *found = api_text("%s %s %s %s %s 0",
		    api_keep(api_text("%scalls", path)), api_keep(api_text("%sfailed_calls", path)),
		    api_keep(api_text("%sunpriced_calls", path)),
		    api_keep(api_text("%scost_cents", path)),
		    api_keep(api_text("%stotal_tokens", path)));

		free(path);
		assert_string_equal(found, row);
	}
}

/* reconcile looks at the day of every client, which where the others are may have begun by now:
 * this one is the first. */
static void
it_outlives_the_log(UNUSED void **state)
{
	const char *before, *after;

	/* Keeps its records longer, so that those of the other go one by one. */
	use_client("dashboard that stays", "UTC");
	use_client("dashboard purge", "UTC");
	random_log_insert(api_servers(), client, seed++, 200, 20 * DAY);
	run("rollup");
	run("reconcile");
	api_expect(200, "GET", DASHBOARD, NULL);
	before = api_text("%s %s %s", api_keep("month.calls"), api_keep("month.cost_cents"),
	    api_keep("month.p95_duration_ms"));
	api_sql("UPDATE clients SET log_retention_days = 1 WHERE name = '%s'", client);
	run("purge");
	api_expect(200, "GET", DASHBOARD, NULL);
	after = api_text("%s %s %s", api_keep("month.calls"), api_keep("month.cost_cents"),
	    api_keep("month.p95_duration_ms"));
	assert_string_equal(after, before);
	assert_string_not_equal(
	    api_sql("SELECT count(*) FROM chat_logs WHERE client_id = (SELECT id FROM clients "
		    "WHERE name = '%s')",
		client),
	    "200");
}

static void
it_tells_of_jobs_and_corrections(UNUSED void **state)
{
	use_client("dashboard jobs", "UTC");
	api_sql("DELETE FROM job_runs");
	api_expect(200, "GET", DASHBOARD, NULL);
	api_expect_json("health.flushed_at", "null");
	api_expect_json("health.flush_age_s", "null");
	api_expect_json("health.rolled_up_at", "null");
	api_expect_json("health.drift", "null");
	api_expect_json("today.calls", "0");
	api_expect_json("today.p95_duration_ms", "null");
	api_expect_json("month.adjustments_cents", "0");
	api_expect_json("unpriced_models.0", "(none)");
	api_sql("INSERT INTO job_runs (job, started_at, succeeded_at, drift_nanos) "
		"SELECT job, now(), now() - interval '1 day', 1 "
		"FROM unnest(ARRAY['flush', 'rollup', 'reconcile']) AS job");
	api_sql("INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason) "
		"SELECT id, md5(v.n::text)::uuid, (now() AT TIME ZONE 'UTC')::date - v.n, 1.5, 'r' "
		"FROM clients, (VALUES (0), (31)) AS v (n) WHERE name = '%s'",
	    client);
	api_expect(200, "GET", DASHBOARD, NULL);
	assert_true(atoi(api_json("health.flush_age_s")) >= DAY);
	assert_true(atoi(api_json("health.rollup_age_s")) >= DAY);
	assert_true(atoi(api_json("health.reconcile_age_s")) >= DAY);
	api_expect_json("health.drift", "true");
	api_expect_json("month.adjustments_cents", "1.5");
	api_sql("UPDATE job_runs SET drift_nanos = 0");
	api_expect(200, "GET", DASHBOARD, NULL);
	api_expect_json("health.drift", "false");
	api_use_scope("logs:read");
	api_expect(403, "GET", DASHBOARD, NULL);
}

static void
refuse_before(int hours, const char *reason)
{
	char *answer = servers_redis(api_servers(),
	    api_text("HINCRBY tally:{%s}:refusals:%s %s 5",
		api_sql("SELECT id FROM clients WHERE name = '%s'", client),
		api_sql("SELECT floor(extract(epoch FROM now()) / 3600)::bigint - %d", hours),
		reason));

	assert_string_equal(answer, "5");
	free(answer);
}

static void
it_tells_of_refusals(UNUSED void **state)
{
	use_client("dashboard refusals", "UTC");
	api_add("/v1/budgets", "{\"name\":\"cost\",\"window\":\"total\",\"limit_cents\":1}");
	api_expect(200, "GET", DASHBOARD, NULL);
	api_expect_json("refusals.total", "0");
	api_expect(201, "POST", "/v1/authorizations", "{\"max_cost_cents\":1}");
	api_expect(402, "POST", "/v1/authorizations", "{\"max_cost_cents\":1}");
	api_expect(402, "POST", "/v1/authorizations", "{\"max_cost_cents\":1}");
	api_add("/v1/budgets", "{\"name\":\"requests\",\"window\":\"total\",\"limit_requests\":1}");
	api_expect(429, "POST", "/v1/authorizations", "{\"max_cost_cents\":0}");
	refuse_before(20, "unpriced");
	refuse_before(30, "tokens");
	api_expect(200, "GET", DASHBOARD, NULL);
	api_expect_json("refusals.total", "8");
	api_expect_json("refusals.cost", "2");
	api_expect_json("refusals.requests", "1");
	api_expect_json("refusals.tokens", "0");
	api_expect_json("refusals.unpriced", "5");
	servers_kill_tree(api_servers(), SERVER_REDIS);
	api_expect(200, "GET", DASHBOARD, NULL);
	api_expect_json("refusals", "null");
	servers_restart(api_servers(), SERVER_REDIS);
}

static int
start(void **state)
{
	api_start(state);
	api_sql("CREATE FUNCTION at(t timestamptz) RETURNS text LANGUAGE sql AS $$ "
		"SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') $$");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_outlives_the_log),
		cmocka_unit_test(it_shows_what_the_log_says),
		cmocka_unit_test(the_hours_are_those_of_dashboard_metrics),
		cmocka_unit_test(it_tells_of_jobs_and_corrections),
		cmocka_unit_test(it_tells_of_refusals),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
