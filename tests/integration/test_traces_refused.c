/*
 * POST /v1/traces where not all is well: spans that are rejected, exports that are none, limits,
 * and how an exporter is told.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/api/traces.h"
#include "lib/buf.h"
#include "tests/api.h"
#include "tests/otlp.h"

/* The good ones are stored whatever the bad ones. */
static const struct {
	const char *sentence;
	struct otlp_span span;
	const char *why;
} bad[] = {
	{ "a trace id of zeros", { .trace_id = "00000000000000000000000000000000" }, "trace_id" },
	{ "a trace id that is too short", { .trace_id = "0102" }, "trace_id" },
	{ "a span id of zeros", { .span_id = "0000000000000000" }, "span_id" },
	{ "a start before 1970 ended", { .started_at = 1 }, "created_at" },
	{ "a start of tomorrow", { .started_at = INT64_MAX / 1000 }, "created_at" },
	{ "tokens below 0", { .attributes = "gen_ai.usage.input_tokens=#-1" }, "input_tokens" },
	{ "tokens that are no number", { .attributes = "gen_ai.usage.input_tokens=many" },
	    "input_tokens" },
	{ "half a token", { .attributes = "gen_ai.usage.input_tokens=%1.5" }, "input_tokens" },
	{ "a cost below 0", { .attributes = "gen_ai.usage.input_tokens=#1;gen_ai.usage.cost=%-1" },
	    "estimated_cost_cents" },
};

static struct otlp_span
bad_span(size_t i, unsigned number)
{
	struct otlp_span span = otlp_span(number);

	if (bad[i].span.trace_id)
		span.trace_id = bad[i].span.trace_id;
	if (bad[i].span.span_id)
		span.span_id = bad[i].span.span_id;
	if (bad[i].span.started_at)
		span.started_at = bad[i].span.started_at;
	if (bad[i].span.attributes)
		span.attributes = bad[i].span.attributes;
	return span;
}

static void
partial_success_names_what_is_rejected(UNUSED void **state)
{
	api_use_new_client("partial");
	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct otlp_span spans[] = { otlp_span(2 * i), bad_span(i, 2 * i + 1) };
		struct http_answer answer = otlp_send(OTEL_JSON, spans, 2);
		char begin[80];

		assert_int_equal(answer.status, 200);
		(void)snprintf(begin, sizeof(begin), "span 1: %s ", bad[i].why);
		if (!http_json(&answer, "partialSuccess.errorMessage", 0) ||
		    strncmp(http_json(&answer, "partialSuccess.errorMessage", 0), begin,
			strlen(begin)) != 0)
			fail_msg("%s: %s", bad[i].sentence, answer.body);
		assert_string_equal(http_json(&answer, "partialSuccess.rejectedSpans", 0), "1");
		http_free(&answer);
	}
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("total_requests", api_text("%zu", COUNT(bad)));
}

static void
partial_success_in_protobuf(UNUSED void **state)
{
	struct otlp_span spans[] = { bad_span(0, 1), bad_span(1, 2) };
	struct http_answer answer;
	/* partial_success { rejected_spans: 2, error_message: "span 0: ..." } */
	static const char begin[] = "\x08\x02\x12";

	api_use_new_client("partial protobuf");
	answer = otlp_send(OTEL_PROTOBUF, spans, 2);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body[0], 0x0a);
	assert_memory_equal(answer.body + 2, begin, 3);
	assert_memory_equal(answer.body + 6, "span 0: trace_id", 16);
	http_free(&answer);
}

static const struct {
	const char *sentence;
	const char *type;
	const char *body;
	size_t len;
	long status;
} refused[] = {
#define BODY(text) text, sizeof(text) - 1
	{ "broken protobuf", "application/x-protobuf",
	    BODY("\x0a\x05"
		 "a"),
	    400 },
	{ "broken protobuf in a span", "application/x-protobuf",
	    BODY("\x0a\x06\x12\x04\x12\x02\x0a\x09"), 400 },
	{ "JSON as protobuf", "application/x-protobuf", BODY("{\"resourceSpans\":[]}"), 400 },
	{ "no JSON", "application/json", BODY("{\"resourceSpans\":["), 400 },
	{ "an array", "application/json", BODY("[]"), 400 },
	{ "spans that are no array", "application/json", BODY("{\"resourceSpans\":1}"), 400 },
	{ "spans that are no objects", "application/json",
	    BODY("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[1]}]}]}"), 400 },
	{ "text", "text/plain", BODY("x"), 415 },
	{ "nothing as JSON", "application/json", BODY(""), 400 },
	{ "nothing as protobuf", "application/x-protobuf", BODY(""), 200 },
	{ "no spans", "application/json", BODY("{}"), 200 },
	{ "null", "application/json", BODY("{\"resourceSpans\":null}"), 200 },
	{ "members of tomorrow's", "application/json",
	    BODY("{\"resourceSpans\":[{\"new\":{},\"scopeSpans\":[{\"spans\":[],\"x\":1}]}]}"),
	    200 },
};

static void
what_is_no_export_is_refused(UNUSED void **state)
{
	const struct http http = { .url = servers_http_url(api_servers()), .key = api_key() };

	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *const headers[] = { api_text("Content-Type: %s", refused[i].type),
			NULL };
		struct http_answer answer = http_send_n(
		    &http, "POST", "/v1/traces", headers, refused[i].body, refused[i].len);

		if (answer.status != refused[i].status)
			fail_msg("%s: %ld %s", refused[i].sentence, answer.status, answer.body);
		http_free(&answer);
	}
}

static void
a_failure_is_a_status_in_the_requests_format(UNUSED void **state)
{
	struct http_answer answer = otlp_post(OTEL_JSON, (struct text){ "[]", 2 });

	assert_string_equal(http_header(&answer, "content-type"), "application/problem+json");
	assert_string_equal(http_json(&answer, "code", 0), "3");
	assert_string_equal(http_json(&answer, "message", 0), http_json(&answer, "detail", 1));
	http_free(&answer);
	answer = otlp_post(OTEL_PROTOBUF, (struct text){ "\x07", 1 });
	assert_int_equal(answer.status, 400);
	assert_string_equal(http_header(&answer, "content-type"), "application/x-protobuf");
	/* code: 3, message: "A field ..." */
	assert_memory_equal(answer.body, "\x08\x03\x12", 3);
	assert_memory_equal(answer.body + 4, "A field", 7);
	http_free(&answer);
}

/* Also where the key is looked at, before the body is. */
static void
a_wrong_key_is_told_in_the_requests_format(UNUSED void **state)
{
	const char *key = api_key();
	struct otlp_span span = otlp_span(1);
	struct http_answer answer;

	api_use_key("tally_0000000000000000_wrong");
	answer = otlp_send(OTEL_PROTOBUF, &span, 1);
	api_use_key(key);
	assert_int_equal(answer.status, 401);
	assert_string_equal(http_header(&answer, "content-type"), "application/x-protobuf");
	/* code: 16 */
	assert_memory_equal(answer.body, "\x08\x10\x12", 3);
	http_free(&answer);
}

static void
an_export_has_its_limit(UNUSED void **state)
{
	size_t count = TRACES_SPANS_MAX + 2;
	struct otlp_span *spans = calloc(count, sizeof(*spans));
	struct http_answer answer;

	api_use_new_client("limit");
	for (unsigned i = 0; i < count; i++)
		spans[i] = otlp_span(i);
	/* What is ignored does not count. */
	spans[0].attributes = "http.request.method=GET";
	answer = otlp_send(OTEL_PROTOBUF, spans, count);
	assert_int_equal(answer.status, 413);
	http_free(&answer);
	otlp_expect(otlp_send(OTEL_PROTOBUF, spans, count - 1),
	    api_text("accepted=%d, duplicates=0, rejected=0, ignored=1", TRACES_SPANS_MAX));
	free(spans);
}

/* Attributes of any depth say nothing to us, and do no harm. */
static void
deep_attributes_are_passed_over(UNUSED void **state)
{
	struct buf deep = { .arena = arena_new() }, body = { .arena = deep.arena };
	struct http_answer answer;

	api_use_new_client("deep");
	for (int i = 0; i < 100; i++)
		buf_puts(&deep, "{\"arrayValue\":{\"values\":[");
	for (int i = 0; i < 100; i++)
		buf_puts(&deep, "]}}");
	buf_printf(&body,
	    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"attributes\":"
	    "[{\"key\":\"gen_ai.input.messages\",\"value\":%s}]}]}]}]}",
	    deep.at);
	answer = otlp_post(OTEL_JSON, buf_text(&body));
	assert_int_equal(answer.status, 200);
	assert_string_equal(http_header(&answer, "x-tally-spans"),
	    "accepted=0, duplicates=0, rejected=0, ignored=1");
	http_free(&answer);
	arena_free(deep.arena);
}

/* For servers_await(). */
static bool
is_stored(void *span)
{
	struct http_answer answer = otlp_send(OTEL_PROTOBUF, span, 1);
	bool stored = answer.status == 200;

	if (stored)
		assert_string_equal(http_header(&answer, "x-tally-spans"),
		    "accepted=1, duplicates=0, rejected=0, ignored=0");
	http_free(&answer);
	return stored;
}

/* Exporters try again after Retry-After, and only then. */
static void
a_full_house_says_when_to_come_again(UNUSED void **state)
{
	struct otlp_span span = otlp_span(1);
	struct http_answer answer;

	api_use_new_client("away");
	answer = otlp_send(OTEL_PROTOBUF, &span, 1);
	assert_int_equal(answer.status, 200);
	http_free(&answer);
	servers_kill_tree(api_servers(), SERVER_POSTGRES);
	span = otlp_span(2);
	answer = otlp_send(OTEL_PROTOBUF, &span, 1);
	assert_int_equal(answer.status, 503);
	assert_non_null(http_header(&answer, "retry-after"));
	assert_string_equal(http_header(&answer, "content-type"), "application/x-protobuf");
	assert_memory_equal(answer.body, "\x08\x0e\x12", 3);
	http_free(&answer);
	servers_restart(api_servers(), SERVER_POSTGRES);
	/* What could not be reached is not tried again at once. */
	assert_true(servers_await(is_stored, &span));
}

static void
the_scope_is_asked_for(UNUSED void **state)
{
	struct otlp_span span = otlp_span(1);
	struct http_answer answer;

	api_use_new_client("scope");
	api_use_scope("logs:read");
	answer = otlp_send(OTEL_PROTOBUF, &span, 1);
	assert_int_equal(answer.status, 403);
	http_free(&answer);
	api_use_scope("logs:write");
	answer = otlp_send(OTEL_PROTOBUF, &span, 1);
	assert_int_equal(answer.status, 200);
	http_free(&answer);
}

static void
an_idempotency_key_keeps_a_protobuf_answer(UNUSED void **state)
{
	static const char *const headers[] = { "Content-Type: application/x-protobuf",
		"Idempotency-Key: once", NULL };
	struct http http = { .url = servers_http_url(api_servers()) };
	struct otlp_span span = bad_span(0, 1);
	struct text body = otlp_export(OTEL_PROTOBUF, &span, 1);
	struct http_answer first, second;

	api_use_new_client("key");
	http.key = api_key();
	first = http_send_n(&http, "POST", "/v1/traces", headers, body.at, body.len);
	second = http_send_n(&http, "POST", "/v1/traces", headers, body.at, body.len);
	assert_int_equal(second.status, 200);
	assert_string_equal(http_header(&second, "idempotency-replayed"), "true");
	assert_string_equal(http_header(&second, "content-type"), "application/x-protobuf");
	assert_int_equal(second.len, first.len);
	assert_memory_equal(second.body, first.body, first.len);
	http_free(&first);
	http_free(&second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partial_success_names_what_is_rejected),
		cmocka_unit_test(partial_success_in_protobuf),
		cmocka_unit_test(what_is_no_export_is_refused),
		cmocka_unit_test(a_failure_is_a_status_in_the_requests_format),
		cmocka_unit_test(a_wrong_key_is_told_in_the_requests_format),
		cmocka_unit_test(an_export_has_its_limit),
		cmocka_unit_test(deep_attributes_are_passed_over),
		cmocka_unit_test(the_scope_is_asked_for),
		cmocka_unit_test(an_idempotency_key_keeps_a_protobuf_answer),
		cmocka_unit_test(a_full_house_says_when_to_come_again),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
