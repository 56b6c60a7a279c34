#include "app/ingest/litellm.h"

#include <string.h>

#include "app/ingest/foreign.h"
#include "app/ingest/pick.h"
#include "app/ingest/provider.h"
#include "lib/clock.h"
#include "lib/money.h"

#define MICRO_SCALE 6

#define USAGE "metadata.usage_object."

enum member {
	ID,
	CALL_ID,
	TRACE_ID,
	CALL_TYPE,
	STATUS,
	MODEL,
	PROVIDER,
	MODEL_GROUP,
	PRICED_MODEL,
	STARTED_AT,
	ENDED_AT,
	COST,
	COST_FAILURE,
	CACHE_HIT,
	INPUT,
	INPUT_INSIDE,
	OUTPUT,
	OUTPUT_INSIDE,
	CACHED,
	CACHED_BESIDE,
	CACHE_WRITE,
	CACHE_WRITE_BESIDE,
	REASONING,
	END_USER,
	KEY_END_USER,
	KEY_USER,
	CALLERS_USER,
	FEATURE,
	TEAM,
	KEY_ALIAS,
	AGENT_TYPE,
	REQUEST_TAGS,
	ERROR,
	ERROR_MESSAGE,
	MEMBERS
};

static const char *const paths[] = {
	[ID] = "id",
	[CALL_ID] = "litellm_call_id",
	[TRACE_ID] = "trace_id",
	[CALL_TYPE] = "call_type",
	[STATUS] = "status",
	[MODEL] = "model",
	[PROVIDER] = "custom_llm_provider",
	[MODEL_GROUP] = "model_group",
	[PRICED_MODEL] = "model_map_information.model_map_key",
	[STARTED_AT] = "startTime",
	[ENDED_AT] = "endTime",
	[COST] = "response_cost",
	[COST_FAILURE] = "response_cost_failure_debug_info",
	[CACHE_HIT] = "cache_hit",
	[INPUT] = "prompt_tokens",
	[INPUT_INSIDE] = USAGE "prompt_tokens",
	[OUTPUT] = "completion_tokens",
	[OUTPUT_INSIDE] = USAGE "completion_tokens",
	[CACHED] = USAGE "prompt_tokens_details.cached_tokens",
	[CACHED_BESIDE] = USAGE "cache_read_input_tokens",
	[CACHE_WRITE] = USAGE "prompt_tokens_details.cache_creation_tokens",
	[CACHE_WRITE_BESIDE] = USAGE "cache_creation_input_tokens",
	[REASONING] = USAGE "completion_tokens_details.reasoning_tokens",
	[END_USER] = "end_user",
	[KEY_END_USER] = "metadata.user_api_key_end_user_id",
	[KEY_USER] = "metadata.user_api_key_user_id",
	[CALLERS_USER] = "model_parameters.user",
	[FEATURE] = "metadata.requester_metadata.feature",
	[TEAM] = "metadata.user_api_key_team_alias",
	[KEY_ALIAS] = "metadata.user_api_key_alias",
	[AGENT_TYPE] = "metadata.requester_metadata.agent_type",
	[REQUEST_TAGS] = "request_tags",
	[ERROR] = "error_str",
	[ERROR_MESSAGE] = "error_information.error_message",
};

/* Members without their quotes; REQUEST_TAGS as it stands. */
struct payload {
	struct text at[MEMBERS];
};

static bool
read_payload(struct task *task, struct text json, struct payload *ret)
{
	struct text tags;

	if (!json_read_some(task, json, NULL, 0, NULL) ||
	    !pick_members(task, json, paths, MEMBERS, ret->at))
		return false;
	tags = ret->at[REQUEST_TAGS];
	for (size_t i = 0; i < MEMBERS; i++) {
		bool is_object = ret->at[i].len > 0 && ret->at[i].at[0] == '{';

		/* Of this one only counts whether it is there. */
		if (i != COST_FAILURE || !is_object)
			ret->at[i] = pick_plain(task, ret->at[i]);
	}
	ret->at[REQUEST_TAGS] = tags;
	return true;
}

/* The first that is there. */
static struct text
either(const struct payload *payload, enum member one, enum member other)
{
	return payload->at[one].len > 0 ? payload->at[one] : payload->at[other];
}

static bool
is(struct text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

/* Seconds since 1970, or a time as text where it was not made a number. */
static bool
read_time(struct text text, int64_t *ret)
{
	return money_parse_rounded(text, MICRO_SCALE, ret) == MONEY_OK || clock_parse(text, ret);
}

static void
set_identity(struct task *task, const struct payload *payload, struct record_input *input)
{
	struct text id = either(payload, ID, CALL_ID), trace = payload->at[TRACE_ID];
	int64_t ended_at;

	if (id.len == 0 || foreign_cut(id, LITELLM_ID_MAX).len < id.len)
		(void)task_fail_field(task, "id", "must have 1 to 1024 characters");
	if (!read_time(payload->at[STARTED_AT], &input->log.created_at))
		(void)task_fail_field(task, "startTime", "must be seconds since 1970");
	else if (read_time(payload->at[ENDED_AT], &ended_at))
		foreign_set_duration(input, ended_at - input->log.created_at);
	/* Never a UUID: a UUIDv7 would have to hold startTime. */
	input->id = arena_printf(task->arena, "litellm:%.*s", (int)id.len, id.at);
	if (trace.len <= record_field_max("trace_id"))
		foreign_set(task, input, "trace_id", trace);
}

static void
set_outcome(struct task *task, const struct payload *payload, struct record_input *input)
{
	struct chat_log *log = &input->log;

	log->success = !is(payload->at[STATUS], "failure");
	log->is_cache_hit =
	    is(payload->at[CACHE_HIT], "true") || is(payload->at[CACHE_HIT], "True");
	if (!log->success)
		foreign_set_cut(
		    task, input, "error_message", either(payload, ERROR, ERROR_MESSAGE));
}

/* As many as a record may have, of those that it may have. */
static void
set_tags(struct task *task, struct text array, struct record_input *input)
{
	const char **tags = arena_array(task->arena, RECORD_TAGS_MAX, sizeof(*tags));
	struct json_items items = { .rest = array };
	struct text item, tag;
	size_t count = 0;

	if (!json_is_array(array))
		return;
	while (count < RECORD_TAGS_MAX && json_next_item(task, &items, &item)) {
		if (json_text_value(task, item, &tag) && tag.len > 0 &&
		    foreign_cut(tag, RECORD_TAG_MAX).len == tag.len)
			tags[count++] = tag.at;
	}
	if (count > 0)
		input->log.tags = (struct json_texts){ .at = tags, .count = count };
}

static void
set_scope(struct task *task, const struct payload *payload, struct record_input *input)
{
	struct text feature = either(payload, FEATURE, TEAM);
	enum member user = payload->at[END_USER].len > 0 ? END_USER : KEY_END_USER;

	foreign_set(task, input, "external_user_id",
	    payload->at[user].len > 0 ? payload->at[user]
				      : either(payload, CALLERS_USER, KEY_USER));
	foreign_set_cut(task, input, "feature", feature.len > 0 ? feature : payload->at[KEY_ALIAS]);
	foreign_set_cut(task, input, "agent_type", payload->at[AGENT_TYPE]);
}

static void
set_tokens(struct task *task, const struct payload *payload, struct record_input *input)
{
	const struct chat_log *log = &input->log;

	foreign_set(task, input, "input_tokens", either(payload, INPUT, INPUT_INSIDE));
	foreign_set(task, input, "output_tokens", either(payload, OUTPUT, OUTPUT_INSIDE));
	foreign_set(task, input, "cached_input_tokens", either(payload, CACHED, CACHED_BESIDE));
	foreign_set(
	    task, input, "cache_write_tokens", either(payload, CACHE_WRITE, CACHE_WRITE_BESIDE));
	foreign_set(task, input, "reasoning_tokens", payload->at[REASONING]);
	if (log->input_tokens == CHAT_LOG_NONE && log->output_tokens == CHAT_LOG_NONE)
		foreign_set_no_tokens(input);
}

/* LiteLLM says 0 where it could not find a price, and why in another place: that is no cost. */
static void
set_cost(struct task *task, const struct payload *payload, struct record_input *input)
{
	if (payload->at[COST].len == 0)
		return;
	foreign_set_cost(task, input, payload->at[COST]);
	if (input->reported_cost_nanos == 0 && payload->at[COST_FAILURE].len > 0)
		input->reported_cost_nanos = CHAT_LOG_NONE;
}

/* "azure/gpt-4o" of the provider azure is called gpt-4o in the price list. */
static const char *
strip_provider(struct task *task, struct text model, struct text provider)
{
	if (provider.len > 0 && model.len > provider.len + 1 && model.at[provider.len] == '/' &&
	    memcmp(model.at, provider.at, provider.len) == 0) {
		model.at += provider.len + 1;
		model.len -= provider.len + 1;
	}
	return foreign_string(task, model);
}

static bool
set_model(struct task *task, struct cache *cache, const struct payload *payload,
    struct record_input *input)
{
	struct text provider = payload->at[PROVIDER];
	const char *models[] = { strip_provider(task, payload->at[MODEL], provider),
		strip_provider(task, payload->at[PRICED_MODEL], provider) };

	foreign_check(task, "provider", provider);
	foreign_check(task, "model", payload->at[MODEL]);
	foreign_check(task, "model", payload->at[PRICED_MODEL]);
	if (task->err.code != ERR_NONE)
		return true;
	return provider_choose_model(task, cache,
	    provider.len > 0 ? provider_name(task, provider) : NULL, models, COUNT(models), input);
}

static void
set_metadata(struct task *task, const struct payload *payload, struct record_input *input)
{
	static const struct {
		const char *key;
		enum member member;
	} members[] = {
		{ "litellm_id", ID },
		{ "call_type", CALL_TYPE },
		{ "model_group", MODEL_GROUP },
		{ "model", MODEL },
		{ "team", TEAM },
		{ "key_alias", KEY_ALIAS },
		{ "response_cost", COST },
	};
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	json_text(out, "source", "litellm");
	for (size_t i = 0; i < COUNT(members); i++)
		foreign_add(out, members[i].key, payload->at[members[i].member]);
	json_close(out);
	input->log.metadata = buf_text(&buf);
}

bool
litellm_make_record(struct task *task, struct cache *cache, const struct identity *identity,
    struct text json, struct record *ret)
{
	struct record_input input;
	struct payload payload;

	if (!read_payload(task, json, &payload))
		return false;
	record_input_make_empty(&input);
	set_tags(task, payload.at[REQUEST_TAGS], &input);
	set_metadata(task, &payload, &input);
	set_identity(task, &payload, &input);
	set_outcome(task, &payload, &input);
	set_scope(task, &payload, &input);
	set_tokens(task, &payload, &input);
	set_cost(task, &payload, &input);
	if (!set_model(task, cache, &payload, &input))
		return false;
	return record_make(task, cache, identity, &input, ret);
}
