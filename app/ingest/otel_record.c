#include "app/ingest/otel_record.h"

#include <string.h>
#include <strings.h>

#include "app/ingest/foreign.h"
#include "app/ingest/provider.h"

/*
 * What the conventions call the kinds of spans: gen_ai.operation.name, openinference.span.kind,
 * traceloop.span.kind, llm.request.type. Those of kind other may carry the sum of the tokens below
 * them.
 */
static const struct {
	const char *word;
	enum otel_kind kind;
} words[] = {
	{ "chat", OTEL_CALL },
	{ "completion", OTEL_CALL },
	{ "text_completion", OTEL_CALL },
	{ "generate_content", OTEL_CALL },
	{ "response", OTEL_CALL },
	{ "responses", OTEL_CALL },
	{ "embeddings", OTEL_CALL },
	{ "embedding", OTEL_CALL },
	{ "llm", OTEL_CALL },
	{ "agent", OTEL_AGENT_STEP },
	{ "create_agent", OTEL_AGENT_STEP },
	{ "invoke_agent", OTEL_AGENT_STEP },
	{ "invoke_workflow", OTEL_AGENT_STEP },
	{ "plan", OTEL_AGENT_STEP },
	{ "execute_tool", OTEL_TOOL_CALL },
	{ "tool", OTEL_TOOL_CALL },
	{ "chain", OTEL_OTHER },
	{ "evaluator", OTEL_OTHER },
	{ "guardrail", OTEL_OTHER },
	{ "prompt", OTEL_OTHER },
	{ "retrieval", OTEL_OTHER },
	{ "retriever", OTEL_OTHER },
	{ "task", OTEL_OTHER },
	{ "workflow", OTEL_OTHER },
};

static struct text
get(const struct otel_span *span, enum otel_slot slot)
{
	return span->attributes.at[slot];
}

static bool
has(const struct otel_span *span, enum otel_slot slot)
{
	return span->attributes.at[slot].len > 0;
}

static bool
find_word(struct text text, enum otel_kind *ret)
{
	for (size_t i = 0; i < COUNT(words); i++) {
		if (strlen(words[i].word) == text.len &&
		    strncasecmp(words[i].word, text.at, text.len) == 0) {
			*ret = words[i].kind;
			return true;
		}
	}
	return false;
}

enum otel_kind
otel_kind(const struct otel_span *span)
{
	static const enum otel_slot slots[] = { OTEL_OPERATION, OTEL_SPAN_KIND, OTEL_REQUEST_TYPE };
	enum otel_kind kind;

	for (size_t i = 0; i < COUNT(slots); i++) {
		if (has(span, slots[i]) && find_word(get(span, slots[i]), &kind))
			return kind;
	}
	/* A word of tomorrow's, or none: what counts tokens of a model has called it. */
	return has(span, OTEL_INPUT_TOKENS) || has(span, OTEL_OUTPUT_TOKENS) ? OTEL_CALL
									     : OTEL_OTHER;
}

static void
set_identity(struct task *task, const struct otel_span *span, struct record_input *input)
{
	struct chat_log *log = &input->log;

	if (span->trace_id.at == NULL)
		(void)task_fail_field(task, "trace_id", "must be 16 bytes, not all of them zero");
	if (span->span_id.at == NULL)
		(void)task_fail_field(task, "span_id", "must be 8 bytes, not all of them zero");
	log->trace_id = foreign_string(task, span->trace_id);
	log->span_id = foreign_string(task, span->span_id);
	log->parent_span_id = foreign_string(task, span->parent_span_id);
	log->created_at = span->started_at;
	input->id = arena_printf(task->arena, "otlp:%.*s:%.*s", (int)span->trace_id.len,
	    span->trace_id.at, (int)span->span_id.len, span->span_id.at);
}

static void
set_outcome(struct task *task, const struct otel_span *span, struct record_input *input)
{
	struct text why = span->status_message;

	foreign_set_duration(input, span->ended_at - span->started_at);
	input->log.success = !span->failed && !has(span, OTEL_ERROR_TYPE);
	if (!input->log.success)
		foreign_set_cut(
		    task, input, "error_message", why.len > 0 ? why : get(span, OTEL_ERROR_TYPE));
}

/* What an SDK says that was not told any. */
static bool
is_unknown_service(struct text feature)
{
	static const char unknown[] = "unknown_service";

	return feature.len >= sizeof(unknown) - 1 &&
	       memcmp(feature.at, unknown, sizeof(unknown) - 1) == 0;
}

static void
set_scope(struct task *task, const struct otel_span *span, struct record_input *input)
{
	struct text conversation = get(span, OTEL_CONVERSATION);
	struct id id;

	foreign_set(task, input, "external_user_id", get(span, OTEL_USER));
	foreign_set_cut(task, input, "agent_type", get(span, OTEL_AGENT));
	if (!is_unknown_service(get(span, OTEL_FEATURE)))
		foreign_set_cut(task, input, "feature", get(span, OTEL_FEATURE));
	if (id_parse(conversation, &id) && !id_is_nil(id))
		input->log.conversation_id = id;
}

static void
set_tokens(struct task *task, const struct otel_span *span, struct record_input *input)
{
	foreign_set(task, input, "input_tokens", get(span, OTEL_INPUT_TOKENS));
	foreign_set(task, input, "output_tokens", get(span, OTEL_OUTPUT_TOKENS));
	foreign_set(task, input, "cached_input_tokens", get(span, OTEL_CACHE_READ_TOKENS));
	foreign_set(task, input, "cache_write_tokens", get(span, OTEL_CACHE_WRITE_TOKENS));
	foreign_set(task, input, "reasoning_tokens", get(span, OTEL_REASONING_TOKENS));
	if (has(span, OTEL_INPUT_TOKENS) || has(span, OTEL_OUTPUT_TOKENS))
		return;
	foreign_set(task, input, "tokens_used", get(span, OTEL_TOTAL_TOKENS));
	foreign_set_no_tokens(input);
}

/* Instrumentations write 0 for a model whose price they do not know. */
static void
set_cost(struct task *task, const struct otel_span *span, struct record_input *input)
{
	if (!has(span, OTEL_COST))
		return;
	foreign_set_cost(task, input, get(span, OTEL_COST));
	if (input->reported_cost_nanos == 0)
		input->reported_cost_nanos = CHAT_LOG_NONE;
}

static bool
set_call(struct task *task, struct cache *cache, const struct otel_span *span,
    struct record_input *input)
{
	const char *models[] = { foreign_string(task, get(span, OTEL_RESPONSE_MODEL)),
		foreign_string(task, get(span, OTEL_REQUEST_MODEL)) };
	struct text provider = get(span, OTEL_PROVIDER);

	set_tokens(task, span, input);
	set_cost(task, span, input);
	foreign_check(task, "provider", provider);
	foreign_check(task, "model", get(span, OTEL_RESPONSE_MODEL));
	foreign_check(task, "model", get(span, OTEL_REQUEST_MODEL));
	if (task->err.code != ERR_NONE)
		return true;
	return provider_choose_model(task, cache,
	    provider.len > 0 ? provider_name(task, provider) : NULL, models, COUNT(models), input);
}

/* Neither tokens nor a cost of its own. */
static void
set_step(struct task *task, enum otel_kind kind, const struct otel_span *span,
    struct record_input *input)
{
	struct text name = has(span, kind == OTEL_TOOL_CALL ? OTEL_TOOL : OTEL_AGENT)
			       ? get(span, kind == OTEL_TOOL_CALL ? OTEL_TOOL : OTEL_AGENT)
			       : get(span, OTEL_ENTITY);
	const char **tool;

	input->log.message_length = 0;
	input->log.estimated_cost_nanos = 0;
	if (name.len == 0)
		name = span->name;
	if (kind == OTEL_AGENT_STEP) {
		foreign_set_cut(task, input, "agent_type", name);
	} else if (name.len > 0) {
		tool = arena_alloc(task->arena, sizeof(*tool));
		*tool = foreign_string(task, foreign_cut(name, RECORD_TOOL_MAX));
		input->log.tools_used = (struct json_texts){ .at = tool, .count = 1 };
	}
}

static void
set_metadata(struct task *task, enum otel_kind kind, const struct otel_span *span,
    struct record_input *input)
{
	static const char *const kinds[] = {
		[OTEL_OTHER] = "other",
		[OTEL_CALL] = "call",
		[OTEL_AGENT_STEP] = "agent",
		[OTEL_TOOL_CALL] = "tool",
	};
	static const struct {
		const char *key;
		enum otel_slot slot;
	} members[] = {
		{ "operation", OTEL_OPERATION },
		{ "request_model", OTEL_REQUEST_MODEL },
		{ "response_model", OTEL_RESPONSE_MODEL },
		{ "response_id", OTEL_RESPONSE_ID },
		{ "conversation", OTEL_CONVERSATION },
		{ "environment", OTEL_ENVIRONMENT },
		{ "error_type", OTEL_ERROR_TYPE },
	};
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	json_text(out, "source", "otlp");
	json_text(out, "kind", kinds[kind]);
	foreign_add(out, "span_name", span->name);
	for (size_t i = 0; i < COUNT(members); i++)
		foreign_add(out, members[i].key, get(span, members[i].slot));
	if (kind != OTEL_CALL) {
		foreign_add(out, "inner_input_tokens", get(span, OTEL_INPUT_TOKENS));
		foreign_add(out, "inner_output_tokens", get(span, OTEL_OUTPUT_TOKENS));
	}
	json_close(out);
	input->log.metadata = buf_text(&buf);
}

bool
otel_make_record(struct task *task, struct cache *cache, const struct identity *identity,
    enum otel_kind kind, const struct otel_span *span, struct record *ret)
{
	struct record_input input;

	record_input_make_empty(&input);
	set_identity(task, span, &input);
	set_outcome(task, span, &input);
	set_scope(task, span, &input);
	set_metadata(task, kind, span, &input);
	if (kind != OTEL_CALL)
		set_step(task, kind, span, &input);
	else if (!set_call(task, cache, span, &input))
		return false;
	return record_make(task, cache, identity, &input, ret);
}
