/* The erasure of a person: nothing says who it was, and every sum is as it was. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "lib/model/erasure_tables.h"
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
	for (size_t n = 0; erasure_table_at(n) != NULL; n++) {
		const struct erasure_table *table = erasure_table_at(n);
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

/* Ten credits, and what was written beside them. */
static void
add_credits(const char *user)
{
	api_expect(201, "POST", api_text("/v1/credit-accounts/%s/transactions", user),
	    "{\"type\":\"purchase\",\"amount\":10,\"description\":\"" MARK "\"}");
}

static void
add_proofs(const char *user)
{
	api_sql("INSERT INTO user_mfa (client_id, user_id, secret) VALUES ('%s', '%s', 'x')",
	    client, user);
	api_sql(
	    "INSERT INTO email_verifications (client_id, user_id, token_hash, email, created_at,\n"
	    "expires_at) VALUES ('%s', '%s', sha256('e'), '" EMAIL "', now(), now())",
	    client, user);
}

static void
fail_to_log_in(const char *user)
{
	static const char failures[] =
	    "SELECT count(*) FROM login_failures WHERE subject = sha256('user:' || uuid_send('%s'))";

	api_expect(401, "POST", "/v1/auth/login",
	    "{\"email\":\"" EMAIL "\",\"password\":\"not-the-right-one\"}");
	assert_string_equal(api_sql(failures, user), "1");
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
	add_credits(person.id);
	add_proofs(person.id);
	fail_to_log_in(person.id);
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
	(void)api_add("/v1/tool-executions",
	    api_text("{\"tool\":\"t\",\"user_id\":\"%s\",\"arguments\":{\"a\":\"" MARK "\"},"
		     "\"error_message\":\"" MARK "\",\"conversation_id\":\"%s\"}",
		person.id, record));
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
	    "GROUP BY 1, 2, 3\n"
	    "UNION ALL SELECT start::text, 'costs', days::text, NULL, sum(cost_nanos), 0,\n"
	    "sum(calls), 0 FROM user_costs WHERE client_id = '%s' GROUP BY 1, 2, 3\n"
	    "UNION ALL SELECT id::text, 'credits', owner, NULL, current_balance, last_sequence, 0,\n"
	    "0 FROM credit_accounts WHERE client_id = '%s') AS s",
	    client, client, client, client, client);
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
		"alerts", "idempotency_keys", "audit_log", "sessions", "auth_tokens", "users",
		"user_costs", "credit_details", "credit_accounts", "login_failures", "user_mfa",
		"email_verifications" };
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_column_is_told_what_it_is),
		cmocka_unit_test(nothing_says_who_it_was_and_every_sum_is_as_it_was),
		cmocka_unit_test(sums_of_a_person_become_nobodys),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
