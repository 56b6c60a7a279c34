/* tally budget list|set */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/servers.h"

#define ARGUMENTS_MAX 12

static struct servers *servers;

static int
start(void **state)
{
	char *output;

	(void)state;
	servers = servers_start(SERVER_REDIS);
	if (servers_tally(servers, &output, "client", "create", "--name", "acme", "--timezone",
		"Asia/Tokyo", NULL) != 0)
		fail_msg("%s", output);
	free(output);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

/* Runs tally; fails unless it ends so. The output; free it. */
static char *
tally(int status, const char *const *a)
{
	char *output;
	int got = servers_tally(servers, &output, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7],
	    a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15], NULL);

	if (got != status)
		fail_msg("tally %s %s: status %d, output: %s", a[0], a[1], got, output);
	return output;
}
#define TALLY(status, ...) tally(status, (const char *const[17]){ __VA_ARGS__ })
#define SET "budget", "set", "--client", "acme"

static void
expect(const char *sentence, char *output, const char *prints)
{
	if (strstr(output, prints) == NULL)
		fail_msg("%s: %s", sentence, output);
	free(output);
}

static void
expect_sql(const char *sql, const char *expected)
{
	char *value = servers_sql(servers, sql);

	assert_string_equal(value, expected);
	free(value);
}

static const struct line {
	const char *sentence;
	const char *arguments[ARGUMENTS_MAX + 1];
	int status;
	const char *prints;
} lines[] = {
	{ "a budget needs a client", { "budget", "set", "--name", "b" }, EX_USAGE,
	    "--client is needed" },
	{ "operators have no budgets", { "budget", "set", "--client", "operator", "--tiers" },
	    EX_USAGE, "--client is needed" },
	{ "a client exists", { "budget", "set", "--client", "nobody", "--tiers" }, EX_DATAERR,
	    "no such client" },
	{ "a budget needs a name", { SET, "--limit-cents", "1" }, EX_USAGE, "--name is needed" },
	{ "a name is not empty", { SET, "--name", "" }, EX_USAGE, "name: must have" },
	{ "tiers have names of their own", { SET, "--tiers", "--name", "b" }, EX_USAGE,
	    "of its own names" },
	{ "a new budget needs a window", { SET, "--name", "b", "--limit-cents", "1" }, EX_USAGE,
	    "--window is needed" },
	{ "a new budget needs a limit", { SET, "--name", "b", "--window", "day" }, EX_USAGE,
	    "limit_cents: must be given" },
	{ "a window is one of seven", { SET, "--name", "b", "--window", "hour" }, EX_USAGE,
	    "window: must be one of" },
	{ "cents are a number", { SET, "--name", "b", "--limit-cents", "ten" }, EX_USAGE,
	    "limit_cents: must be a number" },
	{ "a scope has keys", { SET, "--name", "b", "--scope", "chat" }, EX_USAGE,
	    "--scope takes" },
	{ "a scope's keys are known", { SET, "--name", "b", "--scope", "colour=red" }, EX_USAGE,
	    "--scope takes" },
	{ "a scope's values are good", { SET, "--name", "b", "--scope", "user_tier=gold" },
	    EX_USAGE, "user_tier: must be one of" },
	{ "each is a key", { SET, "--name", "b", "--each", "hour" }, EX_USAGE,
	    "each: must be one of" },
	{ "no client of that name", { "budget", "list", "--client", "nobody" }, EX_DATAERR,
	    "no such client" },
};

static void
a_bad_line_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		char *output;
		const char *const *a = lines[i].arguments;
		int status = servers_tally(servers, &output, a[0], a[1], a[2], a[3], a[4], a[5],
		    a[6], a[7], a[8], a[9], NULL);

		if (status != lines[i].status || strstr(output, lines[i].prints) == NULL)
			fail_msg("%s: status %d, output: %s", lines[i].sentence, status, output);
		free(output);
	}
	expect_sql("SELECT count(*) FROM budgets", "0");
}

static void
a_budget_is_made_then_changed(void **state)
{
	(void)state;
	expect("it is shown",
	    TALLY(EX_OK, SET, "--name", "chat", "--limit-cents", "12.5", "--window", "month",
		"--scope", "feature=chat,user_tier=free", "--each", "user_id", "--json"),
	    "\"scope\":{\"user_tier\":\"free\",\"feature\":\"chat\"},\"each\":\"user_id\"");
	expect_sql("SELECT concat_ws(' ', limit_cents, period, timezone, mode, version)\n"
		   "FROM budgets WHERE name = 'chat'",
	    "12.5000000 month Asia/Tokyo hard 1");
	expect("it is changed",
	    TALLY(EX_OK, SET, "--name", "chat", "--limit-cents", "13", "--limit-requests", "7",
		"--mode", "soft"),
	    "limit_cents 13");
	expect("what it counts may be said again",
	    TALLY(EX_OK, SET, "--name", "chat", "--window", "month", "--scope",
		"user_tier=free,feature=chat", "--each", "user_id", "--timezone", "Asia/Tokyo"),
	    "scope user_tier=free,feature=chat");
	expect_sql("SELECT concat_ws(' ', limit_cents, limit_requests, period, mode, version)\n"
		   "FROM budgets WHERE name = 'chat'",
	    "13.0000000 7 month soft 2");
	expect("a part that is bad changes nothing",
	    TALLY(EX_USAGE, SET, "--name", "chat", "--limit-cents", "14", "--mode", "firm"),
	    "mode: must be one of");
	expect("fallback needs a rate",
	    TALLY(EX_USAGE, SET, "--name", "chat", "--unpriced", "fallback"),
	    "fallback_rate: must be given");
	expect("and takes one",
	    TALLY(EX_OK, SET, "--name", "chat", "--unpriced", "fallback", "--fallback-rate", "1.5"),
	    "mode soft");
	expect_sql("SELECT concat_ws(' ', limit_cents, unpriced, fallback_rate)\n"
		   "FROM budgets WHERE name = 'chat'",
	    "13.0000000 fallback 1500000");
	expect_sql("SELECT string_agg(action, ' ' ORDER BY a.id) FROM audit_log AS a\n"
		   "JOIN clients AS c ON c.id = a.client_id\n"
		   "WHERE entity = 'budgets' AND c.name = 'acme' AND api_key_id IS NULL",
	    "add change change");
}

static void
what_a_budget_counts_is_not_changed(void **state)
{
	static const char *const others[][2] = {
		{ "--window", "day" },
		{ "--scope", "feature=mail" },
		{ "--each", "model" },
		{ "--timezone", "UTC" },
		{ "--rolling-hours", "5" },
	};

	(void)state;
	free(TALLY(EX_OK, SET, "--name", "fixed", "--window", "week", "--limit-tokens", "5"));
	for (size_t i = 0; i < COUNT(others); i++)
		expect(others[i][0],
		    TALLY(EX_DATAERR, SET, "--name", "fixed", others[i][0], others[i][1]),
		    "counts something else");
}

static void
tiers_are_made_where_they_are_missing(void **state)
{
	(void)state;
	expect("a tier's limit may be another",
	    TALLY(EX_OK, SET, "--name", "tier free", "--limit-cents", "1", "--window", "day"),
	    "tier free");
	expect("all four are shown", TALLY(EX_OK, SET, "--tiers"), "tier enterprise");
	free(TALLY(EX_OK, SET, "--tiers"));
	expect_sql("SELECT string_agg(concat_ws(' ', name, trim_scale(limit_cents), each_by,\n"
		   "user_tier, period, mode), E'\\n' ORDER BY limit_cents)\n"
		   "FROM budgets WHERE name LIKE 'tier%'",
	    "tier free 1 day hard\n"
	    "tier anonymous 5 user_id anonymous day hard\n"
	    "tier premium 500 user_id premium day hard\n"
	    "tier enterprise 5000 user_id enterprise day hard");
}

static void
budgets_are_listed(void **state)
{
	char *output;

	(void)state;
	free(TALLY(EX_OK, "client", "create", "--name", "other"));
	free(TALLY(EX_OK, "budget", "set", "--client", "other", "--name", "theirs", "--window",
	    "total", "--limit-requests", "3"));
	expect("every client's", TALLY(EX_OK, "budget", "list"), "theirs");
	expect("with their client", TALLY(EX_OK, "budget", "list", "--json"),
	    "\"client\":\"other\",\"name\":\"theirs\",\"scope\":\"\",\"each\":null,"
	    "\"window\":\"total\",\"timezone\":\"UTC\",\"limit_cents\":null,\"limit_requests\":3");
	output = TALLY(EX_OK, "budget", "list", "--client", "acme");
	assert_null(strstr(output, "theirs"));
	expect("one client's", output, "tier premium");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_line_is_refused),
		cmocka_unit_test(a_budget_is_made_then_changed),
		cmocka_unit_test(what_a_budget_counts_is_not_changed),
		cmocka_unit_test(tiers_are_made_where_they_are_missing),
		cmocka_unit_test(budgets_are_listed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
