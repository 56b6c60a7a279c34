/*
 * Between the files of the log: its columns, as they are read.
 */
#ifndef LIB_MODEL_CHAT_LOG_PRIVATE_H
#define LIB_MODEL_CHAT_LOG_PRIVATE_H

#include "lib/model/chat_log.h"

#define CHAT_LOG_COLUMNS \
	"id, created_at, received_at, api_key_id, authorization_id, user_id, session_id, " \
	"conversation_id, agent_session_id, model_pricing_id, trace_id, span_id, " \
	"parent_span_id, feature, agent_type, provider, model, error_message, input_tokens, " \
	"output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, tokens_used, " \
	"message_length, response_length, duration_ms, " \
	"(estimated_cost_cents * 10000000)::bigint, (verified_cost_cents * 10000000)::bigint, " \
	"is_cache_hit, success, tools_used, tags, metadata::text, user_tier, " \
	"agent_root_id"

/* Rows of CHAT_LOG_COLUMNS. */
void chat_log_read(struct task *task, const struct db_rows *rows, struct chat_logs *ret);

#endif
