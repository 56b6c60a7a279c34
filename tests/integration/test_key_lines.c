/*
 * A key and those it was rotated into are counted as one: in the log, in budgets and
 * authorizations, whichever of them is named, and when purge has removed the older ones.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

#define CALL "{\"input_tokens\":10,\"estimated_cost_cents\":2}"
#define NOBODY "0193d7a0-0000-7000-8000-000000000001"

static const char *operator;

struct key {
	const char *client;
	const char *id;
	const char *text;
};

static int
start(void **state)
{
	api_start(state);
	operator= api_use_operator();
	return 0;
}

static struct key
add_key(const char *client)
{
	const char *keys = api_text("/v1/clients/%s/api-keys", client);
	struct key key = { .client = client };

	api_use_key(operator);
	key.id = api_add(keys,
	    "{\"name\":\"k\",\"scopes\":[\"logs:write\",\"budgets:read\",\"budgets:write\",\"authorize\"]}");
	key.text = api_keep("key");
	api_use_key(key.text);
	return key;
}

/* The first key of a new client; the calls from here on use it, as for the key below. */
static struct key
first_key(const char *name)
{
	api_use_key(operator);
	return add_key(api_add("/v1/clients", api_text("{\"name\":\"%s\"}", name)));
}

static struct key
rotate(struct key old, int grace_s)
{
	struct key key = { .client = old.client };

	api_use_key(operator);
	key.id = api_add(api_text("/v1/clients/%s/api-keys/%s/rotate", old.client, old.id),
	    api_text("{\"grace_seconds\":%d}", grace_s));
	key.text = api_keep("key");
	api_use_key(key.text);
	return key;
}

static const char *
add_budget(const char *key_id)
{
	return api_add(
	    "/v1/budgets", api_text("{\"name\":\"%s\",\"window\":\"total\",\"limit_cents\":100,"
				    "\"scope\":{\"api_key_id\":\"%s\"}}",
			       key_id, key_id));
}

static void
expect_status(const char *budget, const char *spent, const char *held)
{
	api_expect(200, "GET", api_text("/v1/budgets/%s/status", budget), NULL);
	api_expect_json("source", "redis");
	api_expect_json("spent_cents", spent);
	api_expect_json("held_cents", held);
}

static void
expect_told(struct key key, const char *spent, const char *held)
{
	api_expect(200, "GET", api_text("/v1/budgets/check?api_key_id=%s", key.id), NULL);
	api_expect_json("budgets.0.spent_cents", spent);
	api_expect_json("budgets.0.held_cents", held);
}

static void
the_books_agree(void)
{
	struct servers *servers = api_servers();

	EXPECT_TALLY(EX_OK, NULL, "flush");
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
	EXPECT_TALLY(EX_OK, "\"drift_cents\":0", "reconcile", "--json");
	EXPECT_TALLY(EX_OK, "\"differences\":0", "verify", "--json");
}

static void
the_answers_tell_the_line(void **state)
{
	struct key first = first_key("telling"), second, third;

	(void)state;
	second = rotate(first, 3600);
	api_expect_json("lineage_id", first.id);
	third = rotate(second, 3600);
	api_expect_json("lineage_id", first.id);
	api_use_key(operator);
	api_expect(200, "GET", api_text("/v1/clients/%s/api-keys", first.client), NULL);
	for (int i = 0; i < 3; i++)
		api_expect_json(api_text("data.%d.lineage_id", i), first.id);
	api_expect_json("data.0.id", third.id);
	(void)add_key(first.client);
	api_expect_json("lineage_id", api_keep("id"));
}

static void
a_budget_counts_the_calls_of_its_line(void **state)
{
	struct key old = first_key("counting"), other = add_key(old.client), young;
	const char *budget, *authorization;

	(void)state;
	api_use_key(old.text);
	budget = add_budget(old.id);
	api_add("/v1/chat-logs", CALL);
	young = rotate(old, 3600);
	api_add("/v1/chat-logs", CALL);
	api_use_key(old.text);
	api_add("/v1/chat-logs", CALL);
	api_use_key(other.text);
	api_add("/v1/chat-logs", CALL);
	expect_status(budget, "6", "0");
	api_use_key(young.text);
	authorization = api_add("/v1/authorizations", "{\"max_cost_cents\":3}");
	api_expect_json("budget.spent_cents", "6");
	api_expect_json("budget.held_cents", "3");
	api_expect_json("api_key_id", old.id);
	expect_status(budget, "6", "3");
	expect_told(old, "6", "3");
	expect_told(young, "6", "3");
	api_expect(200, "GET", api_text("/v1/budgets/check?api_key_id=%s", other.id), NULL);
	api_expect_json("budgets", "[]");
	api_add("/v1/chat-logs", api_text("{\"authorization_id\":\"%s\",\"input_tokens\":1,"
					  "\"estimated_cost_cents\":1}",
				     authorization));
	expect_status(budget, "7", "0");
	the_books_agree();
}

static void
the_limit_is_that_of_the_line(void **state)
{
	struct key old = first_key("limited"), young;

	(void)state;
	api_add("/v1/budgets", api_text("{\"name\":\"b\",\"window\":\"total\",\"limit_cents\":10,"
					"\"scope\":{\"api_key_id\":\"%s\"}}",
				   old.id));
	api_add("/v1/authorizations", "{\"max_cost_cents\":6}");
	young = rotate(old, 3600);
	api_expect(402, "POST", "/v1/authorizations", "{\"max_cost_cents\":5}");
	api_add("/v1/authorizations", "{\"max_cost_cents\":4}");
	expect_told(young, "0", "10");
}

static void
any_key_names_its_line(void **state)
{
	struct key first = first_key("naming"), second, third;
	struct servers *servers = api_servers();
	const char *budget, *scope;

	(void)state;
	api_add("/v1/chat-logs", CALL);
	second = rotate(first, 3600);
	third = rotate(second, 3600);
	api_add("/v1/chat-logs", CALL);
	budget = add_budget(second.id);
	api_expect_json("scope.api_key_id", first.id);
	expect_status(budget, "4", "0");
	expect_told(third, "4", "0");
	scope = api_text("api_key_id=%s", third.id);
	EXPECT_TALLY(EX_OK, first.id, "budget", "set", "--client=naming", "--name", second.id,
	    "--scope", scope, "--limit-cents=7");
	EXPECT_TALLY(EX_OK, first.id, "budget", "set", "--client=naming", "--name=another",
	    "--scope", scope, "--limit-cents=7", "--window=day");
}

static void
a_key_of_nobody_or_of_another_client_is_none(void **state)
{
	struct key other = rotate(first_key("other"), 3600), own = first_key("own");
	const char *const ids[] = { NOBODY, other.id };

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		api_send("POST", "/v1/budgets", NULL,
		    api_text("{\"name\":\"b\",\"window\":\"total\",\"limit_cents\":1,"
			     "\"scope\":{\"api_key_id\":\"%s\"}}",
			ids[i]));
		api_expect_field(ids[i], "scope.api_key_id");
		api_send("GET", api_text("/v1/budgets/check?api_key_id=%s", ids[i]), NULL, NULL);
		api_expect_field(ids[i], "api_key_id");
	}
	add_budget(own.id);
}

static void
a_line_is_one_bucket(void **state)
{
	struct key old = first_key("bucket"), young;
	const char *budget;

	(void)state;
	budget = api_add("/v1/budgets",
	    "{\"name\":\"b\",\"window\":\"total\",\"limit_cents\":10,\"each\":\"api_key_id\"}");
	api_add("/v1/chat-logs", CALL);
	young = rotate(old, 3600);
	api_add("/v1/chat-logs", CALL);
	api_add("/v1/authorizations", "{\"max_cost_cents\":1}");
	api_expect_json("budget.bucket", old.id);
	api_expect(200, "GET", api_text("/v1/budgets/%s/status", budget), NULL);
	api_expect_json("buckets.0.bucket", old.id);
	api_expect_json("buckets.0.spent_cents", "4");
	api_expect_json("buckets.1", "(none)");
	expect_told(young, "4", "1");
	api_expect_json("budgets.0.bucket", old.id);
	the_books_agree();
}

/* What was done is told of the key that did it. */
static void
the_audit_log_names_the_key_itself(void **state)
{
	struct key old = first_key("audited"), young = rotate(old, 3600);
	const char *budget = add_budget(old.id);

	(void)state;
	assert_string_equal(
	    api_sql("SELECT api_key_id FROM audit_log WHERE entity_id = '%s'", budget), young.id);
}

static const char *
keys_of(struct key key)
{
	return api_sql(
	    "SELECT coalesce(string_agg(CASE WHEN id = '%s' THEN 'first' ELSE 'later' END, ' '"
	    " ORDER BY id), 'none') FROM auth_tokens WHERE client_id = '%s'",
	    key.id, key.client);
}

static void
the_budget_outlives_its_key_but_not_its_line(void **state)
{
	struct key first = first_key("purged"), second, third;
	struct servers *servers = api_servers();
	const char *budget = add_budget(first.id);

	(void)state;
	api_add("/v1/chat-logs", CALL);
	second = rotate(first, 0);
	EXPECT_TALLY(EX_OK, NULL, "purge");
	assert_string_equal(keys_of(first), "first later");
	third = rotate(second, 0);
	EXPECT_TALLY(EX_OK, NULL, "purge");
	assert_string_equal(keys_of(first), "first later");
	api_add("/v1/chat-logs", CALL);
	expect_status(budget, "4", "0");
	expect_told(third, "4", "0");
	the_books_agree();
	api_sql("UPDATE auth_tokens SET expires_at = now() WHERE id = '%s' RETURNING 1", third.id);
	EXPECT_TALLY(EX_OK, NULL, "purge");
	assert_string_equal(keys_of(first), "first");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	assert_string_equal(keys_of(first), "none");
	assert_string_equal(api_sql("SELECT count(*) FROM budgets WHERE id = '%s'", budget), "0");
}

static void
the_keys_of_a_user_go_with_the_user(void **state)
{
	struct key first = first_key("parting");

	(void)state;
	(void)rotate(first, 3600);
	api_sql("INSERT INTO users (client_id, id, external_id) VALUES ('%s', '%s', 'ann')"
		" RETURNING 1",
	    first.client, NOBODY);
	api_sql("UPDATE auth_tokens SET user_id = '%s' WHERE client_id = '%s' RETURNING 1", NOBODY,
	    first.client);
	assert_string_equal(keys_of(first), "first later");
	api_sql("DELETE FROM users WHERE client_id = '%s' RETURNING 1", first.client);
	assert_string_equal(keys_of(first), "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answers_tell_the_line),
		cmocka_unit_test(a_budget_counts_the_calls_of_its_line),
		cmocka_unit_test(the_limit_is_that_of_the_line),
		cmocka_unit_test(any_key_names_its_line),
		cmocka_unit_test(a_key_of_nobody_or_of_another_client_is_none),
		cmocka_unit_test(a_line_is_one_bucket),
		cmocka_unit_test(the_audit_log_names_the_key_itself),
		cmocka_unit_test(the_budget_outlives_its_key_but_not_its_line),
		cmocka_unit_test(the_keys_of_a_user_go_with_the_user),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
