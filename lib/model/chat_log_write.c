#include "lib/model/chat_log.h"

#include "lib/clock.h"
#include "lib/csv.h"
#include "lib/money.h"

#include <assert.h>
#include <string.h>

enum kind { KIND_ID, KIND_TIME, KIND_TEXT, KIND_INT, KIND_CENTS, KIND_BOOL, KIND_TEXTS, KIND_JSON };

#define MEMBER(name) offsetof(struct chat_log, name)

/* The members of a record in JSON, the columns in CSV. */
static const struct member {
	const char *name;
	enum kind kind;
	size_t offset;
} members[] = {
	{ "id", KIND_ID, MEMBER(id) },
	{ "created_at", KIND_TIME, MEMBER(created_at) },
	{ "received_at", KIND_TIME, MEMBER(received_at) },
	{ "api_key_id", KIND_ID, MEMBER(api_key_id) },
	{ "authorization_id", KIND_ID, MEMBER(authorization_id) },
	{ "user_id", KIND_ID, MEMBER(user_id) },
	{ "user_tier", KIND_TEXT, MEMBER(user_tier) },
	{ "session_id", KIND_ID, MEMBER(session_id) },
	{ "conversation_id", KIND_ID, MEMBER(conversation_id) },
	{ "agent_session_id", KIND_ID, MEMBER(agent_session_id) },
	{ "agent_root_id", KIND_ID, MEMBER(agent_root_id) },
	{ "trace_id", KIND_TEXT, MEMBER(trace_id) },
	{ "span_id", KIND_TEXT, MEMBER(span_id) },
	{ "parent_span_id", KIND_TEXT, MEMBER(parent_span_id) },
	{ "feature", KIND_TEXT, MEMBER(feature) },
	{ "agent_type", KIND_TEXT, MEMBER(agent_type) },
	{ "provider", KIND_TEXT, MEMBER(provider) },
	{ "model", KIND_TEXT, MEMBER(model) },
	{ "input_tokens", KIND_INT, MEMBER(input_tokens) },
	{ "output_tokens", KIND_INT, MEMBER(output_tokens) },
	{ "cached_input_tokens", KIND_INT, MEMBER(cached_input_tokens) },
	{ "cache_write_tokens", KIND_INT, MEMBER(cache_write_tokens) },
	{ "reasoning_tokens", KIND_INT, MEMBER(reasoning_tokens) },
	{ "tokens_used", KIND_INT, MEMBER(tokens_used) },
	{ "message_length", KIND_INT, MEMBER(message_length) },
	{ "response_length", KIND_INT, MEMBER(response_length) },
	{ "estimated_cost_cents", KIND_CENTS, MEMBER(estimated_cost_nanos) },
	{ "verified_cost_cents", KIND_CENTS, MEMBER(verified_cost_nanos) },
	{ "model_pricing_id", KIND_ID, MEMBER(model_pricing_id) },
	{ "is_cache_hit", KIND_BOOL, MEMBER(is_cache_hit) },
	{ "tools_used", KIND_TEXTS, MEMBER(tools_used) },
	{ "tags", KIND_TEXTS, MEMBER(tags) },
	{ "success", KIND_BOOL, MEMBER(success) },
	{ "error_message", KIND_TEXT, MEMBER(error_message) },
	{ "duration_ms", KIND_INT, MEMBER(duration_ms) },
	{ "metadata", KIND_JSON, MEMBER(metadata) },
};

/* A member's value where it lies in the record. */
union value {
	const void *at;
	const struct id *id;
	const int64_t *number;
	const char *const *text;
	const bool *flag;
	const struct json_texts *texts;
	const struct text *json;
};

static union value
value_of(const struct chat_log *log, const struct member *member)
{
	return (union value){ .at = (const char *)log + member->offset };
}

static bool
is_null(union value value, enum kind kind)
{
	switch (kind) {
	case KIND_ID:
		return id_is_nil(*value.id);
	case KIND_INT:
	case KIND_CENTS:
		return *value.number == CHAT_LOG_NONE;
	case KIND_TEXT:
		return *value.text == NULL;
	case KIND_TEXTS:
		return value.texts->at == NULL;
	case KIND_JSON:
		return value.json->at == NULL;
	case KIND_TIME:
	case KIND_BOOL:
		break;
	}
	return false;
}

static void
write_member(struct json_out *out, const char *name, union value value, enum kind kind)
{
	switch (kind) {
	case KIND_ID:
		json_id(out, name, *value.id);
		break;
	case KIND_TIME:
		json_time(out, name, *value.number);
		break;
	case KIND_INT:
		json_int(out, name, *value.number);
		break;
	case KIND_CENTS:
		json_cents(out, name, *value.number);
		break;
	case KIND_TEXT:
		json_text(out, name, *value.text);
		break;
	case KIND_BOOL:
		json_bool(out, name, *value.flag);
		break;
	case KIND_TEXTS:
		json_texts(out, name, *value.texts);
		break;
	case KIND_JSON:
		json_raw(out, name, *value.json);
		break;
	}
}

void
chat_log_write(struct json_out *out, const void *object)
{
	json_open(out);
	for (size_t i = 0; i < COUNT(members); i++) {
		union value value = value_of(object, &members[i]);

		if (is_null(value, members[i].kind))
			json_null(out, members[i].name);
		else
			write_member(out, members[i].name, value, members[i].kind);
	}
	json_close(out);
}

static void
add_csv_list(struct buf *buf, const struct json_texts *texts)
{
	struct buf json = { .arena = buf->arena };

	json_texts(json_out_new(&json), NULL, *texts);
	csv_add(buf, buf_text(&json));
}

static void
add_csv_value(struct buf *buf, union value value, enum kind kind)
{
	char text[MONEY_TEXT_SIZE + CLOCK_TEXT_SIZE + ID_TEXT_SIZE];

	switch (kind) {
	case KIND_ID:
		buf_puts(buf, id_format(*value.id, text));
		break;
	case KIND_TIME:
		buf_puts(buf, clock_format(*value.number, text));
		break;
	case KIND_INT:
		buf_printf(buf, "%lld", (long long)*value.number);
		break;
	case KIND_CENTS:
		buf_puts(buf, money_format_cents(*value.number, text));
		break;
	case KIND_TEXT:
		csv_add(buf, (struct text){ *value.text, strlen(*value.text) });
		break;
	case KIND_BOOL:
		buf_puts(buf, *value.flag ? "true" : "false");
		break;
	case KIND_TEXTS:
		add_csv_list(buf, value.texts);
		break;
	case KIND_JSON:
		csv_add(buf, *value.json);
		break;
	}
}

void
chat_log_csv_head(struct buf *buf)
{
	for (size_t i = 0; i < COUNT(members); i++)
		buf_printf(buf, i == 0 ? "%s" : ",%s", members[i].name);
	buf_puts(buf, "\r\n");
}

void
chat_log_csv_row(struct buf *buf, const void *object)
{
	const struct chat_log *log = object;

	for (size_t i = 0; i < COUNT(members); i++) {
		union value value = value_of(log, &members[i]);

		if (i > 0)
			buf_putc(buf, ',');
		if (!is_null(value, members[i].kind))
			add_csv_value(buf, value, members[i].kind);
	}
	buf_puts(buf, "\r\n");
}

int64_t
chat_log_success_rate(int64_t requests, int64_t failed)
{
	assert(failed >= 0 && failed <= requests && requests <= INT64_MAX / 20001);
	if (requests == 0)
		return -1;
	return ((requests - failed) * 20000 + requests) / (2 * requests);
}

int64_t
chat_log_cost(const struct chat_log *log)
{
	if (log->verified_cost_nanos != CHAT_LOG_NONE)
		return log->verified_cost_nanos;
	return log->estimated_cost_nanos == CHAT_LOG_NONE ? 0 : log->estimated_cost_nanos;
}
