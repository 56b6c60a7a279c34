/* The log in CSV and NDJSON through nginx. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

/* The id of a new record. */
static const char *
add_log(const char *body)
{
	return api_add("/v1/chat-logs", body);
}

static const char *const csv[] = { "Accept: text/csv", NULL };
static const char *const ndjson_accepted[] = { "Accept: application/x-ndjson", NULL };

static void
csv_has_a_head_and_a_line_for_each_record(UNUSED void **state)
{
	const char *id;

	api_use_new_client("logs-csv");
	id = add_log("{\"message_length\":1,\"feature\":\"a,b\",\"tags\":[\"x\",\"y\"]}");
	assert_int_equal(api_send("GET", "/v1/chat-logs", csv, NULL), 200);
	assert_memory_equal(http_header(api_answer(), "content-type"), "text/csv", 8);
	assert_memory_equal(api_answer()->body, "id,created_at,received_at,", 26);
	assert_non_null(strstr(api_answer()->body, api_text("\r\n%s,", id)));
	assert_non_null(strstr(api_answer()->body, ",\"a,b\","));
	assert_non_null(strstr(api_answer()->body, ",\"[\"\"x\"\",\"\"y\"\"]\","));
	assert_int_equal(api_lines(), 2);
	assert_null(http_header(api_answer(), "x-next-cursor"));
}

static void
ndjson_has_a_line_for_each_record(UNUSED void **state)
{
	api_use_new_client("logs-ndjson");
	add_log("{\"message_length\":1}");
	add_log("{\"message_length\":2}");
	assert_int_equal(api_send("GET", "/v1/chat-logs", ndjson_accepted, NULL), 200);
	assert_string_equal(http_header(api_answer(), "content-type"), "application/x-ndjson");
	assert_int_equal(api_lines(), 2);
	assert_memory_equal(api_answer()->body, "{\"id\":\"", 7);
	assert_non_null(strstr(api_answer()->body, "}\n{\"id\":\""));
}

/* An export of more than a portion of 500, in pages of 700. */
static void
an_export_pages_by_its_header(UNUSED void **state)
{
	const char *cursor;

	api_use_new_client("logs-export");
	api_sql(
	    "INSERT INTO chat_logs (client_id, id, created_at)\n"
	    "SELECT c.id, (lpad(to_hex(v.ms), 12, '0') || '70008000' || lpad(n::text, 12, '0'))::uuid,\n"
	    "to_timestamp(v.ms / 1000.0)\n"
	    "FROM clients AS c, generate_series(1, 1101) AS n,\n"
	    "LATERAL (SELECT floor(extract(epoch FROM now()))::bigint * 1000 - 60000 - n AS ms) AS v\n"
	    "WHERE c.name = 'logs-export'");
	assert_int_equal(api_send("GET", "/v1/chat-logs?limit=700", csv, NULL), 200);
	assert_int_equal(api_lines(), 701);
	cursor = api_text("%s", http_header(api_answer(), "x-next-cursor"));
	assert_int_equal(
	    api_send("GET", api_text("/v1/chat-logs?limit=10000&cursor=%s", cursor), csv, NULL),
	    200);
	assert_int_equal(api_lines(), 402);
	assert_null(http_header(api_answer(), "x-next-cursor"));
	assert_int_equal(api_send("GET", "/v1/chat-logs?limit=10001", csv, NULL), 422);
}

static void
an_export_ends_a_page_at_its_limit_of_bytes(UNUSED void **state)
{
	const char *path = "/v1/chat-logs?limit=10000", *cursor;
	int lines = 0, pages = 0;

	api_use_new_client("logs-bytes");
	api_sql(
	    "INSERT INTO chat_logs (client_id, id, created_at, metadata)\n"
	    "SELECT c.id, (lpad(to_hex(v.ms), 12, '0') || '70008000' || lpad(n::text, 12, '0'))::uuid,\n"
	    "to_timestamp(v.ms / 1000.0), jsonb_build_object('k', repeat('x', 16000))\n"
	    "FROM clients AS c, generate_series(1, 1200) AS n,\n"
	    "LATERAL (SELECT floor(extract(epoch FROM now()))::bigint * 1000 - 60000 - n AS ms) AS v\n"
	    "WHERE c.name = 'logs-bytes'");
	do {
		assert_int_equal(api_send("GET", path, ndjson_accepted, NULL), 200);
		lines += api_lines();
		pages++;
		cursor = http_header(api_answer(), "x-next-cursor");
		path =
		    api_text("/v1/chat-logs?limit=10000&cursor=%s", cursor == NULL ? "" : cursor);
	} while (cursor != NULL && pages < 10);
	assert_int_equal(lines, 1200);
	assert_in_range(pages, 2, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_has_a_head_and_a_line_for_each_record),
		cmocka_unit_test(ndjson_has_a_line_for_each_record),
		cmocka_unit_test(an_export_pages_by_its_header),
		cmocka_unit_test(an_export_ends_a_page_at_its_limit_of_bytes),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
