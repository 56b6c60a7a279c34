/* The calls of tally alerts to integrations and endpoints whose test was asked for. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/integrating.h"
#include "tests/receiver.h"
#include "worker/probe.h"

static const struct {
	const char *sentence;
	const char *answer;
	const char *outcome, *status;
} answers[] = {
	{ "an answer with 2xx is well", INTEGRATING_OK, "ok", "200" },
	{ "nothing in it is well, too", "HTTP/1.1 204 No Content", "ok", "204" },
	{ "another status is told", "HTTP/1.1 503 Busy\r\nContent-Length: 0", "status", "503" },
	{ "a redirect is not followed",
	    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0", "status",
	    "302" },
	{ "an answer in no form is none", "what?", "failed", "null" },
};

static void
what_came_of_a_test_is_shown(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(answers); i++) {
		const char *path = integrating_add("");

		receiver_answer(answers[i].answer);
		integrating_test(path);
		if (strcmp(api_json("last_test_outcome"), answers[i].outcome) != 0 ||
		    strcmp(api_json("last_test_status"), answers[i].status) != 0)
			fail_msg("%s: %s", answers[i].sentence, api_answer()->body);
		assert_in_range(atoi(api_json("last_test_duration_ms")), 0, 20000);
		assert_int_equal(receiver_count(), i + 1);
	}
}

static void
expect_no_answer(const char *base_url, const char *outcome)
{
	integrating_test(integrating_add_at(base_url, ",\"type\":\"http\""));
	if (strcmp(api_json("last_test_outcome"), outcome) != 0)
		fail_msg("%s: %s", base_url, api_answer()->body);
	api_expect_json("last_test_status", "null");
}

static void
what_does_not_answer_is_told_apart(UNUSED void **state)
{
	const char *plain = servers_http_url(api_servers());

	expect_no_answer("http://127.0.0.1:1", "connection");
	expect_no_answer("http://no-such-host.invalid", "name");
	expect_no_answer(api_text("https%s", plain + strlen("http")), "tls");
	servers_setting(api_servers(), "webhook_timeout_ms", "300");
	receiver_answer(NULL);
	expect_no_answer("http://127.0.0.1:RECEIVER", "timeout");
	servers_setting(api_servers(), "webhook_timeout_ms", "20000");
}

/* Those behind the last of a run wait for the next. */
static void
a_run_calls_so_many(UNUSED void **state)
{
	const char *path = integrating_add_at("http://127.0.0.1:1", ",\"type\":\"http\"");

	(void)api_sql("INSERT INTO client_integrations SELECT (jsonb_populate_record(t,"
		      " jsonb_build_object('id', gen_random_uuid(), 'test_due_at', now()))).*"
		      " FROM client_integrations AS t, generate_series(0, %d) WHERE id = '%s'",
	    PROBE_MAX, strrchr(path, '/') + 1);
	integrating_run();
	assert_string_equal(
	    api_sql("SELECT count(*) FROM client_integrations WHERE test_due_at IS NOT NULL"), "1");
	integrating_run();
	assert_string_equal(
	    api_sql("SELECT count(*) FROM client_integrations WHERE test_due_at IS NOT NULL"), "0");
}

/* Written where they were allowed, called where they are not any more. */
static const char *const private_ends[] = { "http://127.0.0.1:RECEIVER",
	"https://127.0.0.1:RECEIVER", "https://localhost:RECEIVER", "https://[::1]:RECEIVER",
	"https://10.0.0.1", "https://169.254.169.254", "https://192.168.1.1",
	"https://[::ffff:127.0.0.1]:RECEIVER", "https://0.0.0.0:RECEIVER" };

static void
private_addresses_are_refused(UNUSED void **state)
{
	const char *paths[COUNT(private_ends)];

	for (size_t i = 0; i < COUNT(private_ends); i++)
		paths[i] = integrating_add_at(private_ends[i], ",\"type\":\"http\"");
	servers_setting(api_servers(), "webhook_allow_private", "no");
	for (size_t i = 0; i < COUNT(private_ends); i++) {
		integrating_test(paths[i]);
		if (strcmp(api_json("last_test_outcome"), "private") != 0)
			fail_msg("%s: %s", private_ends[i], api_answer()->body);
	}
	assert_int_equal(receiver_count(), 0);
	servers_setting(api_servers(), "webhook_allow_private", "yes");
}

static const struct {
	const char *sentence;
	const char *type, *credentials;
	const char *line; /* of the request */
} ways[] = {
	{ "a token is a bearer's", "http", "{\"token\":\"abc\"}", "\r\nAuthorization: Bearer abc" },
	{ "of a shop it has a header of its own", "shopify", "{\"token\":\"abc\"}",
	    "\r\nX-Shopify-Access-Token: abc" },
	{ "a key and its secret are Basic's", "woocommerce",
	    "{\"username\":\"ck\",\"password\":\"cs\"}", "\r\nAuthorization: Basic Y2s6Y3M=" },
	{ "any other header", "http", "{\"header\":\"X-Key\",\"value\":\"abc\"}",
	    "\r\nX-Key: abc" },
	{ "what nobody knows is kept and not sent", "http", "{\"other\":{\"a\":[1]}}",
	    "GET /api/ HTTP/1.1\r\n" },
};

static void
credentials_are_sent_as_they_are_meant(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(ways); i++) {
		const char *base = api_text("http://127.0.0.1:%d/api/", receiver_port());
		const char *id = api_add("/v1/integrations",
		    api_text(
			"{\"type\":\"%s\",\"name\":\"n\",\"base_url\":\"%s\",\"credentials\":%s}",
			ways[i].type, base, ways[i].credentials));

		integrating_test(api_text("/v1/integrations/%s", id));
		api_expect_json("last_test_outcome", "ok");
		if (strstr(receiver_request(i).head, ways[i].line) == NULL)
			fail_msg("%s: %s", ways[i].sentence, receiver_request(i).head);
	}
}

static void
an_endpoint_is_called_behind_its_base(UNUSED void **state)
{
	const char *integration = integrating_add(",\"credentials\":{\"token\":\"abc\"}");
	const char *get = integrating_add_endpoint(integration, ",\"path\":\"/products?limit=1\"");
	const char *head =
	    integrating_add_endpoint(integration, ",\"path\":\"/\",\"method\":\"HEAD\"");
	const char *post =
	    integrating_add_endpoint(integration, ",\"path\":\"/orders\",\"method\":\"POST\"");

	integrating_test(get);
	api_expect_json("last_test_outcome", "ok");
	assert_non_null(strstr(receiver_request(0).head, "GET /api/products?limit=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(receiver_request(0).head, "\r\nAuthorization: Bearer abc"));
	integrating_test(head);
	assert_non_null(strstr(receiver_request(1).head, "HEAD /api/ HTTP/1.1\r\n"));
	api_expect(409, "POST", api_text("%s/test", post), NULL);
	integrating_run();
	assert_int_equal(receiver_count(), 2);
	api_expect(200, "GET", integration, NULL);
	api_expect_json("last_test_at", "null");
}

/* Neither is a change: whoever saw it before still knows it. */
static void
a_test_leaves_the_etag(UNUSED void **state)
{
	const char *path = integrating_add("");
	const char *tag = api_text("If-Match: %s", http_header(api_answer(), "etag"));
	const char *const headers[] = { tag, NULL };

	api_expect(202, "POST", api_text("%s/test", path), NULL);
	api_expect(202, "POST", api_text("%s/test", path), NULL);
	integrating_run();
	assert_int_equal(receiver_count(), 1);
	assert_int_equal(api_send("PATCH", path, headers, "{\"name\":\"m\"}"), 200);
	assert_int_equal(api_send("PATCH", path, headers, "{\"name\":\"o\"}"), 412);
}

static void *
ask_meanwhile(void *context)
{
	const char *const *path = context;
	struct http_answer answer;

	receiver_await(1);
	answer = api_call("POST", *path, NULL, NULL);
	http_free(&answer);
	receiver_drop(INTEGRATING_OK);
	return NULL;
}

/* Who asks while one is on its way gets another, of what there is by then. */
static void
what_is_asked_for_meanwhile_is_still_due(UNUSED void **state)
{
	const char *integration = integrating_add("");
	const char *const paths[] = { integration,
		integrating_add_endpoint(integration, ",\"path\":\"/x\"") };
	pthread_t thread;

	for (size_t i = 0; i < COUNT(paths); i++) {
		const char *ask = api_text("%s/test", paths[i]);

		receiver_forget();
		receiver_answer(NULL);
		api_expect(202, "POST", ask, NULL);
		assert_int_equal(pthread_create(&thread, NULL, ask_meanwhile, &ask), 0);
		integrating_run();
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(receiver_count(), 2);
		api_expect(200, "GET", paths[i], NULL);
		api_expect_json("last_test_outcome", "ok");
		api_expect_json("test_due_at", "null");
	}
}

/* As long as there is another key than the one that sealed them. */
static void
another_key_opens_nothing(UNUSED void **state)
{
	const char *path =
	    integrating_add(",\"configuration\":{\"a\":1},\"credentials\":{\"token\":\"abc\"}");

	api_expect(202, "POST", api_text("%s/test", path), NULL);
	integrating_restart_tallyd("seal_key", "another one for tests: 0123456789abcdef");
	api_expect(503, "GET", path, NULL);
	assert_non_null(strstr(api_json("detail"), "another seal_key"));
	api_expect(503, "GET", "/v1/integrations", NULL);
	integrating_run();
	assert_int_equal(receiver_count(), 0);
	integrating_restart_tallyd("seal_key", INTEGRATING_KEY);
	api_expect(200, "GET", path, NULL);
	api_expect_json("last_test_outcome", "sealed");
	api_expect_json("test_due_at", "null");
}

#define TEST(name) cmocka_unit_test_setup(name, integrating_begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_came_of_a_test_is_shown),
		TEST(what_does_not_answer_is_told_apart),
		TEST(a_run_calls_so_many),
		TEST(private_addresses_are_refused),
		TEST(credentials_are_sent_as_they_are_meant),
		TEST(an_endpoint_is_called_behind_its_base),
		TEST(a_test_leaves_the_etag),
		TEST(what_is_asked_for_meanwhile_is_still_due),
		TEST(another_key_opens_nothing),
	};

	return cmocka_run_group_tests(tests, integrating_start, integrating_stop);
}
