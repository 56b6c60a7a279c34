/* The erasure of a person: nothing says who it was, and every sum is as it was. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "lib/model/erasure.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/erasing.h"

#define MARK "mark-of-the-person"
#define EMAIL MARK "@example.org"

static struct servers *servers;
static const char *client;

static int
start(void **state)
{
	erasing_start(state);
	servers = api_servers();
	return 0;
}

static const char *
add_record(const char *user, const char *members)
{
	return api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"model\":\"m\",\"feature\":\"f\",\"input_tokens\":7,"
		     "\"verified_cost_cents\":3%s}",
		user, members));
}

/* Each column of a tenant's table is in one of the lists of its row, and no other is. */
static void
every_column_is_told_what_it_is(UNUSED void **state)
{
	api_sql("CREATE TABLE told (name text, list text, erased boolean)");
	for (const struct erasure_table *table = erasure_tables; table->name; table++) {
		const char *lists[] = { table->plain, table->personal, table->secret };

		for (size_t i = 0; i < COUNT(lists); i++)
			api_sql("INSERT INTO told SELECT '%s', '%s', %d = 0 OR %s", table->name,
			    lists[i] ? lists[i] : "", (int)i, table->erase[0] ? "true" : "false");
	}
	assert_string_equal(
	    api_sql("SELECT coalesce(string_agg(c.name || '.' || c.attname, ' '), '') FROM (\n"
		    "SELECT relname AS name, attname FROM pg_class\n"
		    "JOIN pg_attribute a ON attrelid = pg_class.oid AND attnum > 0\n"
		    "AND NOT attisdropped\n"
		    "WHERE relkind IN ('r', 'p') AND NOT relispartition\n"
		    "AND relnamespace = 'public'::regnamespace AND EXISTS (\n"
		    "SELECT FROM pg_attribute WHERE attrelid = pg_class.oid\n"
		    "AND attname = 'client_id')) AS c\n"
		    "FULL JOIN (SELECT name, column_name FROM told\n"
		    "CROSS JOIN LATERAL string_to_table(nullif(list, ''), ' ') AS s (column_name)\n"
		    ") AS t ON t.name = c.name AND t.column_name = c.attname\n"
		    "WHERE c.name IS NULL OR t.name IS NULL"),
	    "");
	assert_string_equal(
	    api_sql("SELECT coalesce(string_agg(name || '.' || column_name, ' '), '') FROM (\n"
		    "SELECT name, column_name FROM told\n"
		    "CROSS JOIN LATERAL string_to_table(nullif(list, ''), ' ') AS s (column_name)\n"
		    "GROUP BY 1, 2 HAVING count(*) > 1) AS twice"),
	    "");
	/* What has something of a person has a way to be rid of it. */
	assert_string_equal(
	    api_sql("SELECT count(*) FROM told WHERE list <> '' AND NOT erased"), "0");
	api_sql("DROP TABLE told");
}

struct person {
	const char *id, *session, *token, *budget;
};

static void
add_token(struct person *person)
{
	person->token = api_sql(
	    "INSERT INTO auth_tokens (client_id, id, public_id, token_hash, name, user_id,\n"
	    "created_ip) VALUES ('%s', gen_random_uuid(), 'public-of-the-person', sha256('t'),\n"
	    "'" MARK "', '%s', '203.0.113.77') RETURNING id",
	    client, person->id);
}

static void
add_prompts(const char *record)
{
	api_expect(200, "POST", "/v1/prompts/analyze",
	    api_text("{\"event_id\":\"%s\",\"prompt\":\"" MARK "\"}", record));
	api_sql("INSERT INTO prompt_embeddings (client_id, prompt_hash, model, seen_at, event_id,\n"
		"sketch, embedding) SELECT client_id, prompt_hash, 'm', now(), event_id,\n"
		"decode(repeat('00', 3172), 'hex'), array_fill(0::real, ARRAY[1536])\n"
		"FROM prompt_events WHERE client_id = '%s'",
	    client);
}

/* A person who is in every table, beside another. */
static struct person
add_person(void)
{
	static const char *const repeated[] = { "Idempotency-Key: 1", NULL };
	struct person person = { .id = erasing_add_user(MARK) };
	const char *record;

	api_expect(200, "PATCH", api_text("/v1/users/%s", person.id), "{\"tier\":\"premium\"}");
	person.session = api_add("/v1/sessions",
	    api_text("{\"user_id\":\"%s\",\"ip_address\":\"203.0.113.77\",\"user_agent\":\"" MARK
		     "\"}",
		person.id));
	add_token(&person);
	person.budget =
	    api_add("/v1/budgets", api_text("{\"name\":\"" MARK "\",\"window\":\"day\","
					    "\"limit_cents\":500,\"scope\":{\"user_id\":\"%s\"}}",
				       person.id));
	api_add("/v1/budgets",
	    "{\"name\":\"each\",\"window\":\"day\",\"limit_cents\":500,\"each\":\"user_id\"}");
	record = add_record(person.id, api_text(",\"session_id\":\"%s\",\"error_message\":\"" MARK
						"\",\"success\":false,\"metadata\":{\"of\":\"" MARK
						"\"},\"trace_id\":\"" MARK "\",\"duration_ms\":40",
					   person.session));
	add_prompts(record);
	api_send("POST", "/v1/chat-logs", repeated,
	    api_text("{\"session_id\":\"%s\",\"input_tokens\":1,\"metadata\":{\"of\":\"" MARK
		     "\"},\"verified_cost_cents\":2}",
		person.session));
	assert_int_equal(api_answer()->status, 201);
	api_send("POST", "/v1/budgets", (const char *const[]){ "Idempotency-Key: 2", NULL },
	    api_text("{\"name\":\"second\",\"window\":\"day\",\"limit_cents\":500,"
		     "\"scope\":{\"user_id\":\"%s\"}}",
		person.id));
	assert_int_equal(api_answer()->status, 201);
	api_add(
	    "/v1/authorizations", api_text("{\"user_id\":\"%s\",\"max_cost_cents\":1}", person.id));
	api_sql("INSERT INTO alerts (client_id, id, kind, key, payload, created_at)\n"
		"SELECT '%s', gen_random_uuid(), 'budget.threshold', 'k %s',\n"
		"'{\"bucket\": \"%s\"}', now()",
	    client, person.id, person.id);
	return person;
}

/* Every sum that somebody is billed by, as one text. */
static const char *
sums(void)
{
	return api_sql(
	    "SELECT string_agg(s::text, E'\\n' ORDER BY s::text) FROM (\n"
	    "SELECT created_at::date::text AS day, model, feature, user_tier,\n"
	    "sum(coalesce(verified_cost_cents, estimated_cost_cents)) AS cost,\n"
	    "sum(tokens_used) AS tokens, count(*) AS calls, count(*) FILTER (WHERE NOT success)\n"
	    "FROM chat_logs WHERE client_id = '%s' GROUP BY 1, 2, 3, 4\n"
	    "UNION ALL SELECT date::text, 'day', closed_at::text, NULL, total_cost_cents,\n"
	    "total_tokens, total_requests, unique_users FROM daily_costs WHERE client_id = '%s'\n"
	    "UNION ALL SELECT start::text, dimension, grain, NULL, sum(cost_cents), sum(tokens),\n"
	    "sum(calls), sum(failed_calls) FROM cost_aggregates WHERE client_id = '%s'\n"
	    "GROUP BY 1, 2, 3) AS s",
	    client, client, client);
}

static void
expect_books_in_order(void)
{
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--full", "--json");
}

static void
expect_nothing_of(const struct person *person)
{
	erasing_expect_nowhere(MARK);
	erasing_expect_nowhere(person->id);
	erasing_expect_nowhere(person->session);
	erasing_expect_nowhere(person->token);
	erasing_expect_nowhere("203.0.113.77");
}

/* Redis counts the client in one epoch, and in it the other user only. */
static void
expect_redis_without_the_person(void)
{
	const char *epoch =
	    api_sql("SELECT epoch FROM counter_states WHERE client_id = '%s'", client);
	char *keys = servers_redis(servers, api_text("KEYS tally:{%s}:*", client));
	char *users = servers_redis(
	    servers, api_text("SCARD tally:{%s}:%s:u:%s", client, epoch,
			 api_sql("SELECT day FROM counter_states WHERE client_id = '%s'", client)));
	const char *mine = api_text("}:%s:", epoch);
	char *rest;

	for (char *key = strtok_r(keys, "\n", &rest); key; key = strtok_r(NULL, "\n", &rest))
		if (strstr(key, mine) == NULL && strstr(key, "}:state") == NULL)
			fail_msg("%s is not of epoch %s", key, epoch);
	assert_string_equal(users, "1");
	free(keys);
	free(users);
}

static void
nothing_says_who_it_was_and_every_sum_is_as_it_was(UNUSED void **state)
{
	static const char *const tables[] = { "prompt_embeddings", "prompt_analysis",
		"prompt_events", "chat_logs", "authorizations", "cost_aggregates", "budgets",
		"alerts", "idempotency_keys", "audit_log", "sessions", "auth_tokens", "users" };
	struct person person;
	const char *before, *receipt, *other;

	client = erasing_use_client("erasure-all");
	other = erasing_add_user("another");
	add_record(other, "");
	person = add_person();
	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	before = sums();
	receipt = erasing_run("--external-id", MARK);
	expect_nothing_of(&person);
	for (size_t i = 0; i < COUNT(tables); i++)
		if (strstr(receipt, api_text("\"%s\":", tables[i])) == NULL)
			fail_msg("%s is not in %s", tables[i], receipt);
	assert_string_equal(sums(), before);
	expect_books_in_order();
	assert_string_equal(sums(), before);
	expect_redis_without_the_person();
	api_expect(200, "GET", api_text("/v1/users/%s", other), NULL);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM chat_logs WHERE user_id = '%s'", other), "1");
}

/* What is added up is what the log would give. */
static void
sums_of_a_person_become_nobodys(UNUSED void **state)
{
	static const char rows[] =
	    "SELECT md5(string_agg(a::text, '|' ORDER BY grain, start, key::text))\n"
	    "FROM cost_aggregates a WHERE client_id = '%s' AND dimension = 'user'";
	const char *day, *id, *merged;

	client = erasing_use_client("erasure-rollups");
	id = erasing_add_user("erasure-rollups");
	day = api_sql("SELECT now()::date - 3");
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, user_id, model, tokens_used,\n"
		"verified_cost_cents, duration_ms, success)\n"
		"SELECT '%s', (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')\n"
		"|| '7000800000000000' || lpad(to_hex(n), 4, '0'))::uuid, at,\n"
		"CASE n %% 3 WHEN 0 THEN '%s'::uuid END, 'm', n, n * 0.5,\n"
		"CASE WHEN n %% 5 > 0 THEN n * 10 END, n %% 7 > 0\n"
		"FROM generate_series(0, 99) AS n,\n"
		"LATERAL (SELECT date '%s' + n * interval '7 minutes' AS at) AS v",
	    client, id, day);
	EXPECT_TALLY(EX_OK, NULL, "rollup", "--from", day, "--to", day);
	EXPECT_TALLY(EX_OK, NULL, "flush");
	assert_string_not_equal(
	    api_sql("SELECT count(*) FROM cost_aggregates WHERE key[1] = '%s'", id), "0");
	erasing_run("--user", id);
	erasing_expect_nowhere(id);
	merged = api_sql(rows, client);
	EXPECT_TALLY(EX_OK, NULL, "rollup", "--from", day, "--to", day);
	assert_string_equal(api_sql(rows, client), merged);
}

static void
a_second_time_the_receipt_is_the_first(UNUSED void **state)
{
	const char *id, *first;

	client = erasing_use_client("erasure-twice");
	id = erasing_add_user("erasure-twice");
	first = erasing_run("--email", "Erasure-Twice@example.org");
	assert_non_null(strstr(first, "\"finished_at\":\"2"));
	assert_string_equal(erasing_run("--user", id), first);
	assert_string_equal(erasing_run("--external-id", "erasure-twice"), first);
	api_expect(202, "POST", api_text("/v1/users/%s/erase", id), "{}");
	assert_string_equal(api_text("%s\n", api_answer()->body), first);
	/* Once that is forgotten, nobody knows that there was such a user. */
	api_sql("UPDATE erased_users SET erased_at = now() - interval '31 days'");
	api_expect(404, "POST", api_text("/v1/users/%s/erase", id), "{}");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	assert_string_equal(api_sql("SELECT count(*) FROM erased_users"), "0");
}

static void
the_service_takes_the_order_and_the_job_does_it(UNUSED void **state)
{
	const char *id, *erasure, *session;

	client = erasing_use_client("erasure-api");
	id = erasing_add_user("erasure-api");
	add_record(id, "");
	session = api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", id));
	api_expect(202, "POST", api_text("/v1/users/%s/erase", id), "{}");
	erasure = api_keep("id");
	assert_string_equal(api_json("finished_at"), "null");
	assert_string_equal(api_json("origin"), "api");
	/* At once the user is nobody's to use. */
	api_expect(404, "GET", api_text("/v1/users/%s", id), NULL);
	assert_string_equal(
	    api_sql("SELECT revoked_at IS NOT NULL FROM sessions WHERE id = '%s'", session), "t");
	api_expect(202, "POST", api_text("/v1/users/%s/erase", id), "{}");
	assert_string_equal(api_json("id"), erasure);
	EXPECT_TALLY(EX_OK, "\"rows\":1", "erase", "--dry-run", "--json");
	EXPECT_TALLY(EX_OK, NULL, "erase");
	erasing_expect_nowhere(id);
	api_expect(200, "GET", api_text("/v1/erasures/%s", erasure), NULL);
	assert_string_not_equal(api_json("finished_at"), "null");
	assert_string_equal(api_json("removed.chat_logs"), "1");
	assert_string_equal(api_json("removed.users"), "1");
	api_expect(200, "GET", "/v1/erasures", NULL);
	assert_int_equal(api_rows(), 1);
	api_use_scope("logs:read");
	api_expect(403, "GET", "/v1/erasures", NULL);
	api_expect(403, "POST", api_text("/v1/users/%s/erase", id), "{}");
}

/* More than two steps' worth. */
static void
a_person_with_many_records_goes_in_steps(UNUSED void **state)
{
	int count = 2 * ERASURE_PORTION + 1;
	const char *id;

	client = erasing_use_client("erasure-many");
	id = erasing_add_user("erasure-many");
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, user_id)\n"
		"SELECT '%s', gen_random_uuid(), now() - n * interval '1 minute', '%s'\n"
		"FROM generate_series(1, %d) AS n",
	    client, id, count);
	assert_non_null(strstr(erasing_run("--user", id), api_text("\"chat_logs\": %d", count)));
	erasing_expect_nowhere(id);
}

static void
a_command_that_names_nobody_is_refused(UNUSED void **state)
{
	client = erasing_use_client("erasure-named");
	EXPECT_TALLY(EX_USAGE, "--client is needed", "erase", "--client=erasure-named");
	EXPECT_TALLY(EX_USAGE, "--client is needed", "erase", "--user=x");
	EXPECT_TALLY(
	    EX_USAGE, "one of", "erase", "--client=erasure-named", "--user=x", "--email=y");
	EXPECT_TALLY(EX_USAGE, "takes an id", "erase", "--client=erasure-named", "--user=x");
	EXPECT_TALLY(EX_DATAERR, NULL, "erase", "--client=erasure-named", "--external-id=x");
}

static void
a_dry_run_shows_what_would_go(UNUSED void **state)
{
	const char *id;

	client = erasing_use_client("erasure-dry");
	id = erasing_add_user("erasure-dry");
	add_record(id, "");
	EXPECT_TALLY(EX_OK, "\"chat_logs\": 1", "erase", "--client=erasure-dry",
	    api_text("--user=%s", id), "--dry-run", "--json");
	api_expect(200, "GET", api_text("/v1/users/%s", id), NULL);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM erasures WHERE client_id = '%s'", client), "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_column_is_told_what_it_is),
		cmocka_unit_test(nothing_says_who_it_was_and_every_sum_is_as_it_was),
		cmocka_unit_test(sums_of_a_person_become_nobodys),
		cmocka_unit_test(a_second_time_the_receipt_is_the_first),
		cmocka_unit_test(the_service_takes_the_order_and_the_job_does_it),
		cmocka_unit_test(a_person_with_many_records_goes_in_steps),
		cmocka_unit_test(a_command_that_names_nobody_is_refused),
		cmocka_unit_test(a_dry_run_shows_what_would_go),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
