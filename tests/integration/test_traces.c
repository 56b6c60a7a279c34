/*
 * POST /v1/traces through nginx, each span as protobuf and as JSON: what becomes a record, what is
 * rejected, what is ignored, and that nothing is stored twice.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/proto.h"
#include "tests/api.h"
#include "tests/otlp.h"

static const char *const json_type[] = { "Content-Type: application/json", NULL };
static const char *const proto_type[] = { "Content-Type: application/x-protobuf", NULL };

static struct http_answer
post(enum otel_format format, struct text body)
{
	const struct http http = { .url = servers_http_url(api_servers()), .key = api_key() };

	return http_send_n(&http, "POST", "/v1/traces",
	    format == OTEL_JSON ? json_type : proto_type, body.at, body.len);
}

/* The span in both formats, and the record's members as "name=value;..." */
static const struct row {
	const char *sentence;
	const char *attributes;
	bool failed;
	const char *record; /* NULL: there is none */
} rows[] = {
	{ "current names: cached tokens are inside, of Anthropic too",
	    "gen_ai.operation.name=chat;gen_ai.provider.name=anthropic;"
	    "gen_ai.request.model=claude-3-haiku-20240307;gen_ai.usage.input_tokens=#1000;"
	    "gen_ai.usage.cache_read.input_tokens=#400;"
	    "gen_ai.usage.cache_creation.input_tokens=#100;gen_ai.usage.output_tokens=#70;"
	    "gen_ai.usage.reasoning.output_tokens=#20;gen_ai.agent.name=planner;user.id=ann",
	    false,
	    "provider=anthropic;model=claude-3-haiku-20240307;input_tokens=500;"
	    "cached_input_tokens=400;cache_write_tokens=100;output_tokens=70;reasoning_tokens=20;"
	    "tokens_used=1070;agent_type=planner;success=true;feature=shop;duration_ms=1500;"
	    "parent_span_id=00f067aa0ba902b7;metadata.kind=call;metadata.environment=test" },
	{ "parts that are larger than the whole are beside it",
	    "gen_ai.operation.name=chat;gen_ai.usage.input_tokens=#10;"
	    "gen_ai.usage.cache_read.input_tokens=#400;gen_ai.usage.output_tokens=#5;"
	    "gen_ai.usage.reasoning_tokens=#9",
	    false,
	    "input_tokens=10;cached_input_tokens=400;output_tokens=14;reasoning_tokens=9;"
	    "tokens_used=424" },
	{ "older names, and the price of gpt-4o",
	    "gen_ai.system=OpenAI;gen_ai.request.model=gpt-4o;gen_ai.usage.prompt_tokens=#1000;"
	    "gen_ai.usage.completion_tokens=#7",
	    false,
	    "provider=openai;model=gpt-4o;input_tokens=1000;output_tokens=7;"
	    "estimated_cost_cents=0.257" },
	{ "the current name comes before the older one, wherever it stands",
	    "gen_ai.system=other;gen_ai.usage.prompt_tokens=#1;gen_ai.usage.input_tokens=#2;"
	    "gen_ai.provider.name=openai;gen_ai.usage.prompt_tokens=#3",
	    false, "provider=openai;input_tokens=2" },
	{ "OpenInference",
	    "openinference.span.kind=LLM;llm.model_name=gpt-4o;llm.provider=openai;"
	    "llm.token_count.prompt=#1000;llm.token_count.prompt_details.cache_read=#400;"
	    "llm.token_count.completion=#7;llm.token_count.completion_details.reasoning=#3",
	    false,
	    "provider=openai;model=gpt-4o;input_tokens=600;cached_input_tokens=400;"
	    "output_tokens=7;reasoning_tokens=3;estimated_cost_cents=0.207" },
	{ "a price under another name of the provider",
	    "gen_ai.operation.name=generate_content;gen_ai.provider.name=gcp.gemini;"
	    "gen_ai.request.model=gemini-2.5-flash;gen_ai.usage.input_tokens=#1000000;"
	    "gen_ai.usage.output_tokens=#0",
	    false, "provider=gemini;model=gemini-2.5-flash;estimated_cost_cents=30" },
	{ "of two models the one that has a price",
	    "gen_ai.operation.name=chat;gen_ai.provider.name=openai;gen_ai.request.model=gpt-4o;"
	    "gen_ai.response.model=gpt-4o-unheard-of;gen_ai.usage.input_tokens=#1000",
	    false,
	    "model=gpt-4o;metadata.response_model=gpt-4o-unheard-of;estimated_cost_cents=0.25" },
	{ "a reported cost is the estimate, ours beside it",
	    "openinference.span.kind=LLM;llm.model_name=gpt-4o;llm.provider=openai;"
	    "llm.token_count.prompt=#1000;llm.cost.total=%0.0123456789",
	    false, "estimated_cost_cents=1.2345679;metadata.tally_cost_cents=0.25" },
	{ "a reported cost of 0 is none",
	    "openinference.span.kind=LLM;llm.model_name=gpt-4o;llm.provider=openai;"
	    "llm.token_count.prompt=#1000;llm.cost.total=%0",
	    false, "estimated_cost_cents=0.25" },
	{ "numbers as text and as floating point",
	    "gen_ai.operation.name=chat;gen_ai.usage.input_tokens=12;"
	    "gen_ai.usage.output_tokens=%34",
	    false, "input_tokens=12;output_tokens=34" },
	{ "a call without a count of its tokens has no price",
	    "gen_ai.operation.name=chat;gen_ai.request.model=gpt-4o", false,
	    "model=gpt-4o;message_length=0;input_tokens=null;estimated_cost_cents=null" },
	{ "a call that failed before any token cost nothing",
	    "gen_ai.operation.name=chat;gen_ai.request.model=gpt-4o;error.type=timeout", true,
	    "success=false;error_message=it broke;estimated_cost_cents=0;"
	    "metadata.error_type=timeout" },
	{ "an agent's step is kept without the tokens of the calls inside it",
	    "gen_ai.operation.name=invoke_agent;gen_ai.agent.name=planner;"
	    "gen_ai.usage.input_tokens=#1000;gen_ai.usage.output_tokens=#7",
	    false,
	    "agent_type=planner;input_tokens=null;tokens_used=null;estimated_cost_cents=0;"
	    "metadata.kind=agent;metadata.inner_input_tokens=1000" },
	{ "an agent's step of OpenInference",
	    "openinference.span.kind=AGENT;agent.name=planner;llm.token_count.prompt=#9", false,
	    "agent_type=planner;input_tokens=null" },
	{ "a tool's call", "gen_ai.operation.name=execute_tool;gen_ai.tool.name=weather", false,
	    "tools_used.0=weather;input_tokens=null;estimated_cost_cents=0;metadata.kind=tool" },
	{ "a tool's call without its name", "openinference.span.kind=TOOL", false,
	    "tools_used.0=a span" },
	{ "a chain that sums up its calls",
	    "openinference.span.kind=CHAIN;llm.token_count.prompt=#9", false, NULL },
	{ "a request of HTTP", "http.request.method=GET", false, NULL },
	{ "nothing at all", "", false, NULL },
};

/* Each "path=value" must be so in the record. */
static void
check_record(const struct row *row, const char *form, const char *trace)
{
	char *expected = strdup(row->record), *rest = expected, *pair;

	api_expect(200, "GET", api_text("/v1/chat-logs?trace_id=%s", trace), NULL);
	if (api_rows() != 1)
		fail_msg("%s (%s): %d records", row->sentence, form, api_rows());
	while ((pair = strsep(&rest, ";")) != NULL) {
		const char *name = strsep(&pair, "=");
		const char *found = api_json(api_text("data.0.%s", name));

		if (strcmp(found, pair) != 0)
			fail_msg("%s (%s): %s is %s", row->sentence, form, name, found);
	}
	free(expected);
}

static void
expect_spans(const struct row *row, const struct http_answer *answer, const char *spans)
{
	const char *said = http_header(answer, "x-tally-spans");

	if (answer->status != 200 || said == NULL || strcmp(said, spans) != 0)
		fail_msg("%s: %ld %s %s", row->sentence, answer->status, said ? said : "-",
		    answer->body);
}

static void
send_row(const struct row *row, enum otel_format format, unsigned number)
{
	struct otlp_span span = otlp_span(number);
	struct http_answer answer;
	struct text body;

	span.attributes = row->attributes;
	span.failed = row->failed;
	body = otlp_export(format, &span, 1);
	for (int again = 0; again < 2; again++) {
		const char *stored = again ? "accepted=0, duplicates=1, rejected=0, ignored=0"
					   : "accepted=1, duplicates=0, rejected=0, ignored=0";

		answer = post(format, body);
		expect_spans(row, &answer,
		    row->record ? stored : "accepted=0, duplicates=0, rejected=0, ignored=1");
		assert_string_equal(http_header(&answer, "content-type"),
		    format == OTEL_JSON ? "application/json" : "application/x-protobuf");
		assert_string_equal(answer.body, format == OTEL_JSON ? "{}" : "");
		http_free(&answer);
	}
	if (row->record)
		check_record(row, format == OTEL_JSON ? "JSON" : "protobuf", span.trace_id);
}

static void
spans_become_records(UNUSED void **state)
{
	api_use_new_client("spans");
	for (unsigned i = 0; i < COUNT(rows); i++) {
		send_row(&rows[i], OTEL_JSON, 2 * i);
		send_row(&rows[i], OTEL_PROTOBUF, 2 * i + 1);
	}
}

static void
the_format_does_not_change_the_identity(UNUSED void **state)
{
	struct otlp_span span = otlp_span(1);
	struct http_answer answer;

	api_use_new_client("both formats");
	answer = post(OTEL_JSON, otlp_export(OTEL_JSON, &span, 1));
	assert_string_equal(http_header(&answer, "x-tally-spans"),
	    "accepted=1, duplicates=0, rejected=0, ignored=0");
	http_free(&answer);
	answer = post(OTEL_PROTOBUF, otlp_export(OTEL_PROTOBUF, &span, 1));
	assert_string_equal(http_header(&answer, "x-tally-spans"),
	    "accepted=0, duplicates=1, rejected=0, ignored=0");
	http_free(&answer);
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("total_requests", "1");
}

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
		struct http_answer answer = post(OTEL_JSON, otlp_export(OTEL_JSON, spans, 2));
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
	answer = post(OTEL_PROTOBUF, otlp_export(OTEL_PROTOBUF, spans, 2));
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
	struct http_answer answer = post(OTEL_JSON, (struct text){ "[]", 2 });

	assert_string_equal(http_header(&answer, "content-type"), "application/problem+json");
	assert_string_equal(http_json(&answer, "code", 0), "3");
	assert_string_equal(http_json(&answer, "message", 0), http_json(&answer, "detail", 1));
	http_free(&answer);
	answer = post(OTEL_PROTOBUF, (struct text){ "\x07", 1 });
	assert_int_equal(answer.status, 400);
	assert_string_equal(http_header(&answer, "content-type"), "application/x-protobuf");
	/* code: 3, message: "A field ..." */
	assert_memory_equal(answer.body, "\x08\x03\x12", 3);
	assert_memory_equal(answer.body + 4, "A field", 7);
	http_free(&answer);
}

static int
start(void **state)
{
	const char *source = getenv("TALLY_SRCDIR");
	char *output;
	int status;

	if (api_start(state) != 0)
		return -1;
	status = servers_tally(api_servers(), &output, "prices", "import",
	    api_text("%s/conf/model_prices.json", source ? source : "."), NULL);
	free(output);
	return status;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_become_records),
		cmocka_unit_test(the_format_does_not_change_the_identity),
		cmocka_unit_test(partial_success_names_what_is_rejected),
		cmocka_unit_test(partial_success_in_protobuf),
		cmocka_unit_test(what_is_no_export_is_refused),
		cmocka_unit_test(a_failure_is_a_status_in_the_requests_format),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
