/* Embeddings of prompts, through nginx: those like another, and groups of near-duplicates. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/model/prompt_duplicates.h"
#include "tests/api.h"

#define EMBED "/v1/prompts/embeddings"
#define SIMILAR "/v1/prompts/similar"
#define DUPLICATES "/v1/prompts/duplicates?model=m"
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define HASH_D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define HASH_G "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaag"
#define OF_A "\"model\":\"m\",\"prompt_hash\":\"" HASH_A "\""
#define TEXT_M "\"model\":\"m\",\"prompt\":\"a\""
#define NAME_40 "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"

/* VECTOR_SIZE numbers, where the text has two; the others are 0. */
static const char *
vector(const char *two)
{
	char *text = malloc(VECTOR_SIZE * 2 + strlen(two) + 3);
	char *at = stpcpy(stpcpy(text, "["), two);
	const char *kept;

	for (size_t i = 2; i < VECTOR_SIZE; i++)
		at = stpcpy(at, ",0");
	stpcpy(at, "]");
	kept = api_text("%s", text);
	free(text);
	return kept;
}

static void
embed(const char *hash, const char *two, const char *more)
{
	api_expect(200, "POST", EMBED,
	    api_text("{\"prompt_hash\":\"%s\",\"model\":\"m\",\"embedding\":%s%s}", hash,
		vector(two), more));
}

static const struct {
	const char *sentence, *path, *members;
	const char *two; /* of the embedding; NULL: there is none */
	const char *field;
} refused[] = {
	{ "neither prompt nor hash", EMBED, "\"model\":\"m\"", "1,0", "prompt_hash" },
	{ "both", EMBED, OF_A ",\"prompt\":\"a\"", "1,0", "prompt_hash" },
	{ "a hash with another letter", EMBED, "\"model\":\"m\",\"prompt_hash\":\"" HASH_G "\"",
	    "1,0", "prompt_hash" },
	{ "a hash of 40 letters", EMBED, "\"model\":\"m\",\"prompt_hash\":\"" NAME_40 "\"", "1,0",
	    "prompt_hash" },
	{ "no model", EMBED, "\"prompt\":\"a\"", "1,0", "model" },
	{ "a model's name of 161 characters", EMBED,
	    "\"prompt\":\"a\",\"model\":\"" NAME_40 NAME_40 NAME_40 NAME_40 "m\"", "1,0", "model" },
	{ "no embedding", EMBED, TEXT_M, NULL, "embedding" },
	{ "one number too many", EMBED, TEXT_M, "1,0,0", "embedding" },
	{ "one too few", EMBED, TEXT_M, "1", "embedding" },
	{ "all zeros", EMBED, TEXT_M, "0,-0.0", "embedding" },
	{ "more than a float holds", EMBED, TEXT_M, "1e39,0", "embedding" },
	{ "the word NaN", EMBED, TEXT_M, "\"NaN\",0", "embedding" },
	{ "null in the embedding", EMBED, TEXT_M, "null,1", "embedding" },
	{ "a record that is not there", EMBED,
	    TEXT_M ",\"event_id\":\"01930000-0000-7000-8000-000000000000\"", "1,0", "event_id" },
	{ "neither hash nor embedding", SIMILAR, "\"model\":\"m\"", NULL, "prompt_hash" },
	{ "a hash and an embedding", SIMILAR, OF_A, "1,0", "prompt_hash" },
	{ "zeros are like nothing", SIMILAR, "\"model\":\"m\"", "0,0", "embedding" },
	{ "no row", SIMILAR, OF_A ",\"limit\":0", NULL, "limit" },
	{ "too many rows", SIMILAR, OF_A ",\"limit\":101", NULL, "limit" },
	{ "a similarity above one", SIMILAR, OF_A ",\"min_similarity\":1.000001", NULL,
	    "min_similarity" },
	{ "a similarity of seven decimals", SIMILAR, OF_A ",\"min_similarity\":0.1234567", NULL,
	    "min_similarity" },
};
_Static_assert(PROMPT_MODEL_MAX == 160, "the name above is one character too long");

static const char *
body_with(const char *members, const char *two)
{
	if (two == NULL)
		return api_text("{%s}", members);
	return api_text("{%s,\"embedding\":%s}", members, vector(two));
}

static void
what_is_refused(UNUSED void **state)
{
	api_use_new_client("refused");
	for (size_t i = 0; i < COUNT(refused); i++) {
		if (api_send("POST", refused[i].path, NULL,
			body_with(refused[i].members, refused[i].two)) != 422)
			fail_msg("%s: %ld", refused[i].sentence, api_answer()->status);
		api_expect_field(refused[i].sentence, refused[i].field);
	}
	/* That is no JSON at all. */
	api_expect(400, "POST", EMBED, body_with(TEXT_M, "NaN,0"));
	api_expect(404, "POST", SIMILAR, "{" OF_A "}");
	api_expect(200, "POST", EMBED, body_with(OF_A, "1,0"));
}

static void
expect_match(const char *place, const char *hash, const char *similarity)
{
	api_expect_json(api_text("data.%s.prompt_hash", place), hash);
	api_expect_json(api_text("data.%s.similarity", place), similarity);
}

static void
the_nearest_come_first(UNUSED void **state)
{
	api_use_new_client("nearest");
	embed(HASH_A, "1,0", "");
	embed(HASH_B, "3,4", "");
	embed(HASH_C, "4e30,3e30", "");
	embed(HASH_D, "-1e-40,0", "");
	api_expect(200, "POST", SIMILAR, "{\"model\":\"m\",\"prompt_hash\":\"" HASH_A "\"}");
	api_expect_json("searched", "3");
	api_expect_json("complete", "true");
	expect_match("0", HASH_C, "0.8");
	expect_match("1", HASH_B, "0.6");
	api_expect_json("data.2", "(none)");
	api_expect(200, "POST", SIMILAR,
	    api_text("{\"model\":\"m\",\"embedding\":%s,\"limit\":1}", vector("0.5,0")));
	expect_match("0", HASH_A, "1");
	api_expect_json("data.1", "(none)");
	api_expect(200, "POST", SIMILAR,
	    "{\"model\":\"m\",\"prompt_hash\":\"" HASH_A "\",\"min_similarity\":0.8}");
	expect_match("0", HASH_C, "0.8");
	api_expect_json("data.1", "(none)");
	api_expect(200, "POST", SIMILAR,
	    "{\"model\":\"m\",\"prompt_hash\":\"" HASH_A "\",\"min_similarity\":0.800001}");
	api_expect_json("data.0", "(none)");
	api_expect(200, "POST", SIMILAR,
	    "{\"model\":\"m\",\"prompt_hash\":\"" HASH_A "\",\"since\":\"2200-01-01T00:00:00Z\"}");
	api_expect_json("searched", "0");
	/* Of another model, and in place of what was there. */
	api_expect(404, "POST", SIMILAR, "{\"model\":\"n\",\"prompt_hash\":\"" HASH_A "\"}");
	embed(HASH_B, "1,0", "");
	api_expect(200, "POST", SIMILAR, "{\"model\":\"m\",\"prompt_hash\":\"" HASH_A "\"}");
	expect_match("0", HASH_B, "1");
	expect_match("1", HASH_C, "0.8");
}

static void
another_client_has_none_of_them(UNUSED void **state)
{
	api_use_new_client("one");
	embed(HASH_A, "1,0", "");
	api_use_new_client("another");
	embed(HASH_B, "1,0", "");
	api_expect(200, "POST", SIMILAR, "{\"model\":\"m\",\"prompt_hash\":\"" HASH_B "\"}");
	api_expect_json("searched", "0");
	api_expect(404, "POST", SIMILAR, "{\"model\":\"m\",\"prompt_hash\":\"" HASH_A "\"}");
}

static const char *
add_record(const char *members)
{
	return api_add("/v1/chat-logs", api_text("{%s}", members));
}

static void
embed_record(const char *hash, const char *two, const char *cost)
{
	const char *record = add_record(
	    cost == NULL ? "\"model\":\"nobody knows\",\"input_tokens\":1"
			 : api_text("\"input_tokens\":1,\"verified_cost_cents\":%s", cost));

	embed(hash, two, api_text(",\"event_id\":\"%s\"", record));
}

static void
near_duplicates_are_told_with_their_cost(UNUSED void **state)
{
	api_use_new_client("duplicates");
	embed_record(HASH_A, "1,0", "2.5");
	embed_record(HASH_A, "1,0", "0.5");
	embed_record(HASH_B, "100,1", NULL);
	embed_record(HASH_C, "0,1", "7");
	embed_record(HASH_D, "1,100", "1.25");
	api_expect(200, "GET", DUPLICATES, NULL);
	api_expect_json("prompts", "4");
	api_expect_json("complete", "true");
	api_expect_json("min_similarity", "0.95");
	api_expect_json("data.0.cost_cents", "8.25");
	api_expect_json("data.0.calls", "2");
	api_expect_json("data.0.prompts.0.prompt_hash", HASH_C);
	api_expect_json("data.0.prompts.0.similarity", "1");
	api_expect_json("data.0.prompts.1.prompt_hash", HASH_D);
	api_expect_json("data.0.prompts.1.similarity", "0.99995");
	api_expect_json("data.0.prompts.2", "(none)");
	api_expect_json("data.1.cost_cents", "3");
	api_expect_json("data.1.calls", "3");
	api_expect_json("data.1.unpriced_calls", "1");
	api_expect_json("data.1.prompts.0.calls", "2");
	api_expect_json("data.1.prompts.1.cost_cents", "0");
	api_expect_json("data.2", "(none)");
	api_expect(200, "GET", DUPLICATES "&limit=1&min_similarity=0.99995", NULL);
	api_expect_json("data.0.cost_cents", "8.25");
	api_expect_json("data.1", "(none)");
	api_expect(200, "GET", DUPLICATES "&min_similarity=0.999951", NULL);
	api_expect_json("data.0", "(none)");
	api_expect(
	    200, "GET", DUPLICATES "&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z", NULL);
	api_expect_json("prompts", "0");
}

static void
a_period_has_bounds(UNUSED void **state)
{
	static const struct {
		const char *sentence, *path, *field;
	} rows[] = {
		{ "no model", "/v1/prompts/duplicates", "model" },
		{ "an empty period",
		    DUPLICATES "&since=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z", "until" },
		{ "93 days", DUPLICATES "&since=2026-01-01T00:00:00Z&until=2026-04-04T00:00:00Z",
		    "since" },
		{ "less alike than half", DUPLICATES "&min_similarity=0.499999", "min_similarity" },
		{ "too many groups", DUPLICATES "&limit=101", "limit" },
	};

	api_use_new_client("bounds");
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (api_send("GET", rows[i].path, NULL, NULL) != 422)
			fail_msg("%s: %ld", rows[i].sentence, api_answer()->status);
		api_expect_field(rows[i].sentence, rows[i].field);
	}
	api_expect(
	    200, "GET", DUPLICATES "&since=2026-01-01T00:00:00Z&until=2026-04-03T00:00:00Z", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(the_nearest_come_first),
		cmocka_unit_test(another_client_has_none_of_them),
		cmocka_unit_test(near_duplicates_are_told_with_their_cost),
		cmocka_unit_test(a_period_has_bounds),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
