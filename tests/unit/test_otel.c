#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/ingest/otel_record.h"
#include "lib/buf.h"
#include "lib/proto.h"

static int
setup(void **state)
{
	struct task *task = calloc(1, sizeof(*task));

	task_init(task, arena_new());
	*state = task;
	return 0;
}

static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	free(task);
	return 0;
}

/* Each span as "name feature kind input_tokens", "-" where there is none; "!" at a break. */
static const char *
show(struct task *task, enum otel_format format, struct text body)
{
	static const char *const kinds[] = { "other", "call", "agent", "tool" };
	struct buf shown = { .arena = task->arena };
	struct otel_reader reader;
	struct otel_span span;

	buf_puts(&shown, "");
	task_clear_error(task);
	if (!otel_open(task, format, body, &reader))
		return "!";
	while (otel_next(task, &reader, &span)) {
		struct text feature = span.attributes.at[OTEL_FEATURE];
		struct text tokens = span.attributes.at[OTEL_INPUT_TOKENS];

		buf_printf(&shown, "%.*s %.*s %s %.*s,", (int)span.name.len,
		    span.name.at ? span.name.at : "", feature.at ? (int)feature.len : 1,
		    feature.at ? feature.at : "-", kinds[otel_kind(&span)],
		    tokens.at ? (int)tokens.len : 1, tokens.at ? tokens.at : "-");
	}
	if (task->err.code != ERR_NONE)
		buf_putc(&shown, '!');
	return shown.at;
}

#define TOKENS(value) "{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{" value "}}"
#define SPAN(name, attributes) "{\"name\":\"" name "\",\"attributes\":[" attributes "]}"
#define SPANS(spans) "{\"spans\":[" spans "]}"
#define RESOURCE(service) \
	"\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"" service \
	"\"}}]}"
#define EXPORT(resources) "{\"resourceSpans\":[" resources "]}"

static const struct {
	const char *sentence;
	const char *json;
	const char *shown;
} exports[] = {
	{ "two resources of two scopes",
	    EXPORT("{" RESOURCE("s") ",\"scopeSpans\":[" SPANS(
		SPAN("a", "") "," SPAN("b", "")) "," SPANS(SPAN("c",
		"")) "]},{\"scopeSpans\":[" SPANS("") "," SPANS(SPAN("d", "")) "]}"),
	    "a s other -,b s other -,c s other -,d - other -," },
	{ "the resource behind its spans",
	    EXPORT("{\"scopeSpans\":[" SPANS(SPAN("a", "")) "]," RESOURCE("s") "}"),
	    "a s other -," },
	{ "a number as text",
	    EXPORT("{\"scopeSpans\":[" SPANS(SPAN("a", TOKENS("\"intValue\":\"7\""))) "]}"),
	    "a - call 7," },
	{ "a number", EXPORT("{\"scopeSpans\":[" SPANS(SPAN("a", TOKENS("\"intValue\":7"))) "]}"),
	    "a - call 7," },
	{ "an empty text is none",
	    EXPORT("{\"scopeSpans\":[" SPANS(SPAN("a", TOKENS("\"stringValue\":\"\""))) "]}"),
	    "a - other -," },
	{ "a list is none",
	    EXPORT("{\"scopeSpans\":[" SPANS(
		SPAN("a", TOKENS("\"arrayValue\":{\"values\":[{\"intValue\":7}]}"))) "]}"),
	    "a - other -," },
	{ "a text of NUL is none",
	    EXPORT("{\"scopeSpans\":[" SPANS(
		SPAN("\\u0000", TOKENS("\"stringValue\":\"\\u0000\""))) "]}"),
	    " - other -," },
	{ "an attribute without a value",
	    EXPORT("{\"scopeSpans\":[" SPANS(SPAN("a", "{\"key\":\"service.name\"},{}")) "]}"),
	    "a - other -," },
	{ "nothing at all", "{}", "" },
	{ "an array that does not end", "{\"resourceSpans\":[", "!" },
	{ "a span that is none", EXPORT("{\"scopeSpans\":[" SPANS(SPAN("a", "") ",5") "]}"),
	    "a - other -,!" },
	{ "attributes that are none", EXPORT("{\"scopeSpans\":[" SPANS("{\"attributes\":{}}") "]}"),
	    "!" },
};

static void
spans_of_json_are_read(void **state)
{
	for (size_t i = 0; i < COUNT(exports); i++) {
		const char *shown = show(
		    *state, OTEL_JSON, (struct text){ exports[i].json, strlen(exports[i].json) });

		if (strcmp(shown, exports[i].shown) != 0)
			fail_msg("%s: %s", exports[i].sentence, shown);
	}
}

static struct text
wrap(struct task *task, uint32_t number, struct text inside)
{
	struct buf buf = { .arena = task->arena };

	proto_add_bytes(&buf, number, inside);
	return buf_text(&buf);
}

static struct text
join(struct task *task, struct text a, struct text b)
{
	struct buf buf = { .arena = task->arena };

	buf_add(&buf, a.at, a.len);
	buf_add(&buf, b.at, b.len);
	return buf_text(&buf);
}

/* A KeyValue whose value is a text. */
static struct text
pair(struct task *task, const char *name, struct text value)
{
	return join(task, wrap(task, 1, (struct text){ name, strlen(name) }),
	    wrap(task, 2, wrap(task, 1, value)));
}

#define LITERAL(bytes) ((struct text){ bytes, sizeof(bytes) - 1 })

static struct text
export_of(struct task *task, struct text value)
{
	struct text attribute = wrap(task, 9, pair(task, "gen_ai.usage.input_tokens", value));
	struct text span = join(task, wrap(task, 5, LITERAL("a")), attribute);
	struct text resource =
	    wrap(task, 1, wrap(task, 1, pair(task, "service.name", LITERAL("s"))));

	return wrap(task, 1, join(task, wrap(task, 2, wrap(task, 2, span)), resource));
}

static void
spans_of_protobuf_are_read(void **state)
{
	struct task *task = *state;
	struct text one = export_of(task, LITERAL("7"));

	assert_string_equal(
	    show(task, OTEL_PROTOBUF, join(task, one, one)), "a s call 7,a s call 7,");
	assert_string_equal(
	    show(task, OTEL_PROTOBUF, export_of(task, LITERAL("\xff"))), "a s other -,");
	assert_string_equal(
	    show(task, OTEL_PROTOBUF, export_of(task, LITERAL("7\0"))), "a s other -,");
	assert_string_equal(show(task, OTEL_PROTOBUF, LITERAL("")), "");
	/* Each prefix of an export is a shorter export or broken, and never more. */
	for (size_t len = 0; len < one.len; len++) {
		const char *shown = show(task, OTEL_PROTOBUF, (struct text){ one.at, len });

		assert_string_equal(shown, len == 0 ? "" : "!");
	}
}

static const struct {
	const char *name, *word;
	enum otel_kind kind;
} kinds[] = {
	{ "gen_ai.operation.name", "chat", OTEL_CALL },
	{ "gen_ai.operation.name", "text_completion", OTEL_CALL },
	{ "gen_ai.operation.name", "generate_content", OTEL_CALL },
	{ "gen_ai.operation.name", "embeddings", OTEL_CALL },
	{ "gen_ai.operation.name", "invoke_agent", OTEL_AGENT_STEP },
	{ "gen_ai.operation.name", "create_agent", OTEL_AGENT_STEP },
	{ "gen_ai.operation.name", "invoke_workflow", OTEL_AGENT_STEP },
	{ "gen_ai.operation.name", "execute_tool", OTEL_TOOL_CALL },
	{ "gen_ai.operation.name", "retrieval", OTEL_OTHER },
	{ "gen_ai.operation.name", "of tomorrow", OTEL_OTHER },
	{ "openinference.span.kind", "LLM", OTEL_CALL },
	{ "openinference.span.kind", "EMBEDDING", OTEL_CALL },
	{ "openinference.span.kind", "AGENT", OTEL_AGENT_STEP },
	{ "openinference.span.kind", "TOOL", OTEL_TOOL_CALL },
	{ "openinference.span.kind", "CHAIN", OTEL_OTHER },
	{ "openinference.span.kind", "RETRIEVER", OTEL_OTHER },
	{ "traceloop.span.kind", "agent", OTEL_AGENT_STEP },
	{ "traceloop.span.kind", "workflow", OTEL_OTHER },
	{ "llm.request.type", "completion", OTEL_CALL },
	{ "gen_ai.usage.output_tokens", "1", OTEL_CALL },
	{ "gen_ai.provider.name", "openai", OTEL_OTHER },
	{ "http.request.method", "GET", OTEL_OTHER },
};

static void
kinds_follow_from_the_words_of_the_conventions(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		const char *json = arena_printf(task->arena,
		    EXPORT("{\"scopeSpans\":[" SPANS(
			SPAN("a", "{\"key\":\"%s\",\"value\":{\"stringValue\":\"%s\"}}")) "]}"),
		    kinds[i].name, kinds[i].word);
		struct otel_reader reader;
		struct otel_span span;

		assert_true(
		    otel_open(task, OTEL_JSON, (struct text){ json, strlen(json) }, &reader));
		assert_true(otel_next(task, &reader, &span));
		if (otel_kind(&span) != kinds[i].kind)
			fail_msg("%s %s", kinds[i].name, kinds[i].word);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(spans_of_json_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(spans_of_protobuf_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    kinds_follow_from_the_words_of_the_conventions, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
