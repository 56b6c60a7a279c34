/* /v1/webhooks and /v1/alerts through nginx. */
#include "tests/test.h"

#include <string.h>

#include "lib/model/webhook.h"
#include "tests/api.h"

#define URL "https://example.com/hook"
#define POST_GOOD "{\"url\":\"" URL "\"}"

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("acme");
	return 0;
}

static int
begin(UNUSED void **state)
{
	api_sql("DELETE FROM webhooks");
	api_sql("DELETE FROM alerts");
	return 0;
}

static void
expect(const char *path, const char *expected)
{
	assert_string_equal(api_json(path), expected);
}

static void
a_webhook_is_added_found_and_listed(UNUSED void **state)
{
	const char *id = api_add("/v1/webhooks", POST_GOOD);

	expect("url", URL);
	expect("events.0", "budget.threshold");
	expect("events.1", "counter.drift");
	expect("active", "true");
	api_expect(200, "GET", api_text("/v1/webhooks/%s", id), NULL);
	expect("id", id);
	expect("url", URL);
	api_add("/v1/webhooks",
	    "{\"url\":\"https://b.example\",\"events\":[\"counter.drift\",\"counter.drift\"],"
	    "\"active\":false}");
	expect("events.0", "counter.drift");
	expect("events.1", "(none)");
	expect("active", "false");
	api_expect(200, "GET", "/v1/webhooks?limit=1", NULL);
	assert_int_equal(api_rows(), 1);
	expect("data.0.url", "https://b.example");
	api_expect(200, "GET", api_text("/v1/webhooks?cursor=%s", api_keep("next_cursor")), NULL);
	assert_int_equal(api_rows(), 1);
	expect("data.0.id", id);
}

/* The answers that follow, the audit log and the role of the service know nothing of it. */
static void
the_secret_is_shown_once(UNUSED void **state)
{
	const char *id = api_add("/v1/webhooks", POST_GOOD);
	const char *secret = api_keep("secret");
	const char *path = api_text("/v1/webhooks/%s", id);
	const char *const calls[][3] = {
		{ "GET", "/v1/webhooks", NULL },
		{ "GET", path, NULL },
		{ "PATCH", path, "{\"active\":false}" },
	};

	assert_int_equal(strlen(secret), WEBHOOK_SECRET_SIZE - 1);
	assert_memory_equal(secret, WEBHOOK_PREFIX, strlen(WEBHOOK_PREFIX));
	assert_string_equal(api_sql("SELECT secret FROM webhooks"), secret);
	for (size_t i = 0; i < COUNT(calls); i++) {
		api_expect(200, calls[i][0], calls[i][1], calls[i][2]);
		assert_null(strstr(api_answer()->body, "secret"));
		assert_null(strstr(api_answer()->body, WEBHOOK_PREFIX));
	}
	assert_string_equal(api_sql("SELECT count(*) FROM audit_log WHERE entity = 'webhooks'\n"
				    "AND concat(before, after) LIKE '%%" WEBHOOK_PREFIX "%%'"),
	    "0");
	assert_string_equal(
	    api_sql("SELECT has_column_privilege('tally_app', 'webhooks', 'secret', 'SELECT')"),
	    "f");
	assert_string_equal(
	    api_sql("SELECT has_column_privilege('tally_worker', 'webhooks', 'secret', 'SELECT')"),
	    "t");
	api_add("/v1/webhooks", POST_GOOD);
	assert_string_not_equal(api_json("secret"), secret);
}

static void
a_repeated_post_shows_the_same_secret(UNUSED void **state)
{
	const char *const headers[] = { "Idempotency-Key: hook", NULL };
	const char *secret;

	assert_int_equal(api_send("POST", "/v1/webhooks", headers, POST_GOOD), 201);
	secret = api_keep("secret");
	assert_int_equal(api_send("POST", "/v1/webhooks", headers, POST_GOOD), 201);
	expect("secret", secret);
	assert_string_equal(api_sql("SELECT count(*) FROM webhooks"), "1");
	assert_string_equal(api_sql("SELECT count(*) FROM idempotency_keys AS k\n"
				    "WHERE position('%s'::bytea IN body) > 0",
				secret),
	    "0");
}

static void
what_is_given_is_changed(UNUSED void **state)
{
	const char *path = api_text("/v1/webhooks/%s", api_add("/v1/webhooks", POST_GOOD));

	api_expect(200, "PATCH", path, "{\"active\":false}");
	expect("active", "false");
	expect("url", URL);
	api_expect(200, "PATCH", path, "{\"url\":\"https://b.example\"}");
	expect("url", "https://b.example");
	expect("active", "false");
	expect("events.1", "counter.drift");
	api_expect(200, "PATCH", path, "{\"events\":[\"budget.threshold\"]}");
	expect("events.0", "budget.threshold");
	expect("events.1", "(none)");
	assert_string_equal(
	    api_sql("SELECT string_agg(action, ' ' ORDER BY created_at) FROM audit_log\n"
		    "WHERE entity_id = '%s'",
		path + strlen("/v1/webhooks/")),
	    "add change change change");
}

static void
what_was_allowed_once_can_be_switched_off(UNUSED void **state)
{
	const char *path = api_text("/v1/webhooks/%s", api_add("/v1/webhooks", POST_GOOD));

	(void)api_sql("UPDATE webhooks SET url = 'http://10.0.0.1/hook'");
	api_expect(200, "PATCH", path, "{\"active\":false}");
	expect("active", "false");
	expect("url", "http://10.0.0.1/hook");
	api_expect(422, "PATCH", path, "{\"url\":\"http://10.0.0.1/hook\"}");
}

static void
a_deleted_webhook_is_gone(UNUSED void **state)
{
	const char *path = api_text("/v1/webhooks/%s", api_add("/v1/webhooks", POST_GOOD));

	api_sql(
	    "INSERT INTO alerts (client_id, id, kind, payload, created_at)\n"
	    "SELECT client_id, id, 'counter.drift', '{}', now() FROM webhooks;\n"
	    "INSERT INTO webhook_deliveries (client_id, alert_id, webhook_id, next_attempt_at)\n"
	    "SELECT client_id, id, id, now() FROM webhooks");
	api_expect(204, "DELETE", path, NULL);
	api_expect(404, "GET", path, NULL);
	api_expect(404, "PATCH", path, "{}");
	api_expect(404, "DELETE", path, NULL);
	assert_string_equal(api_sql("SELECT count(*) FROM webhook_deliveries"), "0");
	assert_string_equal(api_sql("SELECT count(*) FROM alerts"), "1");
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad[] = {
	{ "a URL is needed", "{}", "url" },
	{ "http is not allowed", "{\"url\":\"http://example.com/\"}", "url" },
	{ "a user is not allowed", "{\"url\":\"https://me@example.com/\"}", "url" },
	{ "a URL has a host", "{\"url\":\"https://\"}", "url" },
	{ "a URL is not empty", "{\"url\":\"\"}", "url" },
	{ "an event has a name", "{\"url\":\"" URL "\",\"events\":[\"all\"]}", "events" },
	{ "there is one event at least", "{\"url\":\"" URL "\",\"events\":[]}", "events" },
	{ "active is true or false", "{\"url\":\"" URL "\",\"active\":1}", "active" },
	{ "a secret is not the caller's", "{\"url\":\"" URL "\",\"secret\":\"s\"}", "secret" },
};

static void
a_bad_field_is_named(UNUSED void **state)
{
	const char *path = api_text("/v1/webhooks/%s", api_add("/v1/webhooks", POST_GOOD));

	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", "/v1/webhooks", NULL, bad[i].body);
		api_expect_field(bad[i].sentence, bad[i].field);
		if (i == 0)
			continue;
		api_send("PATCH", path, NULL, bad[i].body);
		api_expect_field(bad[i].sentence, bad[i].field);
	}
	assert_string_equal(api_sql("SELECT string_agg(url, ' ') FROM webhooks"), URL);
}

static void
a_url_has_a_longest_length(UNUSED void **state)
{
	const char *longest = api_text("%0*d", WEBHOOK_URL_MAX - (int)strlen(URL "/"), 0);

	api_add("/v1/webhooks", api_text("{\"url\":\"" URL "/%s\"}", longest));
	api_send("POST", "/v1/webhooks", NULL, api_text("{\"url\":\"" URL "/0%s\"}", longest));
	api_expect_field("one more character is refused", "url");
}

static void
a_client_has_so_many_webhooks(UNUSED void **state)
{
	for (int i = 0; i < WEBHOOKS_MAX; i++)
		api_add("/v1/webhooks", POST_GOOD);
	api_expect(409, "POST", "/v1/webhooks", POST_GOOD);
	assert_string_equal(api_sql("SELECT count(*) FROM webhooks"), "20");
}

static void
alerts_are_listed(UNUSED void **state)
{
	api_expect(200, "GET", "/v1/alerts", NULL);
	assert_int_equal(api_rows(), 0);
	api_sql("INSERT INTO alerts (client_id, id, kind, payload, created_at)\n"
		"SELECT c.id, ('018bcfe5-6800-7000-8000-00000000000' || n)::uuid,\n"
		"'budget.threshold', jsonb_build_object('n', n), '2023-11-14 22:13:20Z'\n"
		"FROM clients AS c, generate_series(1, 3) AS n WHERE c.name = 'acme'");
	api_expect(200, "GET", "/v1/alerts?limit=2", NULL);
	assert_int_equal(api_rows(), 2);
	expect("data.0.id", "018bcfe5-6800-7000-8000-000000000003");
	expect("data.0.type", "budget.threshold");
	expect("data.0.created_at", "2023-11-14T22:13:20Z");
	expect("data.0.data.n", "3");
	api_expect(200, "GET", api_text("/v1/alerts?cursor=%s", api_keep("next_cursor")), NULL);
	assert_int_equal(api_rows(), 1);
	expect("data.0.data.n", "1");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_webhook_is_added_found_and_listed),
		TEST(the_secret_is_shown_once),
		TEST(a_repeated_post_shows_the_same_secret),
		TEST(what_is_given_is_changed),
		TEST(what_was_allowed_once_can_be_switched_off),
		TEST(a_deleted_webhook_is_gone),
		TEST(a_bad_field_is_named),
		TEST(a_url_has_a_longest_length),
		TEST(a_client_has_so_many_webhooks),
		TEST(alerts_are_listed),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
