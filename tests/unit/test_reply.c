#include "tests/test.h"

#include <string.h>

#include "app/reply.h"

static const struct problem {
	enum err_code code;
	int retry_after;
	int status;
	const char *headers; /* "Name: value" with a bar behind each */
	const char *type;
} problems[] = {
	{ ERR_SYNTAX, 0, 400, "", "urn:tally:problem:syntax" },
	{ ERR_UNAUTHENTICATED, 0, 401, "WWW-Authenticate: Bearer|",
	    "urn:tally:problem:unauthenticated" },
	{ ERR_PAYMENT, 60, 402, "Retry-After: 60|", "urn:tally:problem:payment" },
	{ ERR_FORBIDDEN, 0, 403, "", "urn:tally:problem:forbidden" },
	{ ERR_NOT_FOUND, 0, 404, "", "urn:tally:problem:not-found" },
	{ ERR_METHOD, 0, 405, "", "urn:tally:problem:method" },
	{ ERR_CONFLICT, 0, 409, "", "urn:tally:problem:conflict" },
	{ ERR_PRECONDITION, 0, 412, "", "urn:tally:problem:precondition" },
	{ ERR_TOO_LARGE, 0, 413, "", "urn:tally:problem:too-large" },
	{ ERR_MEDIA_TYPE, 0, 415, "", "urn:tally:problem:media-type" },
	{ ERR_INVALID, 0, 422, "", "urn:tally:problem:invalid" },
	{ ERR_RATE, 0, 429, "Retry-After: 1|", "urn:tally:problem:rate" },
	{ ERR_RATE, 30, 429, "Retry-After: 30|", "urn:tally:problem:rate" },
	{ ERR_RATE, -1, 429, "", "urn:tally:problem:rate" },
	{ ERR_UNAVAILABLE, 0, 503, "Retry-After: 1|", "urn:tally:problem:unavailable" },
	{ ERR_UNAVAILABLE, 5, 503, "Retry-After: 5|", "urn:tally:problem:unavailable" },
	{ ERR_INTERNAL, 0, 500, "", "urn:tally:problem:internal" },
};

static int
setup(void **state)
{
	*state = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static struct reply
new_reply(void **state)
{
	return (struct reply){ .body.arena = *state };
}

static const char *
join_headers(const struct reply *reply)
{
	struct buf all = { .arena = reply->body.arena };

	buf_puts(&all, "");
	for (size_t i = 0; i < reply->header_count; i++)
		buf_printf(&all, "%s: %s|", reply->headers[i].name, reply->headers[i].value);
	return all.at;
}

static void
test_problem_by_code(void **state)
{
	for (size_t i = 0; i < COUNT(problems); i++) {
		const struct problem *row = &problems[i];
		struct err err = { .code = row->code, .retry_after = row->retry_after };
		struct reply reply = new_reply(state);
		const char *type;

		reply_problem(&reply, &err, "an-id");
		assert_int_equal(reply.status, row->status);
		assert_int_equal(reply_status(row->code), row->status);
		assert_string_equal(reply.content_type, "application/problem+json");
		assert_string_equal(join_headers(&reply), row->headers);
		type = arena_printf(*state, "{\"type\":\"%s\",", row->type);
		assert_memory_equal(reply.body.at, type, strlen(type));
	}
}

static void
test_problem_document(void **state)
{
	struct err err = { .code = ERR_INVALID,
		.text = "Some fields are not valid.",
		.field_count = 2,
		.fields = { { "model", "is required" }, { "a\"b", "is unknown" } } };
	struct reply reply = new_reply(state);

	reply_problem(&reply, &err, "0190");
	assert_string_equal(reply.body.at,
	    "{\"type\":\"urn:tally:problem:invalid\",\"title\":\"Invalid\",\"status\":422,"
	    "\"detail\":\"Some fields are not valid.\",\"instance\":\"0190\",\"errors\":["
	    "{\"field\":\"model\",\"message\":\"is required\"},"
	    "{\"field\":\"a\\\"b\",\"message\":\"is unknown\"}]}");
}

static void
write_reason(struct json_out *out, const void *object)
{
	json_text(out, "reason", object);
}

static void
test_problem_with_members_of_its_own(void **state)
{
	struct err err = { .code = ERR_PAYMENT, .text = "No." };
	struct reply reply = new_reply(state);

	reply_extend(&reply, write_reason, "cost");
	reply_problem(&reply, &err, "0190");
	assert_string_equal(reply.body.at,
	    "{\"type\":\"urn:tally:problem:payment\",\"title\":\"Payment required\","
	    "\"status\":402,\"detail\":\"No.\",\"instance\":\"0190\",\"reason\":\"cost\"}");
}

static void
test_problem_replaces_what_a_handler_made(void **state)
{
	struct err err = { .code = ERR_CONFLICT, .text = "Taken." };
	struct reply reply = new_reply(state);

	reply_header(&reply, "RateLimit-Limit", "10");
	reply_keep_headers(&reply);
	reply_header(&reply, "ETag", "\"1\"");
	buf_puts(&reply.body, "half an answer");
	reply_problem(&reply, &err, "0190");
	assert_string_equal(join_headers(&reply), "RateLimit-Limit: 10|");
	assert_null(strstr(reply.body.at, "half"));
}

static void
test_head(void **state)
{
	struct reply reply = new_reply(state);
	struct text head;

	buf_puts(&reply.body, "{}");
	reply_header(&reply, "ETag", "\"1\"");
	(void)reply_done(&reply, 201, "application/json");
	head = reply_head(&reply, "0190");
	assert_string_equal(head.at,
	    "Status: 201 Created\r\nX-Request-Id: 0190\r\nContent-Type: application/json\r\n"
	    "Content-Length: 2\r\nETag: \"1\"\r\n\r\n");
	assert_int_equal(head.len, strlen(head.at));
}

static void
test_head_of_an_empty_reply_has_no_length(void **state)
{
	struct reply reply = new_reply(state);

	assert_true(reply_empty(&reply));
	assert_string_equal(
	    reply_head(&reply, "0190").at, "Status: 204 No Content\r\nX-Request-Id: 0190\r\n\r\n");
}

static void
write_seven(struct json_out *out, const void *object)
{
	json_int(out, NULL, *(const int *)object);
}

static void
test_json(void **state)
{
	struct reply reply = new_reply(state);
	int seven = 7;

	assert_true(reply_json(&reply, 200, write_seven, &seven));
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.body.at, "7");
	assert_string_equal(reply.content_type, "application/json");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_problem_by_code, setup, teardown),
		cmocka_unit_test_setup_teardown(test_problem_document, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_problem_with_members_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_problem_replaces_what_a_handler_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_head_of_an_empty_reply_has_no_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
