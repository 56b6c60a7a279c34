#include "app/ingest/record.h"

#include <assert.h>
#include <string.h>

#include "app/ingest/bound.h"
#include "app/ingest/stamp.h"
#include "lib/clock.h"
#include "lib/model/user.h"
#include "lib/money.h"

#define LOG(member) .offset = offsetof(struct record_input, log.member), .given = JSON_ALWAYS
#define TOKENS .type = JSON_INT, .max = PRICE_TOKENS_MAX

const struct json_field record_fields[] = {
	{ "id", JSON_TEXT, .offset = offsetof(struct record_input, id), .given = JSON_ALWAYS,
	    .min = 1, .max = 255,
	    .about =
		"Identity of the call. A UUIDv7 is kept, and created_at is its time; any other text needs created_at "
		"and becomes a UUIDv7 that follows from both. Sent twice, it is stored once." },
	{ "user_id", JSON_ID, LOG(user_id), .about = "A user of this client." },
	{ "external_user_id", JSON_TEXT, .offset = offsetof(struct record_input, external_user_id),
	    .given = JSON_ALWAYS, .min = 1, .max = USER_EXTERNAL_ID_MAX,
	    .about =
		"Your own name of the user; made as a user of tier anonymous on first sight." },
	{ "session_id", JSON_ID, LOG(session_id) },
	{ "conversation_id", JSON_ID, LOG(conversation_id) },
	{ "agent_session_id", JSON_ID, LOG(agent_session_id) },
	{ "trace_id", JSON_TEXT, LOG(trace_id), .min = 1, .max = 64 },
	{ "span_id", JSON_TEXT, LOG(span_id), .min = 1, .max = 64 },
	{ "parent_span_id", JSON_TEXT, LOG(parent_span_id), .min = 1, .max = 64 },
	{ "feature", JSON_TEXT, LOG(feature), .min = 1, .max = 80 },
	{ "agent_type", JSON_TEXT, LOG(agent_type), .min = 1, .max = 80 },
	{ "provider", JSON_TEXT, LOG(provider), .min = 1, .max = PRICE_PROVIDER_MAX },
	{ "model", JSON_TEXT, LOG(model), .min = 1, .max = PRICE_MODEL_MAX },
	{ "input_tokens", TOKENS, LOG(input_tokens),
	    .about =
		"As the provider reports it: cached tokens are inside it, but for provider anthropic, whose API "
		"reports them beside it. Answers show uncached input only." },
	{ "output_tokens", TOKENS, LOG(output_tokens), .about = "Reasoning included." },
	{ "cached_input_tokens", TOKENS, LOG(cached_input_tokens),
	    .about = "Read from the provider's cache." },
	{ "cache_write_tokens", TOKENS, LOG(cache_write_tokens) },
	{ "reasoning_tokens", TOKENS, LOG(reasoning_tokens),
	    .about = "The part of output_tokens spent on reasoning." },
	{ "tokens_used", .type = JSON_INT, LOG(tokens_used), .max = RECORD_TOKENS_USED_MAX,
	    .about = "The sum of all classes where not given." },
	{ "message_length", .type = JSON_INT, LOG(message_length), .max = RECORD_LENGTH_MAX },
	{ "response_length", .type = JSON_INT, LOG(response_length), .max = RECORD_LENGTH_MAX },
	{ "estimated_cost_cents", .type = JSON_CENTS, LOG(estimated_cost_nanos),
	    .max = RECORD_COST_MAX,
	    .about =
		"Computed from the price list where not given; null where the model has no price." },
	{ "verified_cost_cents", .type = JSON_CENTS, LOG(verified_cost_nanos),
	    .max = RECORD_COST_MAX, .about = "As billed; counts instead of the estimate." },
	{ "is_cache_hit", JSON_BOOL, LOG(is_cache_hit) },
	{ "tools_used", JSON_TEXTS, LOG(tools_used), .max = RECORD_TOOLS_MAX,
	    .max_item = RECORD_TOOL_MAX },
	{ "tags", JSON_TEXTS, LOG(tags), .max = RECORD_TAGS_MAX, .max_item = RECORD_TAG_MAX },
	{ "success", JSON_BOOL, LOG(success), .about = "True where not given." },
	{ "error_message", JSON_TEXT, LOG(error_message), .max = RECORD_ERROR_MAX },
	{ "duration_ms", .type = JSON_INT, LOG(duration_ms), .max = RECORD_DURATION_MAX_MS },
	{ "metadata", .type = JSON_OBJECT, LOG(metadata), .max = RECORD_METADATA_MAX },
	{ "created_at", JSON_TIME, LOG(created_at),
	    .about = "The call's time; now where not given. Milliseconds are kept." },
	{ "authorization_id", JSON_ID, LOG(authorization_id),
	    .about = "What was authorized for the call; the record settles it." },
};
_Static_assert(COUNT(record_fields) == RECORD_SETTLE_FIELDS + 1, "the last is not for a settle");

static int64_t
or_zero(int64_t value)
{
	return value == CHAT_LOG_NONE ? 0 : value;
}

void
record_input_make_empty(struct record_input *input)
{
	struct chat_log *log = &input->log;

	*input = (struct record_input){ .reported_cost_nanos = CHAT_LOG_NONE };
	log->created_at = STAMP_NOW;
	log->input_tokens = log->output_tokens = log->cached_input_tokens = CHAT_LOG_NONE;
	log->cache_write_tokens = log->reasoning_tokens = log->tokens_used = CHAT_LOG_NONE;
	log->message_length = log->response_length = log->duration_ms = CHAT_LOG_NONE;
	log->estimated_cost_nanos = log->verified_cost_nanos = CHAT_LOG_NONE;
	log->success = true;
}

static int64_t
whole_milliseconds(int64_t usec)
{
	return usec - usec % 1000;
}

static bool
names_v7(const char *text)
{
	struct id id;

	return id_parse((struct text){ text, strlen(text) }, &id) && id_is_v7(id);
}

static const char *
id_text(struct task *task, struct id id)
{
	char text[ID_TEXT_SIZE];

	return arena_strdup(task->arena, id_format(id, text));
}

/* The record falls into the buckets in which its amount is held, unless it says otherwise. */
static void
set_scope(const struct authorization *authorization, struct record_input *input)
{
	const struct budget_scope *scope = &authorization->scope;
	struct chat_log *log = &input->log;

	if (id_is_nil(log->user_id) && input->external_user_id == NULL)
		log->user_id = scope->user_id;
	if (id_is_nil(log->session_id))
		log->session_id = scope->session_id;
	if (id_is_nil(log->agent_session_id))
		log->agent_session_id = scope->agent_session_id;
	if (log->feature == NULL)
		log->feature = scope->feature;
	if (log->provider == NULL && log->model == NULL) {
		log->provider = scope->provider;
		log->model = scope->model;
	}
	if (log->tags.at == NULL)
		log->tags = authorization->tags;
}

/* What is not given follows from the authorization. A second settle is the first one again. */
static void
set_defaults(
    struct task *task, const struct authorization *authorization, struct record_input *input)
{
	static const struct text name = { "record", sizeof "record" - 1 };
	struct chat_log *log = &input->log;

	log->authorization_id = authorization->id;
	set_scope(authorization, input);
	if (!id_is_nil(authorization->settled_by)) {
		input->id = id_text(task, authorization->settled_by);
		log->created_at = id_time(authorization->settled_by);
		return;
	}
	/* The id may hold the time, too. */
	if (log->created_at == STAMP_NOW && (input->id == NULL || !names_v7(input->id)))
		log->created_at = authorization->created_at;
	/* An id cannot hold a time before 1970, which is refused as too old. */
	if (input->id == NULL && log->created_at >= 0)
		input->id = id_text(
		    task, id_derive(authorization->id, name, whole_milliseconds(log->created_at)));
}

static bool
set_user(struct task *task, const struct identity *identity, struct record_input *input)
{
	struct text name = { .at = input->external_user_id };

	if (input->external_user_id == NULL)
		return true;
	if (!id_is_nil(input->log.user_id))
		return task_fail_field(task, "external_user_id", "cannot be given beside user_id");
	name.len = strlen(name.at);
	input->log.user_id = user_id_from_external(identity->client, name);
	return true;
}

static bool
has_tokens(const struct chat_log *log)
{
	return log->input_tokens != CHAT_LOG_NONE || log->output_tokens != CHAT_LOG_NONE ||
	       log->cached_input_tokens != CHAT_LOG_NONE ||
	       log->cache_write_tokens != CHAT_LOG_NONE || log->reasoning_tokens != CHAT_LOG_NONE;
}

/* Makes the classes disjoint; what was not given stays so. */
static bool
set_usage(struct task *task, struct chat_log *log, enum usage_style style, struct usage *ret)
{
	*ret = (struct usage){
		.input = or_zero(log->input_tokens),
		.cached = or_zero(log->cached_input_tokens),
		.cache_write = or_zero(log->cache_write_tokens),
		.output = or_zero(log->output_tokens),
		.reasoning = or_zero(log->reasoning_tokens),
	};
	if (log->message_length == CHAT_LOG_NONE && log->tokens_used == CHAT_LOG_NONE &&
	    !has_tokens(log))
		return task_fail_field(task, "message_length", "or a number of tokens is required");
	if (ret->reasoning > ret->output)
		return task_fail_field(task, "reasoning_tokens", "is more than output_tokens");
	if (!usage_make_disjoint(style, ret))
		return task_fail_field(task, "cached_input_tokens",
		    "and cache_write_tokens are more than input_tokens");
	if (log->input_tokens != CHAT_LOG_NONE)
		log->input_tokens = ret->input;
	if (log->tokens_used == CHAT_LOG_NONE && has_tokens(log))
		log->tokens_used = ret->input + ret->cached + ret->cache_write + ret->output;
	return true;
}

/* Our cost beside the one that the sender reported, whose metadata we made: an object. */
static void
add_our_cost(struct task *task, struct chat_log *log, int64_t nanos)
{
	struct buf buf = { .arena = task->arena };
	char cents[MONEY_TEXT_SIZE];

	assert(log->metadata.len > 2);
	buf_add(&buf, log->metadata.at, log->metadata.len - 1);
	buf_printf(&buf, ",\"tally_cost_cents\":%s}", money_format_cents(nanos, cents));
	log->metadata = buf_text(&buf);
}

static bool
set_price(
    struct task *task, struct cache *cache, struct record_input *input, const struct usage *usage)
{
	struct chat_log *log = &input->log;
	const char *provider = input->priced_as != NULL ? input->priced_as : log->provider;
	struct price price;
	bool found = false;

	if (log->estimated_cost_nanos == CHAT_LOG_NONE && log->model != NULL && has_tokens(log) &&
	    !cache_find_price(task, cache, provider, log->model, log->created_at, &found, &price))
		return false;
	if (found) {
		log->estimated_cost_nanos = price_cost(usage, &price.rates);
		log->model_pricing_id = price.id;
	}
	if (input->reported_cost_nanos == CHAT_LOG_NONE)
		return true;
	if (found)
		add_our_cost(task, log, log->estimated_cost_nanos);
	log->model_pricing_id = (struct id){ 0 };
	log->estimated_cost_nanos = input->reported_cost_nanos;
	return true;
}

/* good: nothing was wrong so far. All that is wrong is named at once. */
static bool
finish(struct task *task, struct cache *cache, const struct identity *identity,
    enum usage_style style, struct record_input *input, bool good, struct record *ret)
{
	struct usage usage;

	good = stamp_read(task, identity->client, identity->log_retention_days, input->id,
		   &input->log.created_at, &input->log.id) &&
	       good;
	good = set_user(task, identity, input) && bound_check(task, identity, &input->log) && good;
	good = set_usage(task, &input->log, style, &usage) && good;
	if (!good || !set_price(task, cache, input, &usage))
		return false;
	input->log.received_at = task->now;
	input->log.api_key_id = identity->lineage;
	*ret = (struct record){
		.log = input->log,
		.external_user_id = input->external_user_id,
		.day = zone_date(identity->zone, input->log.created_at),
	};
	return true;
}

bool
record_read(struct task *task, struct cache *cache, const struct identity *identity,
    const struct authorization *settles, struct text json, struct record *ret)
{
	size_t fields = settles == NULL ? COUNT(record_fields) : RECORD_SETTLE_FIELDS;
	struct record_input input;
	bool good;

	record_input_make_empty(&input);
	good = json_read(task, json, record_fields, fields, &input);
	if (!good && task->err.code != ERR_INVALID)
		return false;
	if (settles != NULL)
		set_defaults(task, settles, &input);
	return finish(task, cache, identity, usage_style(input.log.provider), &input, good, ret);
}

/* The name is one of ours. */
static const struct json_field *
find_field(const char *name)
{
	const struct json_field *field = record_fields;

	while (strcmp(field->name, name) != 0)
		field++;
	return field;
}

bool
record_input_set(
    struct task *task, struct record_input *input, const char *field, struct text value)
{
	return json_read_value(task, find_field(field), value, input);
}

size_t
record_field_max(const char *field)
{
	return (size_t)find_field(field)->max;
}

bool
record_make(struct task *task, struct cache *cache, const struct identity *identity,
    struct record_input *input, struct record *ret)
{
	struct chat_log *log = &input->log;
	int64_t parts = or_zero(log->cached_input_tokens) + or_zero(log->cache_write_tokens);
	bool beside = parts > or_zero(log->input_tokens);

	if (or_zero(log->reasoning_tokens) > or_zero(log->output_tokens))
		log->output_tokens = or_zero(log->output_tokens) + log->reasoning_tokens;
	return finish(task, cache, identity, beside ? USAGE_DISJOINT : USAGE_INCLUSIVE, input,
	    task->err.code == ERR_NONE, ret);
}

void
record_add(const struct record *record, struct totals *totals)
{
	const struct chat_log *log = &record->log;
	int64_t cost = log->verified_cost_nanos != CHAT_LOG_NONE ? log->verified_cost_nanos
								 : log->estimated_cost_nanos;
	struct totals more = { .at = {
				   [TOTAL_COST] = or_zero(cost),
				   [TOTAL_REQUESTS] = 1,
				   [TOTAL_TOKENS] = or_zero(log->tokens_used),
				   [TOTAL_INPUT] = or_zero(log->input_tokens),
				   [TOTAL_OUTPUT] = or_zero(log->output_tokens),
				   [TOTAL_CACHED] = or_zero(log->cached_input_tokens),
				   [TOTAL_CACHE_WRITE] = or_zero(log->cache_write_tokens),
				   [TOTAL_REASONING] = or_zero(log->reasoning_tokens),
				   [TOTAL_FAILED] = log->success ? 0 : 1,
				   [TOTAL_UNPRICED] = cost == CHAT_LOG_NONE ? 1 : 0,
			       } };

	totals_add(totals, &more);
}
