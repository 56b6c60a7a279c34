/* /v1/budgets through nginx: what is listed, changed and deleted, and by whom. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/budget.h"
#include "tests/api.h"

#define PLAIN "\"window\":\"day\",\"limit_cents\":100"

static const char *
add(const char *name, const char *rest)
{
	return api_add("/v1/budgets", api_text("{\"name\":\"%s\",%s}", name, rest));
}

static const char *
budget(const char *id, const char *rest)
{
	return api_text("/v1/budgets/%s%s", id, rest);
}

/* The ETag of the last answer, kept until the program ends. */
static const char *
etag(void)
{
	const char *value = http_header(api_answer(), "etag");

	assert_non_null(value);
	return api_text("%s", value);
}

static long
send_if(const char *method, const char *id, const char *tags, const char *body)
{
	const char *const headers[] = { api_text("If-Match: %s", tags), NULL };

	return api_send(method, budget(id, ""), headers, body);
}

static void
a_change_keeps_the_rest(UNUSED void **state)
{
	const char *id;

	api_use_new_client("budgets-change");
	id = add("first", PLAIN ",\"limit_requests\":5,\"scope\":{\"feature\":\"chat\"}");
	api_expect(200, "PATCH", budget(id, ""),
	    "{\"name\":\"second\",\"limit_cents\":0,\"mode\":\"shadow\",\"thresholds\":[90]}");
	assert_string_equal(api_json("name"), "second");
	assert_string_equal(api_json("limit_cents"), "0");
	assert_string_equal(api_json("limit_requests"), "5");
	assert_string_equal(api_json("mode"), "shadow");
	assert_string_equal(api_json("thresholds"), "[90]");
	assert_string_equal(api_json("on_counter_loss"), "open");
	assert_string_equal(api_json("scope"), "{\"feature\":\"chat\"}");
	api_expect(200, "PATCH", budget(id, ""),
	    "{\"override\":{\"amount_cents\":1,\"until\":\"2999-01-01T00:00:00Z\"}}");
	assert_string_equal(api_json("override.amount_cents"), "1");
	api_expect(200, "PATCH", budget(id, ""), "{\"limit_cents\":null,\"override\":null}");
	assert_string_equal(api_json("limit_cents"), "null");
	assert_string_equal(api_json("override"), "null");
	api_send("PATCH", budget(id, ""), NULL, "{\"limit_requests\":null}");
	api_expect_field("the last limit stays", "limit_cents");
	assert_string_equal(
	    api_sql("SELECT string_agg(action || coalesce(before->>'name', '-') ||\n"
		    "(after->>'name'), ' ' ORDER BY id) FROM audit_log WHERE entity_id = '%s'",
		id),
	    "add-first changefirstsecond changesecondsecond changesecondsecond");
}

static void
what_a_budget_counts_is_not_changed(UNUSED void **state)
{
	static const char *const bodies[] = { "{\"scope\":{}}", "{\"each\":\"model\"}",
		"{\"window\":\"week\"}", "{\"rolling_hours\":3}", "{\"timezone\":\"UTC\"}" };
	const char *id;

	api_use_new_client("budgets-fixed");
	id = add("fixed", PLAIN);
	for (size_t i = 0; i < COUNT(bodies); i++)
		api_expect(422, "PATCH", budget(id, ""), bodies[i]);
	/* Nor by anything else that holds the service's role. */
	assert_string_equal(
	    api_sql("SELECT bool_or(has_column_privilege(r, 'budgets', c,\n"
		    "'UPDATE')) FROM unnest(ARRAY['tally_app', 'tally_worker']) AS r,\n"
		    "unnest(ARRAY['user_id', 'each_by', 'period', 'timezone',\n"
		    "'client_id', 'id', 'version']) AS c"),
	    "f");
}

static void
an_override_that_is_over_is_in_nobodys_way(UNUSED void **state)
{
	const char *id;

	api_use_new_client("budgets-over");
	id = add("over", PLAIN ",\"override\":{\"amount_cents\":900719825,"
			       "\"until\":\"2999-01-01T00:00:00Z\"}");
	api_send("PATCH", budget(id, ""), NULL, "{\"limit_cents\":200}");
	api_expect_field("limit and override have a limit", "override.amount_cents");
	api_sql("UPDATE budgets SET override_until = now() - interval '1 minute'\n"
		"WHERE id = '%s'",
	    id);
	api_expect(200, "PATCH", budget(id, ""), "{\"limit_cents\":200}");
	assert_string_equal(api_json("override"), "null");
}

static void
the_etag_keeps_changes_apart(UNUSED void **state)
{
	const char *id, *first, *second;

	api_use_new_client("budgets-etag");
	id = add("tagged", PLAIN);
	first = etag();
	api_expect(200, "GET", budget(id, ""), NULL);
	assert_string_equal(etag(), first);
	assert_int_equal(send_if("PATCH", id, first, "{\"limit_cents\":1}"), 200);
	second = etag();
	assert_string_not_equal(second, first);
	assert_int_equal(send_if("PATCH", id, first, "{\"limit_cents\":2}"), 412);
	assert_int_equal(send_if("DELETE", id, first, NULL), 412);
	assert_int_equal(send_if("PATCH", id, "\"none\"", "{\"limit_cents\":2}"), 412);
	assert_int_equal(send_if("PATCH", id, "1", "{\"limit_cents\":2}"), 412);
	api_expect(200, "GET", budget(id, ""), NULL);
	assert_string_equal(api_json("limit_cents"), "1");
	assert_int_equal(send_if("PATCH", id, second, "{\"limit_cents\":1}"), 200);
	assert_string_equal(etag(), second);
	assert_int_equal(
	    send_if("PATCH", id, api_text("\"x\", W/%s", second), "{\"limit_cents\":3}"), 200);
	assert_int_equal(send_if("PATCH", id, "*", "{\"limit_cents\":4}"), 200);
	assert_int_equal(send_if("DELETE", id, etag(), NULL), 204);
	assert_int_equal(send_if("PATCH", id, "*", "{\"limit_cents\":4}"), 404);
}

static void
a_name_is_taken_until_its_budget_is_deleted(UNUSED void **state)
{
	const char *id, *other;

	api_use_new_client("budgets-name");
	id = add("monthly", PLAIN);
	other = add("yearly", PLAIN);
	api_expect(409, "POST", "/v1/budgets", "{\"name\":\"monthly\"," PLAIN "}");
	api_expect_field("a name is one budget's", "name");
	api_expect(409, "PATCH", budget(other, ""), "{\"name\":\"monthly\"}");
	api_expect(204, "DELETE", budget(id, ""), NULL);
	api_expect(404, "GET", budget(id, ""), NULL);
	api_expect(404, "GET", budget(id, "/status"), NULL);
	api_expect(404, "DELETE", budget(id, ""), NULL);
	api_expect(200, "PATCH", budget(other, ""), "{\"name\":\"monthly\"}");
	api_use_new_client("budgets-name-2");
	add("monthly", PLAIN);
}

static void
a_budget_goes_with_its_user(UNUSED void **state)
{
	const char *user, *id;

	api_use_new_client("budgets-user");
	user = api_add("/v1/users", "{\"email\":\"a@b\"}");
	id = add("hers", api_text(PLAIN ",\"scope\":{\"user_id\":\"%s\"}", user));
	api_expect(204, "DELETE", api_text("/v1/users/%s", user), NULL);
	api_expect(200, "GET", budget(id, ""), NULL);
	api_sql("DELETE FROM users WHERE id = '%s'", user);
	api_expect(404, "GET", budget(id, ""), NULL);
}

static void
a_list_is_in_pages(UNUSED void **state)
{
	const char *first, *second, *third;

	api_use_new_client("budgets-list");
	first = add("one", PLAIN);
	second = add("two", PLAIN);
	third = add("three", PLAIN);
	api_expect(200, "GET", "/v1/budgets?limit=2", NULL);
	assert_int_equal(api_rows(), 2);
	assert_string_equal(api_json("data.0.id"), third);
	assert_string_equal(api_json("data.1.id"), second);
	add("four", PLAIN);
	api_expect(200, "GET", "/v1/budgets?limit=2", NULL);
	api_expect(
	    200, "GET", api_text("/v1/budgets?limit=3&cursor=%s", api_json("next_cursor")), NULL);
	assert_int_equal(api_rows(), 2);
	assert_string_equal(api_json("data.1.id"), first);
	assert_string_equal(api_json("next_cursor"), "null");
}

static void
a_client_has_so_many_budgets(UNUSED void **state)
{
	api_use_new_client("budgets-count");
	api_sql("INSERT INTO budgets (client_id, id, name, period, timezone, limit_cents, mode,\n"
		"unpriced) SELECT c.id, gen_random_uuid(), 'b' || n, 'day', 'UTC', 1, 'hard',\n"
		"'block' FROM clients AS c, generate_series(2, %d) AS n\n"
		"WHERE c.name = 'budgets-count'",
	    BUDGETS_MAX);
	add("last", PLAIN);
	api_expect(409, "POST", "/v1/budgets", "{\"name\":\"more\"," PLAIN "}");
	api_expect(200, "GET", "/v1/budgets/check", NULL);
	assert_string_equal(api_json("budgets.999.spent_cents"), "0");
}

static void
scopes_of_keys_are_kept_apart(UNUSED void **state)
{
	const char *id;

	api_use_new_client("budgets-scopes");
	api_use_scope("budgets:write");
	id = add("b", PLAIN);
	api_expect(403, "GET", "/v1/budgets", NULL);
	api_use_scope("budgets:read");
	api_expect(200, "GET", budget(id, "/status"), NULL);
	api_expect(403, "PATCH", budget(id, ""), "{\"name\":\"c\"}");
	api_expect(403, "DELETE", budget(id, ""), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_keeps_the_rest),
		cmocka_unit_test(what_a_budget_counts_is_not_changed),
		cmocka_unit_test(an_override_that_is_over_is_in_nobodys_way),
		cmocka_unit_test(the_etag_keeps_changes_apart),
		cmocka_unit_test(a_name_is_taken_until_its_budget_is_deleted),
		cmocka_unit_test(a_budget_goes_with_its_user),
		cmocka_unit_test(a_list_is_in_pages),
		cmocka_unit_test(a_client_has_so_many_budgets),
		cmocka_unit_test(scopes_of_keys_are_kept_apart),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
