/* /v1/budgets/{id}/status through nginx against SQL that was written apart from the service's. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/budget_status.h"
#include "tests/api.h"

/* Of which tallyd and PostgreSQL know the same rules; one far ahead, one half an hour off. */
static const char *const zones[] = { "UTC", "Pacific/Kiritimati", "America/St_Johns" };

static const char *client;

/*
 * Calls of every kind over the last year and a half, the denser the later. Costs and tags repeat,
 * some are missing.
 */
#define CLIENT "(SELECT id FROM clients WHERE name = 'status')"
static const char calls_sql[] =
    "INSERT INTO users (client_id, id, external_id, tier)\n"
    "SELECT " CLIENT ", md5('status' || n)::uuid, 'status' || n,\n"
    "(ARRAY['anonymous', 'free', 'premium', 'enterprise'])[1 + n % 4]\n"
    "FROM generate_series(0, 5) AS n;\n"
    "INSERT INTO sessions (client_id, id, token_hash, expires_at)\n"
    "SELECT " CLIENT ", md5('status-s' || n)::uuid, sha256(('s' || n)::bytea), now()\n"
    "FROM generate_series(0, 2) AS n;\n"
    "INSERT INTO chat_logs (client_id, id, created_at, user_id, api_key_id, session_id,\n"
    "agent_session_id, feature, provider, model, tags, tokens_used, estimated_cost_cents,\n"
    "verified_cost_cents, user_tier, agent_root_id)\n"
    "SELECT " CLIENT
    ", (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,\n"
    "to_timestamp(ms / 1000.0),\n"
    "CASE WHEN n % 7 < 6 THEN md5('status' || n % 7)::uuid END,\n"
    "CASE WHEN n % 3 = 0 THEN (SELECT id FROM auth_tokens WHERE client_id = " CLIENT ") END,\n"
    "CASE WHEN n % 4 < 3 THEN md5('status-s' || n % 4)::uuid END,\n"
    "CASE WHEN n % 5 < 2 THEN md5('agent' || n % 5)::uuid END,\n"
    "(ARRAY['chat', 'search', NULL])[1 + n % 3],\n"
    "(ARRAY['openai', 'anthropic'])[1 + n % 2], (ARRAY['gpt', 'claude', NULL])[1 + n / 2 % 3],\n"
    "(ARRAY['{}', '{a}', '{a,b}', '{b,b}', NULL])[1 + n % 5]::text[],\n"
    "CASE WHEN n % 13 > 0 THEN n % 1000 END,\n"
    "CASE WHEN n % 17 > 0 THEN n % 97 * 0.1234567 END,\n"
    "CASE WHEN n % 11 = 0 THEN n * 0.0000001 END,\n"
    "CASE WHEN n % 19 = 0 THEN 'premium' WHEN n % 19 = 1 THEN 'free' END,\n"
    "CASE WHEN n % 5 < 4 THEN md5('root' || n % 2)::uuid END\n"
    "FROM (SELECT n, (extract(epoch FROM now()) * 1000)::bigint - bigint '5000' * n * n AS ms\n"
    "FROM generate_series(1, 3000) AS n) AS v";

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("status");
	client = api_sql("SELECT id FROM clients WHERE name = 'status'");
	api_sql("%s", calls_sql);
	return 0;
}

/* A scope, and the same in SQL. */
static const struct {
	const char *scope;
	const char *sql;
} scopes[] = {
	{ "{}", "true" },
	{ "{\"user_id\":\"$user\"}", "user_id = '$user'" },
	{ "{\"user_tier\":\"premium\"}",
	    "(user_tier = 'premium' OR (user_tier IS NULL AND\n"
	    "user_id IN (SELECT id FROM users WHERE tier = 'premium')))" },
	{ "{\"api_key_id\":\"$key\"}", "api_key_id IS NOT NULL" },
	{ "{\"session_id\":\"$session\"}", "session_id = '$session'" },
	{ "{\"agent_session_id\":\"$agent\"}", "agent_session_id = '$agent'" },
	{ "{\"agent_root_id\":\"$root\"}", "agent_root_id = '$root'" },
	{ "{\"feature\":\"chat\"}", "feature = 'chat'" },
	{ "{\"provider\":\"openai\",\"model\":\"gpt\"}", "provider = 'openai' AND model = 'gpt'" },
	{ "{\"tag\":\"b\"}", "tags @> '{b}'" },
	{ "{\"user_id\":\"$user\",\"session_id\":\"$session\",\"feature\":\"search\"}",
	    "user_id = '$user' AND session_id = '$session' AND feature = 'search'" },
};

/* The text with ids in place of $user, $key, $session, $agent, $root. */
static const char *
fill(const char *text)
{
	static const struct {
		const char *word, *sql;
	} words[] = {
		{ "$user", "SELECT md5('status2')::uuid" },
		{ "$key", "SELECT id FROM auth_tokens WHERE client_id = '%s'" },
		{ "$session", "SELECT md5('status-s1')::uuid" },
		{ "$agent", "SELECT md5('agent1')::uuid" },
		{ "$root", "SELECT md5('root1')::uuid" },
	};
	char filled[400] = "";
	FILE *to = fmemopen(filled, sizeof filled, "w");

	while (*text != '\0') {
		size_t i = 0;

		while (i < COUNT(words) && strncmp(text, words[i].word, strlen(words[i].word)) != 0)
			i++;
		if (i == COUNT(words)) {
			fputc(*text++, to);
			continue;
		}
		fputs(strcmp(words[i].word, "$key") == 0
			  ? api_sql("SELECT id FROM auth_tokens WHERE client_id = '%s'", client)
			  : api_sql("%s", words[i].sql),
		    to);
		text += strlen(words[i].word);
	}
	fclose(to);
	return api_text("%s", filled);
}

/* Makes a budget and asks for its status. */
static void
ask(const char *name, const char *window, const char *zone, const char *rest)
{
	const char *id = api_add("/v1/budgets",
	    api_text(
		"{\"name\":\"%s\",\"window\":\"%s\",\"timezone\":\"%s\",\"limit_cents\":50%s%s}",
		name, window, zone, strcmp(window, "rolling") == 0 ? ",\"rolling_hours\":30" : "",
		rest));

	api_expect(200, "GET", api_text("/v1/budgets/%s/status", id), NULL);
}

/* When the window that the answer is about began, as PostgreSQL computes it. */
static const char *
start_sql(const char *window, const char *zone)
{
	const char *now = api_keep("as_of");

	if (strcmp(window, "total") == 0)
		return "'-infinity'::timestamptz";
	if (strcmp(window, "rolling") == 0)
		return api_text("date_bin('30 minutes', timestamptz '%s', timestamptz 'epoch') -\n"
				"interval '30 hours'",
		    now);
	return api_text("date_trunc('%s', timestamptz '%s' AT TIME ZONE '%s') AT TIME ZONE '%s'",
	    window, now, zone, zone);
}

static void
expect_sums(const char *window, const char *zone, const char *where)
{
	const char *got = api_text("%s %s %s %s", api_keep("spent_cents"),
	    api_keep("spent_requests"), api_keep("spent_tokens"), api_keep("unpriced_requests"));
	const char *expected = api_sql(
	    "SELECT trim_scale(coalesce(sum(coalesce(verified_cost_cents, estimated_cost_cents)),\n"
	    "0)) || ' ' || count(*) || ' ' || coalesce(sum(tokens_used), 0) || ' ' ||\n"
	    "(count(*) - count(coalesce(verified_cost_cents, estimated_cost_cents)))\n"
	    "FROM chat_logs WHERE client_id = '%s' AND created_at >= %s AND %s",
	    client, start_sql(window, zone), where);

	if (strcmp(got, expected) != 0)
		fail_msg("%s in %s where %s: %s and not %s", window, zone, where, got, expected);
}

static void
sums_equal_those_of_sql(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(scopes); i++) {
		const char *scope = fill(scopes[i].scope), *where = fill(scopes[i].sql);

		for (int period = 0; period_names[period] != NULL; period++) {
			const char *zone = zones[(i + (size_t)period) % COUNT(zones)];

			ask(api_text("scope %zu %d", i, period), period_names[period], zone,
			    api_text(",\"scope\":%s", scope));
			expect_sums(period_names[period], zone, where);
			if (period != PERIOD_TOTAL)
				continue;
			/* The sums are of something. */
			assert_string_not_equal(api_json("spent_requests"), "0");
			assert_string_not_equal(api_json("unpriced_requests"), "0");
		}
	}
}

static void
windows_begin_in_the_zone(UNUSED void **state)
{
	for (int period = 0; period < PERIOD_TOTAL; period++) {
		for (size_t i = 0; i < COUNT(zones); i++) {
			const char *window = period_names[period];

			ask(api_text("zone %d %zu", period, i), window, zones[i], "");
			expect_sums(window, zones[i], "true");
			assert_string_equal(
			    api_sql("SELECT timestamptz '%s' = %s", api_keep("window_start"),
				start_sql(window, zones[i])),
			    "t");
			assert_string_equal(
			    api_sql("SELECT timestamptz '%s' = (%s AT TIME ZONE '%s' +\n"
				    "interval '%s') AT TIME ZONE '%s'",
				api_keep("resets_at"), start_sql(window, zones[i]), zones[i],
				strcmp(window, "quarter") == 0 ? "3 months"
							       : api_text("1 %s", window),
				zones[i]),
			    "t");
		}
	}
	ask("no end", "total", "UTC", "");
	assert_string_equal(api_json("window_start"), "null");
	assert_string_equal(api_json("resets_at"), "null");
	ask("rolls", "rolling", "UTC", "");
	expect_sums("rolling", "UTC", "true");
	assert_string_equal(api_sql("SELECT timestamptz '%s' = %s", api_keep("window_start"),
				start_sql("rolling", "UTC")),
	    "t");
	assert_string_equal(api_json("resets_at"), "null");
}

static const struct {
	const char *each;
	const char *sql; /* the bucket of a call */
} eaches[] = {
	{ "user_id", "user_id::text" },
	{ "user_tier",
	    "coalesce(user_tier, (SELECT tier FROM users AS u WHERE u.id = l.user_id))" },
	{ "api_key_id", "api_key_id::text" },
	{ "session_id", "session_id::text" },
	{ "agent_session_id", "agent_session_id::text" },
	{ "agent_root_id", "agent_root_id::text" },
	{ "feature", "feature" },
	{ "provider", "provider" },
	{ "model", "model" },
	{ "tag", "unnest((SELECT array_agg(DISTINCT t) FROM unnest(tags) AS t))" },
};
_Static_assert(COUNT(eaches) == BUDGET_DIMENSIONS, "a dimension without buckets");

/* Every bucket of the answer: value, cost, requests, tokens. */
static const char *
buckets(void)
{
	const char *all = "";

	for (int i = 0;; i++) {
		const char *path = api_text("buckets.%d", i);

		if (strcmp(api_json(path), "(none)") == 0)
			return all;
		all = api_text("%s%s %s %s %s\n", all, api_keep(api_text("%s.bucket", path)),
		    api_keep(api_text("%s.spent_cents", path)),
		    api_keep(api_text("%s.spent_requests", path)),
		    api_keep(api_text("%s.spent_tokens", path)));
	}
}

static void
buckets_equal_those_of_sql(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(eaches); i++) {
		ask(api_text("each %s", eaches[i].each), "month", "UTC",
		    api_text(",\"each\":\"%s\"", eaches[i].each));
		assert_string_equal(buckets(),
		    api_sql(
			"SELECT string_agg(concat_ws(' ', bucket, trim_scale(cost), n, tokens) ||\n"
			"E'\\n', '' ORDER BY cost DESC, n DESC, bucket)\n"
			"FROM (SELECT bucket, coalesce(sum(cents), 0) AS cost, count(*) AS n,\n"
			"coalesce(sum(tokens_used), 0) AS tokens FROM (SELECT tokens_used,\n"
			"coalesce(verified_cost_cents, estimated_cost_cents) AS cents,\n"
			"%s AS bucket FROM chat_logs AS l\n"
			"WHERE client_id = '%s' AND created_at >= %s) AS v\n"
			"WHERE bucket IS NOT NULL GROUP BY bucket) AS w",
			eaches[i].sql, client, start_sql("month", "UTC")));
		/* Calls without a bucket are in no sum; those with two are in it once. */
		expect_sums("month", "UTC",
		    strcmp(eaches[i].each, "user_tier") == 0
			? "coalesce(user_tier, user_id::text) IS NOT NULL"
		    : strcmp(eaches[i].each, "tag") == 0
			? "cardinality(tags) > 0"
			: api_text("%s IS NOT NULL", eaches[i].sql));
		assert_string_equal(api_json("remaining_cents"), "null");
		assert_string_not_equal(api_json("buckets.0.bucket"), "(none)");
	}
}

static void
a_hundred_buckets_are_shown(UNUSED void **state)
{
	api_use_new_client("status-many");
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, feature, estimated_cost_cents)\n"
		"SELECT c.id, (lpad(to_hex(ms), 12, '0') || '70008000' ||\n"
		"lpad(to_hex(n), 12, '0'))::uuid, to_timestamp(ms / 1000.0), 'f' || n, n\n"
		"FROM clients AS c, (SELECT n, (extract(epoch FROM now()) * 1000)::bigint AS ms\n"
		"FROM generate_series(1, %d) AS n) AS v WHERE c.name = 'status-many'",
	    BUDGET_BUCKETS_SHOWN + 1);
	ask("many", "total", "UTC", ",\"each\":\"feature\"");
	assert_string_equal(api_json("spent_requests"), "101");
	assert_string_equal(api_json("buckets.0.bucket"), "f101");
	assert_string_equal(api_json("buckets.99.bucket"), "f2");
	assert_string_equal(api_json("buckets.100.bucket"), "(none)");
	assert_string_equal(api_json("buckets.0.allowed"), "false");
	assert_string_equal(api_json("buckets.99.allowed"), "true");
	assert_string_equal(api_json("buckets.99.remaining_cents"), "48");
}

static void
a_sum_beyond_every_number_is_the_largest(UNUSED void **state)
{
	api_use_new_client("status-huge");
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, estimated_cost_cents)\n"
		"SELECT id, '019a0000-0000-7000-8000-000000000001', now(), 9999999999999\n"
		"FROM clients WHERE name = 'status-huge'");
	ask("huge", "total", "UTC", "");
	assert_string_equal(api_json("spent_cents"), "922337203685.4775807");
	assert_string_equal(api_json("remaining_cents"), "0");
	api_expect(200, "GET", "/v1/budgets/check", NULL);
	assert_string_equal(api_json("allowed"), "false");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_equal_those_of_sql),
		cmocka_unit_test(windows_begin_in_the_zone),
		cmocka_unit_test(buckets_equal_those_of_sql),
		cmocka_unit_test(a_hundred_buckets_are_shown),
		cmocka_unit_test(a_sum_beyond_every_number_is_the_largest),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
