/* /v1/integrations and their endpoints through nginx, and the calls of tally alerts to a real end.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/model/integration_call.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/integrating.h"
#include "tests/process.h"
#include "tests/receiver.h"

static void
it_keeps_how_to_connect(UNUSED void **state)
{
	const char *path = integrating_add(",\"configuration\":{\"shop\":\"x\",\"version\":7},"
					   "\"credentials\":{\"token\":\"t\"}");

	api_expect(200, "GET", path, NULL);
	api_expect_json("type", "http");
	api_expect_json("enabled", "true");
	api_expect_json("configuration.shop", "x");
	api_expect_json("configuration.version", "7");
	api_expect_json("credentials", "(none)");
	api_expect(200, "PATCH", path, "{\"enabled\":false}");
	api_expect_json("configuration.shop", "x");
	api_expect(200, "GET", "/v1/integrations?enabled=false&type=http", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.configuration.version", "7");
	api_expect(200, "PATCH", path, "{\"configuration\":null}");
	api_expect_json("configuration", "null");
	api_expect(200, "GET", "/v1/integrations?enabled=true", NULL);
	assert_int_equal(api_rows(), 0);
}

static void
endpoints_belong_to_their_integration(UNUSED void **state)
{
	const char *first = integrating_add(""), *second = integrating_add("");
	const char *path = integrating_add_endpoint(
	    first, ",\"path\":\"/products\",\"description\":\"All there are.\"");
	const char *astray = api_text("%s/endpoints/%s", second, api_keep("id"));

	api_expect_json("method", "GET");
	api_expect_json("integration_id", strrchr(first, '/') + 1);
	api_expect(200, "PATCH", path, "{\"enabled\":false,\"description\":null}");
	api_expect_json("enabled", "false");
	api_expect(200, "GET", api_text("%s/endpoints", first), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect(200, "GET", api_text("%s/endpoints", second), NULL);
	assert_int_equal(api_rows(), 0);
	api_expect(404, "GET", astray, NULL);
	api_expect(404, "PATCH", astray, "{\"enabled\":true}");
	api_expect(404, "POST", api_text("%s/test", astray), NULL);
	api_expect(404, "DELETE", astray, NULL);
	api_expect(204, "DELETE", first, NULL);
	api_expect(404, "GET", path, NULL);
	api_expect(404, "GET", api_text("%s/endpoints", first), NULL);
	api_expect(404, "POST", api_text("%s/endpoints", first), "{\"name\":\"e\",\"path\":\"/\"}");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM integration_endpoints WHERE integration_id = '%s'",
		strrchr(first, '/') + 1),
	    "0");
}

#define MARKER "marker-that-nobody-sees"
#define BAD(json) "{\"type\":\"http\",\"name\":\"n\",\"base_url\":\"https://example.com\"," json "}"

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad[] = {
	{ "a capital letter", "{\"type\":\"Http\",\"name\":\"n\",\"base_url\":\"https://a.b\"}",
	    "type" },
	{ "another protocol", "{\"type\":\"t\",\"name\":\"n\",\"base_url\":\"ftp://a.b\"}",
	    "base_url" },
	{ "a file", "{\"type\":\"t\",\"name\":\"n\",\"base_url\":\"file:///etc/passwd\"}",
	    "base_url" },
	{ "a password", "{\"type\":\"t\",\"name\":\"n\",\"base_url\":\"https://a:b@c.d\"}",
	    "base_url" },
	{ "a query", "{\"type\":\"t\",\"name\":\"n\",\"base_url\":\"https://a.b/?c=d\"}",
	    "base_url" },
	{ "a line break", BAD("\"credentials\":{\"token\":\"a\\r\\nX: " MARKER "\"}"),
	    "credentials" },
	{ "a line break in a value",
	    BAD("\"credentials\":{\"header\":\"A\",\"value\":\"" MARKER "\\n\"}"), "credentials" },
	{ "a header with a colon",
	    BAD("\"credentials\":{\"header\":\"A: b\",\"value\":\"" MARKER "\"}"), "credentials" },
	{ "a header without a value", BAD("\"credentials\":{\"header\":\"" MARKER "\"}"),
	    "credentials" },
	{ "a password without a name", BAD("\"credentials\":{\"password\":\"" MARKER "\"}"),
	    "credentials" },
	{ "a token of a number", BAD("\"credentials\":{\"token\":7}"), "credentials" },
	{ "an empty token", BAD("\"credentials\":{\"token\":\"\"}"), "credentials" },
};

static void
what_is_no_integration_is_refused_by_name(UNUSED void **state)
{
	const char *large = api_text("%0*d", INTEGRATION_OBJECT_MAX_BYTES, 1);

	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("POST", "/v1/integrations", NULL, bad[i].body);
		api_expect_field(bad[i].sentence, bad[i].field);
		assert_null(strstr(api_answer()->body, MARKER));
	}
	api_send("POST", "/v1/integrations", NULL,
	    api_text(BAD("\"configuration\":{\"a\":\"%s\"}"), large));
	api_expect_field("a large configuration", "configuration");
	api_send("POST", "/v1/integrations", NULL,
	    api_text(
		BAD("\"credentials\":{\"token\":\"%0*d\"}"), INTEGRATION_CREDENTIAL_MAX + 1, 1));
	api_expect_field("a long token", "credentials");
	api_send("POST", api_text("%s/endpoints", integrating_add("")), NULL,
	    "{\"name\":\"e\",\"path\":\"p\"}");
	api_expect_field("a path without its beginning", "path");
	api_send("POST", api_text("%s/endpoints", integrating_add("")), NULL,
	    "{\"name\":\"e\",\"path\":\"/a b\"}");
	api_expect_field("a path with a space", "path");
}

static int keys;

static void
expect_no_marker(long status, const char *method, const char *path, const char *body)
{
	const char *const headers[] = { api_text("Idempotency-Key: k%d", ++keys), NULL };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(api_send(method, path, headers, body), status);
		assert_null(strstr(api_answer()->body, MARKER));
	}
}

/* Files of the logs, of PostgreSQL with its log of changes, and of exports. */
static void
expect_no_file_with_marker(void)
{
	const struct process grep = { .argv = { "grep", "-rlaF", MARKER,
					  servers_folder(api_servers()), NULL } };
	char *found;

	if (process_run(&grep, &found) != 1)
		fail_msg("it stands in %s", found);
	free(found);
}

static void
credentials_are_nowhere_to_be_read(UNUSED void **state)
{
	struct servers *servers = api_servers();
	const char *secret = "\"credentials\":{\"token\":\"" MARKER "\"}";
	const char *path, *id;

	expect_no_marker(201, "POST", "/v1/integrations",
	    api_text("{\"type\":\"http\",\"name\":\"n\",\"base_url\":\"http://127.0.0.1:%d\",%s}",
		receiver_port(), secret));
	id = api_keep("id");
	path = api_text("/v1/integrations/%s", id);
	expect_no_marker(200, "PATCH", path, api_text("{\"name\":\"m\",%s}", secret));
	expect_no_marker(422, "PATCH", path, api_text("{\"enabled\":7,%s}", secret));
	expect_no_marker(404, "PATCH", api_text("%s0", path), api_text("{%s}", secret));
	expect_no_marker(200, "GET", path, NULL);
	expect_no_marker(200, "GET", "/v1/integrations", NULL);
	expect_no_marker(202, "POST", api_text("%s/test", path), NULL);
	integrating_run();
	assert_non_null(strstr(receiver_request(0).head, MARKER));
	servers_setting(api_servers(), "webhook_timeout_ms", "300");
	receiver_answer(NULL);
	expect_no_marker(202, "POST", api_text("%s/test", path), NULL);
	integrating_run();
	servers_setting(api_servers(), "webhook_timeout_ms", "20000");
	expect_no_marker(200, "GET", path, NULL);
	expect_no_marker(200, "GET", "/v1/audit-log?entity=client_integrations", NULL);
	assert_in_range(api_rows(), 4, 10);
	EXPECT_TALLY(EX_OK, NULL, "export", "--what", "records", "--plain", "--format", "ndjson",
	    "--out", api_text("%s/exported", servers_folder(api_servers())));
	api_expect(204, "DELETE", path, NULL);
	(void)api_sql("CHECKPOINT");
	expect_no_file_with_marker();
}

/* The last test: the servers have no seal_key from here on. */
static void
without_a_seal_key_nothing_is_kept(UNUSED void **state)
{
	const char *path = integrating_add(",\"credentials\":{\"token\":\"abc\"}");

	integrating_restart_tallyd("seal_key", "");
	api_expect(503, "POST", "/v1/integrations", BAD("\"credentials\":{\"token\":\"a\"}"));
	assert_non_null(strstr(api_json("detail"), "seal_key"));
	api_expect(503, "POST", "/v1/integrations", BAD("\"configuration\":{\"token\":\"a\"}"));
	api_expect(503, "PATCH", path, "{\"enabled\":false}");
	api_expect(201, "POST", "/v1/integrations", BAD("\"enabled\":true"));
}

#define TEST(name) cmocka_unit_test_setup(name, integrating_begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_keeps_how_to_connect),
		TEST(endpoints_belong_to_their_integration),
		TEST(what_is_no_integration_is_refused_by_name),
		TEST(credentials_are_nowhere_to_be_read),
		TEST(without_a_seal_key_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, integrating_start, integrating_stop);
}
