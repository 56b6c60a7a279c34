/*
 * GET /v1/audit-log: who sees which entries, by which filters, page by page and in which form; and
 * that no role can change, remove or empty the log.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/api/audit.h"
#include "tests/api.h"

static const char *client, *client_key, *operator_key;
static const char *user, *budget, *others_user;

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("another");
	others_user = api_add("/v1/users", "{\"external_id\":\"of-another\"}");
	operator_key = api_use_operator();
	api_use_new_client("house");
	client_key = api_key();
	client = api_sql("SELECT id FROM clients WHERE name = 'house'");
	user = api_add("/v1/users", "{\"external_id\":\"one\"}");
	api_expect(200, "PATCH", api_text("/v1/users/%s", user),
	    "{\"email\":\"a,\\\"b\\\"@example.com\"}");
	budget = api_add("/v1/budgets", "{\"name\":\"b\",\"window\":\"day\",\"limit_cents\":1}");
	api_expect(204, "DELETE", api_text("/v1/budgets/%s", budget), NULL);
	api_sql("INSERT INTO audit_log (client_id, id, created_at, action, entity) VALUES ('%s',"
		" '0176bb3e-7000-7000-8000-000000000000', '2021-01-01Z', 'import', 'things')",
	    client);
	return 0;
}

/* Each test begins with the client's key. */
static int
use_client(UNUSED void **state)
{
	api_use_key(client_key);
	return 0;
}

static void
an_entry_says_who_did_what(UNUSED void **state)
{
	const char *request;

	api_expect(200, "PATCH", api_text("/v1/users/%s", user), "{\"tier\":\"premium\"}");
	request = api_text("%s", http_header(api_answer(), "x-request-id"));
	api_expect(200, "GET", "/v1/audit-log?limit=1", NULL);
	api_expect_json("data.0.action", "change");
	api_expect_json("data.0.entity", "users");
	api_expect_json("data.0.entity_id", user);
	api_expect_json("data.0.before.tier", "free");
	api_expect_json("data.0.after.tier", "premium");
	api_expect_json("data.0.client_id", client);
	api_expect_json("data.0.request_id", request);
	api_expect_json("data.0.ip_address", "127.0.0.1");
	api_expect_json("data.0.user_id", "null");
	api_expect_json("data.0.api_key_id",
	    api_sql("SELECT id FROM auth_tokens WHERE client_id = '%s'", client));
}

static void
filters_choose_entries(UNUSED void **state)
{
	const char *key = api_sql("SELECT id FROM auth_tokens WHERE client_id = '%s'", client);
	const struct {
		const char *sentence, *query;
		int rows;
	} cases[] = {
		{ "all of the client's", "", 6 },
		{ "an entity", "?entity=budgets", 2 },
		{ "an id", api_text("?entity_id=%s", user), 3 },
		{ "an id of another entity", api_text("?entity=budgets&entity_id=%s", user), 0 },
		{ "an action", "?action=add", 2 },
		{ "an entity and an action", "?entity=users&action=change", 2 },
		{ "the key", api_text("?api_key_id=%s", key), 5 },
		{ "another key", api_text("?api_key_id=%s", user), 0 },
		{ "a user by whose key it was", api_text("?user_id=%s", user), 0 },
		{ "since long ago", "?since=2020-01-01T00:00:00Z", 6 },
		{ "until long ago", "?until=2020-01-01T00:00:00Z", 0 },
		{ "since its millisecond", "?since=2021-01-01T00:00:00Z", 6 },
		{ "since the next", "?since=2021-01-01T00:00:00.001Z", 5 },
		{ "until its millisecond", "?until=2021-01-01T00:00:00Z", 0 },
		{ "until the next", "?until=2021-01-01T00:00:00.001Z", 1 },
		{ "another client's row", api_text("?entity_id=%s", others_user), 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		api_expect(200, "GET", api_text("/v1/audit-log%s", cases[i].query), NULL);
		if (api_rows() != cases[i].rows)
			fail_msg("%s: %s", cases[i].sentence, api_answer()->body);
	}
}

static void
what_no_entry_can_have_is_refused(UNUSED void **state)
{
	const struct {
		const char *sentence, *query, *field;
	} cases[] = {
		{ "a client's key names a client", api_text("?client_id=%s", client), "client_id" },
		{ "a time that ends before it begins",
		    "?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "until" },
		{ "a page of JSON that is too long", "?limit=501", "limit" },
		{ "a cursor that was made up", "?cursor=abc", "cursor" },
		{ "an unknown parameter", "?who=me", "who" },
		{ "an empty entity", "?entity=", "entity" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		api_send("GET", api_text("/v1/audit-log%s", cases[i].query), NULL, NULL);
		api_expect_field(cases[i].sentence, cases[i].field);
	}
}

/* Newest first, each once, whatever is added meanwhile. */
static void
pages_have_each_entry_once(UNUSED void **state)
{
	const char *path = "/v1/audit-log?limit=2", *seen = "";
	int count = 0, added = 0;

	for (bool more = true; more;) {
		api_expect(200, "GET", path, NULL);
		for (int i = 0; i < api_rows(); i++, count++) {
			const char *id = api_keep(api_text("data.%d.id", i));

			assert_true(seen[0] == '\0' || strcmp(id, seen) < 0);
			seen = id;
		}
		more = strcmp(api_json("next_cursor"), "null") != 0;
		path = api_text("/v1/audit-log?limit=2&cursor=%s", api_json("next_cursor"));
		api_add("/v1/users", "{\"tier\":\"anonymous\"}");
		added++;
	}
	assert_string_equal(api_text("%d", count),
	    api_sql("SELECT count(*) - %d FROM audit_log WHERE client_id = '%s'", added, client));
}

static void
entries_come_as_lines_and_as_csv(UNUSED void **state)
{
	const char *const lines[] = { "Accept: application/x-ndjson", NULL };
	const char *const csv[] = { "Accept: text/csv", NULL };
	const char *path = api_text("/v1/audit-log?entity_id=%s", user), *cursor;

	assert_int_equal(api_send("GET", path, lines, NULL), 200);
	assert_int_equal(api_lines(), 3);
	assert_int_equal(api_send("GET", path, csv, NULL), 200);
	assert_int_equal(api_lines(), 4);
	assert_int_equal(strncmp(api_answer()->body, "id,created_at,client_id,action,", 31), 0);
	/* Quotes of the JSON within those of the field, and within those of the text. */
	assert_non_null(strstr(api_answer()->body, "a,\\\"\"b\\\"\"@example.com"));
	assert_int_equal(api_send("GET", api_text("%s&limit=2", path), csv, NULL), 200);
	assert_int_equal(api_lines(), 3);
	cursor = api_text("%s", http_header(api_answer(), "x-next-cursor"));
	assert_int_equal(
	    api_send("GET", api_text("%s&limit=2&cursor=%s", path, cursor), csv, NULL), 200);
	assert_int_equal(api_lines(), 2);
	assert_null(http_header(api_answer(), "x-next-cursor"));
	assert_int_equal(
	    api_send("GET", api_text("/v1/audit-log?limit=%d", AUDIT_EXPORT_ROWS_MAX), csv, NULL),
	    200);
	assert_int_equal(
	    api_send(
		"GET", api_text("/v1/audit-log?limit=%d", AUDIT_EXPORT_ROWS_MAX + 1), csv, NULL),
	    422);
}

static void
operators_see_every_clients_entries(UNUSED void **state)
{
	api_use_key(operator_key);
	api_expect(
	    200, "GET", api_text("/v1/audit-log?client_id=%s&entity_id=%s", client, user), NULL);
	assert_in_range(api_rows(), 2, 3);
	api_expect_json("data.0.client_id", client);
	api_expect(200, "GET",
	    api_text("/v1/audit-log?client_id=%s&entity_id=%s", client, others_user), NULL);
	assert_int_equal(api_rows(), 0);
	api_expect(200, "GET", api_text("/v1/audit-log?entity_id=%s", others_user), NULL);
	assert_int_equal(api_rows(), 1);
	/* Its own are nobody's. */
	api_expect(200, "PATCH", api_text("/v1/clients/%s", client), "{\"plan\":\"pro\"}");
	api_expect(200, "GET", "/v1/audit-log?limit=1", NULL);
	api_expect_json("data.0.entity", "clients");
	api_expect_json("data.0.client_id", "null");
	api_use_key(client_key);
	api_expect(200, "GET", "/v1/audit-log?entity=clients", NULL);
	assert_int_equal(api_rows(), 0);
}

static void
no_role_changes_or_empties_it(UNUSED void **state)
{
	const char *const roles[] = { "tally_app", "tally_worker", "tally_owner", "postgres" };
	const char *const statements[] = { "UPDATE audit_log SET action = action",
		"DELETE FROM audit_log", "TRUNCATE audit_log", "TRUNCATE audit_log CASCADE",
		"TRUNCATE clients CASCADE" };

	api_sql(
	    "CREATE FUNCTION try(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$"
	    " BEGIN"
	    " PERFORM set_config('app.client_id', (SELECT string_agg(id::text, ',') FROM clients),"
	    " true);"
	    " EXECUTE format('SET LOCAL ROLE %%I', role);"
	    " EXECUTE statement;"
	    " RETURN 'done';"
	    " EXCEPTION WHEN insufficient_privilege OR restrict_violation THEN RETURN 'refused';"
	    " END $$");
	for (size_t i = 0; i < COUNT(roles); i++) {
		for (size_t j = 0; j < COUNT(statements); j++) {
			if (strcmp(api_sql("SELECT try('%s', '%s')", roles[i], statements[j]),
				"refused") != 0)
				fail_msg("%s may %s", roles[i], statements[j]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_entry_says_who_did_what, use_client),
		cmocka_unit_test_setup(filters_choose_entries, use_client),
		cmocka_unit_test_setup(what_no_entry_can_have_is_refused, use_client),
		cmocka_unit_test_setup(entries_come_as_lines_and_as_csv, use_client),
		cmocka_unit_test_setup(operators_see_every_clients_entries, use_client),
		cmocka_unit_test_setup(pages_have_each_entry_once, use_client),
		cmocka_unit_test_setup(no_role_changes_or_empties_it, use_client),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
