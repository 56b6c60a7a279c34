/*
 * The log of model calls, as it is read: one record, pages by descending id, a user's figures, JSON
 * and CSV.
 *
 * An id is a UUIDv7 whose time is created_at, so the order of ids is the order of time. Every call
 * sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_CHAT_LOG_H
#define LIB_MODEL_CHAT_LOG_H

#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/zone.h"

#define CHAT_LOG_NONE INT64_C(-1) /* a number that was not given */

/* Token classes are disjoint: input is uncached input; reasoning is a part of output. */
struct chat_log {
	struct id id;
	int64_t created_at; /* whole milliseconds: the time of the id */
	int64_t received_at;
	struct id api_key_id; /* the first of its line: lib/model/auth_token.h */
	struct id authorization_id; /* nil where not given, as for the ids below */
	struct id user_id;
	struct id session_id;
	struct id conversation_id;
	struct id agent_session_id;
	const char *trace_id; /* NULL where not given, as for the texts below */
	const char *span_id;
	const char *parent_span_id;
	const char *feature;
	const char *agent_type;
	const char *provider;
	const char *model;
	struct id agent_root_id; /* the agent session's, where there is one of this id */
	const char *user_tier; /* the user's when the call was counted; NULL also: not known */
	int64_t input_tokens; /* CHAT_LOG_NONE where not given, as for the numbers below */
	int64_t output_tokens;
	int64_t cached_input_tokens;
	int64_t cache_write_tokens;
	int64_t reasoning_tokens;
	int64_t tokens_used;
	int64_t message_length;
	int64_t response_length;
	int64_t estimated_cost_nanos;
	int64_t verified_cost_nanos;
	struct id model_pricing_id;
	bool is_cache_hit;
	struct json_texts tools_used; /* at NULL where not given */
	struct json_texts tags;
	bool success;
	const char *error_message;
	int64_t duration_ms;
	struct text metadata; /* a JSON object; at NULL where not given */
};

struct chat_logs {
	const struct chat_log *at;
	size_t count;
};

/* Every condition must hold. Start from chat_log_all. */
struct chat_log_filter {
	struct id user_id; /* nil: any, as for the ids below */
	struct id session_id;
	struct id conversation_id;
	struct id agent_session_id;
	const char *trace_id; /* NULL: any, as for the texts below */
	const char *feature;
	const char *agent_type;
	const char *provider;
	const char *model;
	const char *tag;
	int success; /* 1, 0, or -1 for any */
	int unpriced; /* the same: without any cost */
	int64_t since; /* inclusive */
	int64_t until; /* exclusive; INT64_MAX: no end */
	struct id after; /* the last id of the page before; nil: from the start */
	int64_t limit;
};
extern const struct chat_log_filter chat_log_all;

/* The least id that a record at or after the instant can have. */
struct id chat_log_first_id(int64_t usec);

NODISCARD bool chat_log_find(struct task *task, struct id id, struct chat_log *ret);
/* The youngest first. No record is looked for that is more than a day ahead of task->now. */
NODISCARD bool chat_log_list(
    struct task *task, const struct chat_log_filter *filter, struct chat_logs *ret);

/* All of a span, the oldest first, in portions until one is empty; in one transaction. */
NODISCARD bool chat_log_walk(struct task *task, int64_t from, int64_t to, struct db_cursor **ret);
NODISCARD bool chat_log_next(struct task *task, struct db_cursor *cursor, struct chat_logs *ret);

/* Successful calls in hundredths of a percent, rounded half up; -1 when there were no calls. */
int64_t chat_log_success_rate(int64_t requests, int64_t failed);
int64_t chat_log_cost(const struct chat_log *log); /* verified, else estimated, else 0 */

void chat_log_write(struct json_out *out, const void *object); /* struct chat_log */
/* CSV by RFC 4180, CRLF at the end of each line; lists and objects are JSON. */
void chat_log_csv_head(struct buf *buf);
void chat_log_csv_row(struct buf *buf, const void *object);

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const chat_log_statements[];
extern const char *const chat_log_list_statements[];

#endif
