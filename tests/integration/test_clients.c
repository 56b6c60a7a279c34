/* Clients, as an operator sees them through nginx. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

static int
start(void **state)
{
	api_start(state);
	api_use_operator();
	return 0;
}

static const char *
add_client(const char *body)
{
	return api_add("/v1/clients", body);
}

static const char *
path_of(const char *client)
{
	return api_text("/v1/clients/%s", client);
}

static void
a_client_is_what_was_given(UNUSED void **state)
{
	const char *id = add_client("{\"name\":\"Acme\",\"plan\":\"pro\","
				    "\"timezone\":\"Asia/Kathmandu\",\"log_retention_days\":30}");

	api_expect(200, "GET", path_of(id), NULL);
	assert_string_equal(api_json("name"), "Acme");
	assert_string_equal(api_json("plan"), "pro");
	assert_string_equal(api_json("timezone"), "Asia/Kathmandu");
	assert_string_equal(api_json("log_retention_days"), "30");
	assert_string_equal(api_json("active"), "true");
	assert_string_equal(api_json("deactivated_at"), "null");
}

static void
what_is_not_given_has_a_default(UNUSED void **state)
{
	add_client("{\"name\":\"Plain\"}");
	assert_string_equal(api_json("plan"), "free");
	assert_string_equal(api_json("timezone"), "UTC");
	assert_string_equal(api_json("log_retention_days"), "null");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad[] = {
	{ "a name is needed", "{}", "name" },
	{ "a name has a letter", "{\"name\":\"\"}", "name" },
	{ "a plan is one of three", "{\"name\":\"a\",\"plan\":\"gold\"}", "plan" },
	{ "a time zone exists", "{\"name\":\"a\",\"timezone\":\"Mars/Olympus\"}", "timezone" },
	{ "a time zone is no path", "{\"name\":\"a\",\"timezone\":\"../passwd\"}", "timezone" },
	{ "a log is kept for a day at least", "{\"name\":\"a\",\"log_retention_days\":0}",
	    "log_retention_days" },
	{ "a log is kept for a hundred years at most",
	    "{\"name\":\"a\",\"log_retention_days\":36501}", "log_retention_days" },
	{ "a state is not set here", "{\"name\":\"a\",\"active\":false}", "active" },
};

static void
a_bad_client_is_refused_by_field(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", "/v1/clients", NULL, bad[i].body);
		api_expect_field(bad[i].sentence, bad[i].field);
	}
}

static void
a_name_has_80_letters_at_most(UNUSED void **state)
{
	api_expect(201, "POST", "/v1/clients", api_text("{\"name\":\"%080d\"}", 1));
	api_expect(422, "POST", "/v1/clients", api_text("{\"name\":\"%081d\"}", 1));
}

static void
a_log_may_be_kept_for_a_hundred_years(UNUSED void **state)
{
	add_client("{\"name\":\"a\",\"log_retention_days\":1}");
	add_client("{\"name\":\"a\",\"log_retention_days\":36500}");
}

static void
only_what_is_given_is_changed(UNUSED void **state)
{
	const char *path = path_of(add_client("{\"name\":\"Old\",\"timezone\":\"Europe/Berlin\"}"));

	api_expect(200, "PATCH", path, "{\"name\":\"New\",\"plan\":null}");
	api_expect(200, "GET", path, NULL);
	assert_string_equal(api_json("name"), "New");
	assert_string_equal(api_json("plan"), "free");
	assert_string_equal(api_json("timezone"), "Europe/Berlin");
	api_expect(422, "PATCH", path, "{\"timezone\":\"x\"}");
}

static void
a_client_outlives_its_zone(UNUSED void **state)
{
	const char *id = add_client("{\"name\":\"Stranded\"}");

	(void)api_sql("UPDATE clients SET timezone = 'Atlantis/Port' WHERE id = '%s'", id);
	api_expect(200, "PATCH", path_of(id), "{\"name\":\"Renamed\"}");
	assert_string_equal(api_json("timezone"), "Atlantis/Port");
	api_expect(422, "PATCH", path_of(id), "{\"timezone\":\"Atlantis/Port\"}");
	api_expect(200, "POST", api_text("%s/deactivate", path_of(id)), NULL);
	assert_string_equal(api_json("active"), "false");
}

static void
a_change_is_in_the_audit_log(UNUSED void **state)
{
	const char *id = add_client("{\"name\":\"Before\"}");

	api_expect(200, "PATCH", path_of(id), "{\"name\":\"After\"}");
	assert_string_equal(
	    api_sql("SELECT string_agg("
		    "  concat_ws(' ', action, before->>'name', after->>'name'), ', ' ORDER BY id)"
		    " FROM audit_log"
		    " WHERE entity = 'clients' AND entity_id = '%s' AND api_key_id IS NOT NULL"
		    " AND request_id IS NOT NULL AND ip_address = '127.0.0.1'",
		id),
	    "add Before, change Before After");
}

static void
a_refused_change_is_not_in_the_audit_log(UNUSED void **state)
{
	const char *id = add_client("{\"name\":\"Same\"}");

	api_expect(422, "PATCH", path_of(id), "{\"name\":\"Other\",\"timezone\":\"x\"}");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM audit_log WHERE entity_id = '%s'", id), "1");
}

static void
clients_are_listed_newest_first(UNUSED void **state)
{
	const char *first = add_client("{\"name\":\"first\",\"plan\":\"enterprise\"}");
	const char *second = add_client("{\"name\":\"second\",\"plan\":\"enterprise\"}");
	const char *path = "/v1/clients?plan=enterprise&limit=1";

	api_expect(200, "GET", path, NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(api_json("data.0.id"), second);
	api_expect(200, "GET", api_text("%s&cursor=%s", path, api_keep("next_cursor")), NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(api_json("data.0.id"), first);
	assert_string_equal(api_json("next_cursor"), "null");
}

static void
the_operator_is_no_client(UNUSED void **state)
{
	const char *nil = path_of("00000000-0000-0000-0000-000000000000");

	api_expect(404, "GET", nil, NULL);
	api_expect(404, "PATCH", nil, "{\"name\":\"x\"}");
	api_expect(404, "POST", api_text("%s/deactivate", nil), NULL);
	api_expect(404, "GET", api_text("%s/api-keys", nil), NULL);
	api_expect(200, "GET", "/v1/clients?limit=500", NULL);
	assert_null(strstr(api_answer()->body, "00000000-0000-0000"));
}

static void
clients_are_counted_by_plan(UNUSED void **state)
{
	int before;

	api_expect(200, "GET", "/v1/clients/count?by=plan", NULL);
	before = atoi(api_json("by_plan.pro"));
	add_client("{\"name\":\"one more\",\"plan\":\"pro\"}");
	api_expect(200, "GET", "/v1/clients/count?by=plan", NULL);
	assert_int_equal(atoi(api_json("by_plan.pro")), before + 1);
	assert_string_equal(api_json("count"),
	    api_sql("SELECT count(*) - 1 FROM clients WHERE deleted_at IS NULL"));
	api_expect(200, "GET", "/v1/clients/count", NULL);
	assert_string_equal(api_json("by_plan"), "(none)");
	api_expect(422, "GET", "/v1/clients/count?by=name", NULL);
}

static void
a_client_is_deactivated_once(UNUSED void **state)
{
	const char *id = add_client("{\"name\":\"leaving\"}");
	const char *path = api_text("%s/deactivate", path_of(id));
	const char *when;

	api_expect(200, "POST", path, NULL);
	assert_string_equal(api_json("active"), "false");
	when = api_keep("deactivated_at");
	assert_string_not_equal(when, "null");
	api_expect(200, "POST", path, NULL);
	assert_string_equal(api_json("deactivated_at"), when);
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log"
				    " WHERE action = 'deactivate' AND entity_id = '%s'",
				id),
	    "1");
}

static void
a_deleted_client_is_not_found(UNUSED void **state)
{
	const char *id = add_client("{\"name\":\"gone\"}");

	api_sql("UPDATE clients SET deleted_at = now() WHERE id = '%s' RETURNING 1", id);
	api_expect(404, "GET", path_of(id), NULL);
	api_expect(404, "PATCH", path_of(id), "{\"name\":\"x\"}");
	api_expect(404, "POST", api_text("%s/deactivate", path_of(id)), NULL);
}

static bool
is_in_zone(void *zone)
{
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	return strcmp(api_json("timezone"), zone) == 0;
}

/* The record of last night is today's, two hours further east. */
static void
a_day_begins_with_its_zone(UNUSED void **state)
{
	const long noon = strtol(servers_noon() + strlen("Etc/GMT"), NULL, 10);
	const char *east = api_text("Etc/GMT%+ld", noon - 2);
	char *key = servers_key_at_noon(api_servers(), "moved");

	api_use_key(key);
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect(201, "POST", "/v1/chat-logs",
	    api_text("{\"message_length\":1,\"created_at\":\"%s\"}",
		api_sql("SELECT to_char((now() - '13 hours'::interval) AT TIME ZONE 'UTC', "
			"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")));
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	assert_string_equal(api_json("total_requests"), "0");
	api_use_operator();
	api_expect(200, "PATCH", path_of(api_sql("SELECT id FROM clients WHERE name = 'moved'")),
	    api_text("{\"timezone\":\"%s\"}", east));
	api_use_key(key);
	assert_true(servers_await(is_in_zone, (void *)(uintptr_t)east));
	assert_string_equal(api_json("source"), "redis");
	assert_string_equal(api_json("total_requests"), "1");
	api_use_operator();
	free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_what_was_given),
		cmocka_unit_test(what_is_not_given_has_a_default),
		cmocka_unit_test(a_bad_client_is_refused_by_field),
		cmocka_unit_test(a_name_has_80_letters_at_most),
		cmocka_unit_test(a_log_may_be_kept_for_a_hundred_years),
		cmocka_unit_test(only_what_is_given_is_changed),
		cmocka_unit_test(a_client_outlives_its_zone),
		cmocka_unit_test(a_change_is_in_the_audit_log),
		cmocka_unit_test(a_refused_change_is_not_in_the_audit_log),
		cmocka_unit_test(clients_are_listed_newest_first),
		cmocka_unit_test(the_operator_is_no_client),
		cmocka_unit_test(clients_are_counted_by_plan),
		cmocka_unit_test(a_client_is_deactivated_once),
		cmocka_unit_test(a_deleted_client_is_not_found),
		cmocka_unit_test(a_day_begins_with_its_zone),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
