/*
 * POST /v1/traces through nginx, each span as protobuf and as JSON: what becomes a record of what
 * content, what is ignored, and that nothing is stored twice.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/ingest/record.h"
#include "tests/api.h"
#include "tests/otlp.h"

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

		answer = otlp_post(format, body);
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

	api_use_new_client("both formats");
	otlp_expect(
	    otlp_send(OTEL_JSON, &span, 1), "accepted=1, duplicates=0, rejected=0, ignored=0");
	otlp_expect(
	    otlp_send(OTEL_PROTOBUF, &span, 1), "accepted=0, duplicates=1, rejected=0, ignored=0");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("total_requests", "1");
}

/* What is only too long is cut, as no exporter sends it a second time; but a user stays the same,
 * or is none. */
static void
long_texts_are_cut(UNUSED void **state)
{
	struct otlp_span span = otlp_span(1);
	struct http_answer answer;

	api_use_new_client("long");
	span.attributes =
	    strdup(api_text("gen_ai.operation.name=execute_tool;gen_ai.tool.name=%0200d;"
			    "tally.feature=%0200d",
		1, 2));
	otlp_expect(
	    otlp_send(OTEL_PROTOBUF, &span, 1), "accepted=1, duplicates=0, rejected=0, ignored=0");
	free((char *)(uintptr_t)span.attributes);
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	assert_int_equal(strlen(api_json("data.0.tools_used.0")), RECORD_TOOL_MAX);
	assert_int_equal(strlen(api_json("data.0.feature")), record_field_max("feature"));
	span = otlp_span(2);
	span.attributes = strdup(api_text("gen_ai.usage.input_tokens=#1;user.id=%0256d", 1));
	answer = otlp_send(OTEL_JSON, &span, 1);
	assert_non_null(strstr(answer.body, "span 0: external_user_id"));
	http_free(&answer);
	free((char *)(uintptr_t)span.attributes);
}

/* An answer that is kept is made again where its transaction is the victim of a deadlock. */
static void
what_is_tried_again_is_told_once(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: again", NULL };
	struct otlp_span span = otlp_span(1);
	const char *told;

	api_use_new_client("again");
	(void)api_sql("CREATE SEQUENCE tries; "
		      "CREATE FUNCTION lose_once() RETURNS trigger LANGUAGE plpgsql "
		      "SECURITY DEFINER AS $$BEGIN IF nextval('tries') = 1 THEN "
		      "RAISE deadlock_detected; END IF; RETURN NEW; END$$; "
		      "CREATE TRIGGER lose_once BEFORE UPDATE ON idempotency_keys "
		      "FOR EACH ROW EXECUTE FUNCTION lose_once()");
	assert_int_equal(
	    api_send("POST", "/v1/traces", headers, otlp_export(OTEL_JSON, &span, 1).at), 200);
	assert_string_equal(api_sql("SELECT last_value FROM tries"), "2");
	(void)api_sql("DROP FUNCTION lose_once CASCADE; DROP SEQUENCE tries");
	told = strstr(api_answer()->headers, "x-tally-spans: accepted=1, ");
	assert_non_null(told);
	assert_null(strstr(told + 1, "x-tally-spans:"));
}

static int
start(void **state)
{
	int failed = api_start(state);

	if (failed == 0)
		api_import_prices();
	return failed;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_become_records),
		cmocka_unit_test(the_format_does_not_change_the_identity),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(what_is_tried_again_is_told_once),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
