#include "app/ingest/otel.h"

#include <inttypes.h>
#include <string.h>

#include "app/ingest/otel_private.h"

/*
 * The names of each slot, the most current first. Sources:
 * open-telemetry/semantic-conventions-genai (and what it deprecated), Arize's OpenInference,
 * Traceloop's OpenLLMetry, OpenLIT, Pydantic's Logfire; tally.* is ours. In all of them input
 * tokens include those read from and written to a cache, and output tokens include reasoning.
 */
static const struct {
	const char *name;
	enum otel_slot slot;
	bool of_resource; /* also taken from the resource */
} names[] = {
	{ "gen_ai.operation.name", OTEL_OPERATION, false },
	{ "openinference.span.kind", OTEL_SPAN_KIND, false },
	{ "traceloop.span.kind", OTEL_SPAN_KIND, false },
	{ "llm.request.type", OTEL_REQUEST_TYPE, false },
	{ "gen_ai.provider.name", OTEL_PROVIDER, false },
	{ "gen_ai.system", OTEL_PROVIDER, false },
	{ "llm.provider", OTEL_PROVIDER, false },
	{ "llm.system", OTEL_PROVIDER, false },
	{ "gen_ai.response.model", OTEL_RESPONSE_MODEL, false },
	{ "gen_ai.request.model", OTEL_REQUEST_MODEL, false },
	{ "llm.model_name", OTEL_REQUEST_MODEL, false },
	{ "embedding.model_name", OTEL_REQUEST_MODEL, false },
	{ "reranker.model_name", OTEL_REQUEST_MODEL, false },
	{ "gen_ai.usage.input_tokens", OTEL_INPUT_TOKENS, false },
	{ "gen_ai.usage.prompt_tokens", OTEL_INPUT_TOKENS, false },
	{ "llm.token_count.prompt", OTEL_INPUT_TOKENS, false },
	{ "llm.usage.prompt_tokens", OTEL_INPUT_TOKENS, false },
	{ "gen_ai.usage.output_tokens", OTEL_OUTPUT_TOKENS, false },
	{ "gen_ai.usage.completion_tokens", OTEL_OUTPUT_TOKENS, false },
	{ "llm.token_count.completion", OTEL_OUTPUT_TOKENS, false },
	{ "llm.usage.completion_tokens", OTEL_OUTPUT_TOKENS, false },
	{ "gen_ai.usage.cache_read.input_tokens", OTEL_CACHE_READ_TOKENS, false },
	{ "gen_ai.usage.cache_read_input_tokens", OTEL_CACHE_READ_TOKENS, false },
	{ "gen_ai.usage.input_tokens.cached", OTEL_CACHE_READ_TOKENS, false },
	{ "gen_ai.usage.details.cache_read_tokens", OTEL_CACHE_READ_TOKENS, false },
	{ "llm.token_count.prompt_details.cache_read", OTEL_CACHE_READ_TOKENS, false },
	{ "gen_ai.usage.cache_write.input_tokens", OTEL_CACHE_WRITE_TOKENS, false },
	{ "gen_ai.usage.cache_creation.input_tokens", OTEL_CACHE_WRITE_TOKENS, false },
	{ "gen_ai.usage.cache_creation_input_tokens", OTEL_CACHE_WRITE_TOKENS, false },
	{ "gen_ai.usage.input_tokens.cache_write", OTEL_CACHE_WRITE_TOKENS, false },
	{ "gen_ai.usage.details.cache_write_tokens", OTEL_CACHE_WRITE_TOKENS, false },
	{ "llm.token_count.prompt_details.cache_write", OTEL_CACHE_WRITE_TOKENS, false },
	{ "gen_ai.usage.reasoning.output_tokens", OTEL_REASONING_TOKENS, false },
	{ "gen_ai.usage.reasoning_tokens", OTEL_REASONING_TOKENS, false },
	{ "gen_ai.usage.output_tokens.reasoning", OTEL_REASONING_TOKENS, false },
	{ "gen_ai.usage.details.reasoning_tokens", OTEL_REASONING_TOKENS, false },
	{ "llm.token_count.completion_details.reasoning", OTEL_REASONING_TOKENS, false },
	{ "gen_ai.usage.total_tokens", OTEL_TOTAL_TOKENS, false },
	{ "llm.token_count.total", OTEL_TOTAL_TOKENS, false },
	{ "llm.usage.total_tokens", OTEL_TOTAL_TOKENS, false },
	{ "gen_ai.usage.cost", OTEL_COST, false },
	{ "gen_ai.usage.total_cost", OTEL_COST, false },
	{ "llm.cost.total", OTEL_COST, false },
	{ "tally.agent_type", OTEL_AGENT, true },
	{ "gen_ai.agent.name", OTEL_AGENT, true },
	{ "agent.name", OTEL_AGENT, false },
	{ "gen_ai.tool.name", OTEL_TOOL, false },
	{ "tool.name", OTEL_TOOL, false },
	{ "traceloop.entity.name", OTEL_ENTITY, false },
	{ "tally.feature", OTEL_FEATURE, true },
	{ "service.name", OTEL_FEATURE, true },
	{ "user.id", OTEL_USER, true },
	{ "enduser.id", OTEL_USER, true },
	{ "traceloop.association.properties.user_id", OTEL_USER, false },
	{ "gen_ai.conversation.id", OTEL_CONVERSATION, false },
	{ "session.id", OTEL_CONVERSATION, false },
	{ "gen_ai.response.id", OTEL_RESPONSE_ID, false },
	{ "error.type", OTEL_ERROR_TYPE, false },
	{ "deployment.environment.name", OTEL_ENVIRONMENT, true },
	{ "deployment.environment", OTEL_ENVIRONMENT, true },
};
_Static_assert(COUNT(names) < UINT8_MAX, "a rank is a byte");

struct text *
otel_find_slot(struct otel_attributes *attributes, struct text name)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		enum otel_slot slot = names[i].slot;

		if (strlen(names[i].name) != name.len ||
		    memcmp(names[i].name, name.at, name.len) != 0)
			continue;
		if (attributes->at[slot].at != NULL && attributes->rank[slot] < i)
			return NULL;
		attributes->rank[slot] = (uint8_t)i;
		return &attributes->at[slot];
	}
	return NULL;
}

/* Any name on the span itself comes before all of the resource's. */
struct otel_attributes
otel_inherit(const struct otel_attributes *resource)
{
	struct otel_attributes attributes = { 0 };

	for (size_t i = 0; i < OTEL_SLOTS; i++) {
		if (resource->at[i].at == NULL || !names[resource->rank[i]].of_resource)
			continue;
		attributes.at[i] = resource->at[i];
		attributes.rank[i] = UINT8_MAX;
	}
	return attributes;
}

struct text
otel_number_text(struct task *task, int64_t number)
{
	const char *text = arena_printf(task->arena, "%" PRId64, number);

	return (struct text){ .at = text, .len = strlen(text) };
}

bool
otel_open(struct task *task, enum otel_format format, struct text body, struct otel_reader *ret)
{
	*ret = (struct otel_reader){ .format = format, .request = body };
	return format == OTEL_PROTOBUF || otel_json_open(task, body, ret);
}

bool
otel_next(struct task *task, struct otel_reader *reader, struct otel_span *ret)
{
	return reader->format == OTEL_PROTOBUF ? otel_proto_next(task, reader, ret)
					       : otel_json_next(task, reader, ret);
}
