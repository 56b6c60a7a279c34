#include "app/api/prompts.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/model/prompt_duplicates.h"
#include "lib/money.h"

#define SIMILARITY_SCALE 6
#define DUPLICATE_LEAST 500000 /* millionths: below that a prompt is like any other */
#define DUPLICATE_DEFAULT 950000
#define PERIOD_DEFAULT (30 * CLOCK_DAY)

struct embed_input {
	struct id event_id;
	const char *prompt, *prompt_hash, *model;
	struct json_reals embedding;
};

struct similar_input {
	const char *prompt_hash, *model;
	struct json_reals embedding;
	int64_t limit, min_similarity, since;
};

struct duplicates_input {
	const char *model;
	int64_t since, until, min_similarity, limit;
	bool has_since;
};

#define TEXT(input, member, least, most) \
	.type = JSON_TEXT, .offset = offsetof(input, member), .given = JSON_ALWAYS, \
	.min = (least), .max = (most)
#define MODEL(input) \
	{ \
		.name = "model", TEXT(input, model, 1, PROMPT_MODEL_MAX), .required = true, \
		.about = "That made the embedding: only those of one model are compared." \
	}
#define EMBEDDING(input, is_required) \
	.name = "embedding", .type = JSON_REALS, .offset = offsetof(input, embedding), \
	.given = JSON_ALWAYS, .required = (is_required), .min = VECTOR_SIZE, .max = VECTOR_SIZE

const struct json_field prompts_embed_fields[5] = {
	{ .name = "event_id",
	    .type = JSON_ID,
	    .offset = offsetof(struct embed_input, event_id),
	    .given = JSON_ALWAYS,
	    .about = "The record of a call with this prompt." },
	{ .name = "prompt",
	    TEXT(struct embed_input, prompt, 1, PROMPT_MAX),
	    .about = "Only its hash is kept; or prompt_hash." },
	{ .name = "prompt_hash",
	    TEXT(struct embed_input, prompt_hash, PROMPT_HASH_DIGITS, PROMPT_HASH_DIGITS),
	    .about = "HMAC-SHA-256 of the prompt under the client's id, in hexadecimal." },
	MODEL(struct embed_input),
	{ EMBEDDING(struct embed_input, true), .about = "Of any length but 0." },
};

const struct json_field prompts_similar_fields[6] = {
	{ .name = "prompt_hash",
	    TEXT(struct similar_input, prompt_hash, PROMPT_HASH_DIGITS, PROMPT_HASH_DIGITS),
	    .about = "One that has an embedding, which is left out; or embedding." },
	{ EMBEDDING(struct similar_input, false) },
	MODEL(struct similar_input),
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct similar_input, limit),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = PROMPT_SIMILAR_MAX,
	    .about = "10 where not given." },
	{ .name = "min_similarity",
	    .type = JSON_MILLIONTHS,
	    .offset = offsetof(struct similar_input, min_similarity),
	    .given = JSON_ALWAYS,
	    .min = 0,
	    .max = VECTOR_SCALE,
	    .about = "0 where not given." },
	{ .name = "since",
	    .type = JSON_TIME,
	    .offset = offsetof(struct similar_input, since),
	    .given = JSON_ALWAYS,
	    .about = "Prompts last seen at or after; all where not given." },
};

const struct json_field prompts_duplicates_fields[5] = {
	MODEL(struct duplicates_input),
	{ .name = "since",
	    .type = JSON_TIME,
	    .offset = offsetof(struct duplicates_input, since),
	    .given = offsetof(struct duplicates_input, has_since),
	    .about = "Of the records, inclusive; 30 days before until where not given." },
	{ .name = "until",
	    .type = JSON_TIME,
	    .offset = offsetof(struct duplicates_input, until),
	    .given = JSON_ALWAYS,
	    .about = "Exclusive; now where not given. At most 92 days after since." },
	{ .name = "min_similarity",
	    .type = JSON_MILLIONTHS,
	    .offset = offsetof(struct duplicates_input, min_similarity),
	    .given = JSON_ALWAYS,
	    .min = DUPLICATE_LEAST,
	    .max = VECTOR_SCALE,
	    .about = "To the first of the group; 0.95 where not given." },
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct duplicates_input, limit),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = PROMPT_GROUPS_MAX,
	    .about = "Groups, those that cost most; 20 where not given." },
};

bool
prompts_analyze(struct request *req, struct reply *reply)
{
	struct prompt_input input = prompt_input_none;
	struct prompt_analysis analysis;

	if (!request_read_body(req, &input))
		return false;
	if (!prompt_analyze(req->task, &input, &analysis))
		return false;
	return reply_json(reply, 200, prompt_write_analysis, &analysis);
}

bool
prompts_find_analysis(struct request *req, struct reply *reply)
{
	struct prompt_analysis analysis;
	struct id event;

	if (!request_id_param(req, 0, &event))
		return false;
	if (!prompt_find_analysis(req->task, event, &analysis))
		return false;
	return reply_json(reply, 200, prompt_write_analysis, &analysis);
}

/* *ret_prefix NULL: the text is short, or not known. */
static bool
read_hash(struct task *task, const struct embed_input *input, struct prompt_hash *ret,
    struct prompt_hash *prefix, const struct prompt_hash **ret_prefix)
{
	struct text prompt;

	*ret_prefix = NULL;
	if ((input->prompt == NULL) == (input->prompt_hash == NULL))
		return task_fail_field(
		    task, "prompt_hash", "must be given, or prompt, and not both");
	if (input->prompt == NULL)
		return prompt_hash_read(task, input->prompt_hash, ret);
	prompt = (struct text){ input->prompt, strlen(input->prompt) };
	*ret = prompt_hash(task, prompt);
	if (prompt.len >= PROMPT_PREFIX) {
		*prefix = prompt_hash(task, (struct text){ prompt.at, PROMPT_PREFIX });
		*ret_prefix = prefix;
	}
	return true;
}

bool
prompts_embed(struct request *req, struct reply *reply)
{
	struct prompt_embedding embedding = { 0 };
	const struct prompt_hash *prefix;
	struct embed_input input = { 0 };
	struct prompt_hash prefix_hash;

	if (!request_read_body(req, &input) ||
	    !read_hash(req->task, &input, &embedding.hash, &prefix_hash, &prefix))
		return false;
	embedding.model = input.model;
	embedding.event_id = input.event_id;
	if (!prompt_put_embedding(req->task, &embedding, prefix, input.embedding.at))
		return false;
	return reply_json(reply, 200, prompt_write_embedding, &embedding);
}

static void
write_similarity(struct json_out *out, const char *key, int64_t millionths)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_scaled(millionths, SIMILARITY_SCALE, digits));
}

static void
write_matches(struct json_out *out, const void *object)
{
	const struct prompt_matches *matches = object;

	json_open(out);
	json_int(out, "searched", matches->searched);
	json_bool(out, "complete", matches->complete);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < matches->count; i++) {
		const struct prompt_match *match = &matches->at[i];

		json_open(out);
		prompt_hash_write(out, "prompt_hash", &match->hash);
		write_similarity(out, "similarity", match->similarity);
		json_id(out, "event_id", match->event_id);
		json_time(out, "last_seen_at", match->seen_at);
		json_close(out);
	}
	json_close_array(out);
	json_close(out);
}

bool
prompts_similar(struct request *req, struct reply *reply)
{
	struct similar_input input = { .limit = PROMPT_SIMILAR_DEFAULT };
	struct prompt_search search = { .search_max = PROMPT_SEARCH_MAX,
		.compare_max = PROMPT_COMPARE_MAX };
	struct prompt_matches matches;
	struct prompt_hash hash;

	if (!request_read_body(req, &input))
		return false;
	if ((input.prompt_hash == NULL) == (input.embedding.at == NULL))
		return task_fail_field(
		    req->task, "prompt_hash", "must be given, or embedding, and not both");
	if (input.prompt_hash != NULL) {
		if (!prompt_hash_read(req->task, input.prompt_hash, &hash))
			return false;
		search.hash = &hash;
	}
	search.model = input.model;
	search.vector = input.embedding.at;
	search.min_similarity = input.min_similarity;
	search.since = input.since;
	search.limit = input.limit;
	if (!prompt_find_similar(req->task, &search, &matches))
		return false;
	return reply_json(reply, 200, write_matches, &matches);
}

static void
write_cost(struct json_out *out, int64_t nanos, int64_t calls, int64_t unpriced)
{
	json_cents(out, "cost_cents", nanos);
	json_int(out, "calls", calls);
	json_int(out, "unpriced_calls", unpriced);
}

static void
write_group(struct json_out *out, const struct prompt_group *group)
{
	json_open(out);
	write_cost(out, group->cost_nanos, group->calls, group->unpriced_calls);
	json_open_array_at(out, "prompts");
	for (size_t i = 0; i < group->count; i++) {
		const struct prompt_use *use = &group->uses[i];

		json_open(out);
		prompt_hash_write(out, "prompt_hash", &use->hash);
		write_similarity(out, "similarity", use->similarity);
		write_cost(out, use->cost_nanos, use->calls, use->unpriced_calls);
		json_close(out);
	}
	json_close_array(out);
	json_close(out);
}

static bool
read_period(struct request *req, struct prompt_period *ret)
{
	struct duplicates_input input = { .until = req->task->now,
		.min_similarity = DUPLICATE_DEFAULT,
		.limit = PROMPT_GROUPS_DEFAULT };

	if (!request_read_query(req, &input))
		return false;
	if (!input.has_since)
		input.since = input.until - PERIOD_DEFAULT;
	if (input.since >= input.until)
		return task_fail_field(req->task, "until", "must be later than since");
	if (input.until - input.since > PROMPT_DAYS_MAX * CLOCK_DAY)
		return task_fail_field(req->task, "since", "must be at most 92 days before until");
	*ret = (struct prompt_period){
		.model = input.model,
		.span = { input.since, input.until },
		.min_similarity = input.min_similarity,
		.limit = input.limit,
		.prompts_max = PROMPT_DUPLICATES_MAX,
	};
	return true;
}

bool
prompts_duplicates(struct request *req, struct reply *reply)
{
	struct json_out *out = json_out_new(&reply->body);
	struct prompt_groups groups;
	struct prompt_period period = { 0 };

	if (!read_period(req, &period) || !prompt_find_duplicates(req->task, &period, &groups))
		return false;
	json_open(out);
	json_time(out, "since", period.span.since);
	json_time(out, "until", period.span.until);
	write_similarity(out, "min_similarity", period.min_similarity);
	json_int(out, "prompts", groups.prompts);
	json_bool(out, "complete", groups.complete);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < groups.count; i++)
		write_group(out, &groups.at[i]);
	json_close_array(out);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}
