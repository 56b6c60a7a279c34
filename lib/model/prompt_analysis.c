#include "lib/model/prompt.h"

#include <string.h>

#include "lib/core/redundancy.h"
#include "lib/money.h"

#define SHARE_SCALE 4 /* ten-thousandths */

static const char seen_sql[] = "SELECT EXISTS (\n"
			       "SELECT FROM prompt_events\n"
			       "WHERE client_id = $1\n"
			       "AND prefix_hash = $2\n"
			       "AND event_id IS DISTINCT FROM $3)";

static const char store_sql[] =
    "INSERT INTO prompt_analysis (client_id, event_id, input_token_ratio, redundancy_score,\n"
    "suggestions, analyzed_at)\n"
    "VALUES ($1, $2, $3::bigint * 0.0001, $4::bigint * 0.0001, $5, $6)\n"
    "ON CONFLICT (client_id, event_id) DO UPDATE\n"
    "SET input_token_ratio = EXCLUDED.input_token_ratio,\n"
    "redundancy_score = EXCLUDED.redundancy_score,\n"
    "suggestions = EXCLUDED.suggestions,\n"
    "analyzed_at = EXCLUDED.analyzed_at";

static const char find_sql[] =
    "SELECT e.prompt_hash, (a.input_token_ratio * 10000)::bigint,\n"
    "(a.redundancy_score * 10000)::bigint, a.suggestions, a.analyzed_at\n"
    "FROM prompt_analysis AS a\n"
    "JOIN prompt_events AS e ON e.client_id = a.client_id AND e.event_id = a.event_id\n"
    "WHERE a.client_id = $1 AND a.event_id = $2";

const char *const prompt_analysis_statements[] = { seen_sql, store_sql, find_sql, NULL };

#define MEMBER(member) \
	.offset = offsetof(struct prompt_input, member), .given = JSON_ALWAYS, .min = 0

const struct json_field prompt_analyze_fields[5] = {
	{ .name = "event_id",
	    .type = JSON_ID,
	    MEMBER(event_id),
	    .about = "The record of the call; what is found is kept with it." },
	{ .name = "prompt",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct prompt_input, prompt),
	    .required = true,
	    .min = 1,
	    .max = PROMPT_MAX,
	    .about = "Measured and forgotten: only its hash is kept." },
	{ .name = "input_tokens",
	    .type = JSON_INT,
	    MEMBER(input_tokens),
	    .max = PROMPT_TOKENS_MAX,
	    .about = "All of the input, cached or not; the record's where not given." },
	{ .name = "output_tokens",
	    .type = JSON_INT,
	    MEMBER(output_tokens),
	    .max = PROMPT_TOKENS_MAX,
	    .about = "The record's where not given." },
	{ .name = "cached_input_tokens",
	    .type = JSON_INT,
	    MEMBER(cached_input_tokens),
	    .max = PROMPT_TOKENS_MAX,
	    .about = "What of it was read from a cache; the record's where neither is given." },
};

const struct prompt_input prompt_input_none = {
	.input_tokens = ADVICE_UNKNOWN,
	.output_tokens = ADVICE_UNKNOWN,
	.cached_input_tokens = ADVICE_UNKNOWN,
};

static int64_t
count_blanks(struct text text)
{
	int64_t blanks = 0;

	for (size_t i = 0; i < text.len; i++)
		blanks += strchr(" \t\r\n", text.at[i]) != NULL;
	return blanks;
}

static struct advice_facts
measure(struct task *task, struct text prompt)
{
	size_t size = redundancy_table_size(redundancy_count_words(prompt));
	struct redundancy_table table = { arena_array(task->arena, size, sizeof(*table.at)), size };
	struct redundancy redundancy = redundancy_measure(prompt, table);

	return (struct advice_facts){
		.redundancy = redundancy_score(&redundancy),
		.repeated_lines = redundancy.repeated_lines,
		.bytes = (int64_t)prompt.len,
		.blank_bytes = count_blanks(prompt),
	};
}

static int64_t
known(int64_t tokens)
{
	return tokens == CHAT_LOG_NONE ? 0 : tokens;
}

static void
add_counts(struct advice_facts *facts, const struct prompt_input *input, const struct chat_log *log)
{
	facts->input_tokens = input->input_tokens;
	facts->output_tokens = input->output_tokens;
	facts->cached_input_tokens = input->cached_input_tokens;
	if (log == NULL)
		return;
	if (facts->output_tokens < 0 && log->output_tokens != CHAT_LOG_NONE)
		facts->output_tokens = log->output_tokens;
	if (facts->input_tokens >= 0 || log->input_tokens == CHAT_LOG_NONE)
		return;
	/* The record's classes are disjoint. */
	facts->input_tokens =
	    log->input_tokens + known(log->cached_input_tokens) + known(log->cache_write_tokens);
	if (facts->cached_input_tokens < 0)
		facts->cached_input_tokens = known(log->cached_input_tokens);
}

static bool
was_seen(struct task *task, const struct prompt_hash *prefix, struct id event, bool *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	prompt_hash_add(params, prefix);
	db_add_id(params, event);
	if (!db_query_one(task, seen_sql, params, &rows))
		return false;
	*ret = db_bool(rows, 0, 0);
	return true;
}

static void
add_advice(struct db_params *params, uint64_t advice)
{
	const char *codes[ADVICE_COUNT];
	size_t count = 0;

	for (int i = 0; i < ADVICE_COUNT; i++) {
		if (advice & UINT64_C(1) << i)
			codes[count++] = advice_codes[i];
	}
	db_add_texts(params, codes, count);
}

static bool
store(struct task *task, const struct prompt_analysis *analysis)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, analysis->event_id);
	if (analysis->ratio == ADVICE_UNKNOWN)
		db_add_null(params);
	else
		db_add_int(params, analysis->ratio);
	db_add_int(params, analysis->redundancy);
	add_advice(params, analysis->advice);
	db_add_time(params, analysis->analyzed_at);
	return db_query(task, store_sql, params, NULL);
}

bool
prompt_analyze(struct task *task, const struct prompt_input *input, struct prompt_analysis *ret)
{
	struct text prompt = { input->prompt, strlen(input->prompt) };
	struct advice_facts facts = measure(task, prompt);
	bool has_prefix = prompt.len >= PROMPT_PREFIX, stored = !id_is_nil(input->event_id);
	struct prompt_hash prefix;
	struct chat_log log;

	*ret = (struct prompt_analysis){
		.event_id = input->event_id,
		.hash = prompt_hash(task, prompt),
		.redundancy = facts.redundancy,
		.analyzed_at = task->now,
	};
	if (has_prefix)
		prefix = prompt_hash(task, (struct text){ prompt.at, PROMPT_PREFIX });
	if (stored &&
	    !prompt_add_event(task, input->event_id, &ret->hash, has_prefix ? &prefix : NULL, &log))
		return false;
	add_counts(&facts, input, stored ? &log : NULL);
	if (facts.cached_input_tokens > facts.input_tokens)
		return task_fail_field(
		    task, "cached_input_tokens", "must not be more than input_tokens");
	if (has_prefix && !was_seen(task, &prefix, input->event_id, &facts.prefix_seen))
		return false;
	ret->ratio = advice_ratio(facts.input_tokens, facts.output_tokens);
	ret->advice = advice_give(&facts);
	return !stored || store(task, ret);
}

static uint64_t
read_advice(struct task *task, const struct db_rows *rows, int column)
{
	struct json_texts codes;
	uint64_t advice = 0;

	db_texts(rows, 0, column, task, &codes);
	for (size_t i = 0; i < codes.count; i++) {
		for (int j = 0; j < ADVICE_COUNT; j++) {
			if (strcmp(codes.at[i], advice_codes[j]) == 0)
				advice |= UINT64_C(1) << j;
		}
	}
	return advice;
}

bool
prompt_find_analysis(struct task *task, struct id event, struct prompt_analysis *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, event);
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	*ret = (struct prompt_analysis){
		.event_id = event,
		.hash = prompt_hash_of_row(rows, 0, 0),
		.ratio = db_null(rows, 0, 1) ? ADVICE_UNKNOWN : db_int(rows, 0, 1),
		.redundancy = db_int(rows, 0, 2),
		.advice = read_advice(task, rows, 3),
		.analyzed_at = db_time(rows, 0, 4),
	};
	return true;
}

static void
write_share(struct json_out *out, const char *key, int64_t share)
{
	char digits[MONEY_TEXT_SIZE];

	if (share == ADVICE_UNKNOWN)
		json_null(out, key);
	else
		json_number(out, key, money_format_scaled(share, SHARE_SCALE, digits));
}

void
prompt_write_analysis(struct json_out *out, const void *object)
{
	const struct prompt_analysis *analysis = object;

	json_open(out);
	json_id(out, "event_id", analysis->event_id);
	prompt_hash_write(out, "prompt_hash", &analysis->hash);
	write_share(out, "input_token_ratio", analysis->ratio);
	write_share(out, "redundancy_score", analysis->redundancy);
	json_open_array_at(out, "suggestions");
	for (int i = 0; i < ADVICE_COUNT; i++) {
		if (!(analysis->advice & UINT64_C(1) << i))
			continue;
		json_open(out);
		json_text(out, "code", advice_codes[i]);
		json_text(out, "text", advice_sentences[i]);
		json_close(out);
	}
	json_close_array(out);
	json_time(out, "analyzed_at", analysis->analyzed_at);
	json_close(out);
}
