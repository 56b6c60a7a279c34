/*
 * POST /v1/ingest/litellm: a batch as LiteLLM sent it, and each form and oddity of a payload.
 */
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ingest/ingest.h"
#include "app/ingest/litellm.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "tests/api.h"
#include "tests/process.h"

#define PATH "/v1/ingest/litellm"

static struct arena *arena;

static const char *
source(void)
{
	const char *folder = getenv("TALLY_SRCDIR");

	return folder != NULL ? folder : ".";
}

static int
start(void **state)
{
	arena = arena_new();
	if (api_start(state) != 0)
		return -1;
	api_import_prices();
	return 0;
}

static int
stop(void **state)
{
	arena_free(arena);
	return api_stop(state);
}

/* With a call that began just now and took 1.25 s, for @START@ and @END@. */
static const char *
fill(const char *text)
{
	int64_t now = clock_now() / CLOCK_SECOND - 5;
	struct buf filled = { .arena = arena };

	buf_puts(&filled, "");
	for (; *text != '\0'; text++) {
		if (strncmp(text, "@START@", 7) == 0) {
			buf_printf(&filled, "%" PRId64 ".5004999", now);
			text += 6;
		} else if (strncmp(text, "@END@", 5) == 0) {
			buf_printf(&filled, "%" PRId64 ".7505", now + 1);
			text += 4;
		} else {
			buf_putc(&filled, *text);
		}
	}
	return filled.at;
}

static void
expect_counts(const char *accepted, const char *duplicates, const char *index)
{
	api_expect_json("accepted", accepted);
	api_expect_json("duplicates", duplicates);
	api_expect_json("rejected.0.index", index);
}

static void
expect_record(const char *condition)
{
	const char *count =
	    api_sql("SELECT count(*) FROM chat_logs c JOIN clients ON clients.id = c.client_id"
		    " WHERE name = 'recorded' AND (%s)",
		condition);

	if (strcmp(count, "1") != 0)
		fail_msg("%s records with %s", count, condition);
}

static void
a_recorded_batch_is_stored_once(UNUSED void **state)
{
	char *recorded = process_read_file(api_text("%s/tests/data/litellm.json", source()));
	const char *body = fill(recorded);

	free(recorded);
	api_use_new_client("recorded");
	api_expect(200, "POST", PATH, body);
	expect_counts("6", "0", "(none)");
	api_expect(200, "POST", PATH, body);
	expect_counts("0", "6", "(none)");
	expect_record("c.model = 'gpt-4o' AND provider = 'openai' AND success"
		      " AND input_tokens = 600 AND cached_input_tokens = 400 AND output_tokens = 7"
		      " AND reasoning_tokens = 3 AND tags = '{checkout,\"a b\"}'"
		      " AND duration_ms = 1250 AND user_id IS NOT NULL AND trace_id IS NOT NULL"
		      " AND estimated_cost_cents = 0.207"
		      " AND metadata->>'tally_cost_cents' = '0.207'");
	/* LiteLLM knew no price of this model, and said 0. */
	expect_record("c.model = 'claude-3-haiku-20240307' AND input_tokens = 1000"
		      " AND cached_input_tokens = 400 AND cache_write_tokens = 100"
		      " AND estimated_cost_cents > 0 AND model_pricing_id IS NOT NULL");
	expect_record("c.model = 'no-such-model' AND estimated_cost_cents IS NULL");
	expect_record("NOT success AND error_message LIKE '%%the provider is away'"
		      " AND estimated_cost_cents = 0 AND tokens_used = 0");
	expect_record("NOT success AND error_message LIKE '%%rate limit error'");
	expect_record("c.model = 'text-embedding-3-small' AND input_tokens = 10"
		      " AND estimated_cost_cents = 0.00002");
}

/* Between { and }, beside an id and the times. */
static const struct row {
	const char *sentence;
	const char *members;
	const char *path, *value; /* of the record; path NULL: the payload is rejected */
} rows[] = {
	{ "its cost is the estimate, ours is beside it",
	    "\"model\":\"gpt-4o\",\"custom_llm_provider\":\"openai\",\"prompt_tokens\":1000,"
	    "\"response_cost\":0.01234567891",
	    "estimated_cost_cents", "1.2345679" },
	{ "ours beside it",
	    "\"model\":\"gpt-4o\",\"custom_llm_provider\":\"openai\",\"prompt_tokens\":1000,"
	    "\"response_cost\":0.0123",
	    "metadata.tally_cost_cents", "0.25" },
	{ "a cost of 0 that was meant",
	    "\"model\":\"gpt-4o\",\"custom_llm_provider\":\"openai\",\"prompt_tokens\":1000,"
	    "\"response_cost\":0,\"cache_hit\":true",
	    "estimated_cost_cents", "0" },
	{ "an answer from its cache", "\"prompt_tokens\":1,\"cache_hit\":true", "is_cache_hit",
	    "true" },
	{ "a cost of 0 as there was no price",
	    "\"model\":\"gpt-4o\",\"custom_llm_provider\":\"openai\",\"prompt_tokens\":1000,"
	    "\"response_cost\":0.0,\"response_cost_failure_debug_info\":{\"error_str\":\"x\"}",
	    "estimated_cost_cents", "0.25" },
	{ "no cost",
	    "\"model\":\"gpt-4o\",\"custom_llm_provider\":\"openai\",\"prompt_tokens\":1000,"
	    "\"response_cost\":null",
	    "estimated_cost_cents", "0.25" },
	{ "a cost in another notation", "\"prompt_tokens\":1,\"response_cost\":1.5e-05",
	    "estimated_cost_cents", "0.0015" },
	{ "the provider before the model",
	    "\"model\":\"openai/gpt-4o\",\"custom_llm_provider\":\"openai\",\"prompt_tokens\":1000",
	    "model", "gpt-4o" },
	{ "a deployment's name, and the model that it is",
	    "\"model\":\"my-deployment\",\"custom_llm_provider\":\"openai\",\"prompt_tokens\":1000,"
	    "\"model_map_information\":{\"model_map_key\":\"gpt-4o\"}",
	    "model", "gpt-4o" },
	{ "tokens only inside", "\"metadata\":{\"usage_object\":{\"prompt_tokens\":5}}",
	    "input_tokens", "5" },
	{ "the team is the feature",
	    "\"prompt_tokens\":1,\"metadata\":{\"user_api_key_team_alias\":\"shop\"}", "feature",
	    "shop" },
	{ "a feature of its own",
	    "\"prompt_tokens\":1,\"metadata\":{\"user_api_key_team_alias\":\"shop\","
	    "\"requester_metadata\":{\"feature\":\"search\"}}",
	    "feature", "search" },
	{ "tags that are none are left out",
	    "\"prompt_tokens\":1,\"request_tags\":[null,\"\",7,\"good\",\"0123456789012345678901234"
	    "567890123456789012345678901234567890123456789\"]",
	    "tags.0", "good" },
	{ "half a surrogate in what is not kept",
	    "\"prompt_tokens\":1,\"messages\":[{\"content\":\"\\ud83d \\u0000\"}]", "input_tokens",
	    "1" },
	{ "what is nested deeply and not kept",
	    "\"prompt_tokens\":1,\"messages\":"
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	    "input_tokens", "1" },
	{ "a failure without a word", "\"status\":\"failure\",\"error_str\":\"\"", "success",
	    "false" },
	{ "a failure's second word",
	    "\"status\":\"failure\",\"error_information\":{\"error_message\":\"away\"}",
	    "error_message", "away" },
	{ "tokens below 0", "\"prompt_tokens\":-1", NULL, "input_tokens" },
	{ "half a token", "\"prompt_tokens\":1.5", NULL, "input_tokens" },
	{ "a cost below 0", "\"prompt_tokens\":1,\"response_cost\":-1", NULL,
	    "estimated_cost_cents" },
	{ "an end before the start has no duration", "\"prompt_tokens\":1,\"endTime\":5",
	    "duration_ms", "null" },
};

static void
payloads_become_records(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];

		api_use_new_client(api_text("row %zu", i));
		api_expect(200, "POST", PATH,
		    fill(api_text("{\"id\":\"call\",\"startTime\":@START@,\"endTime\":@END@,%s}",
			row->members)));
		if (row->path == NULL) {
			if (strcmp(api_json("rejected.0.errors.0.field"), row->value) != 0)
				fail_msg("%s: %s", row->sentence, api_answer()->body);
			continue;
		}
		if (strcmp(api_json("accepted"), "1") != 0)
			fail_msg("%s: %s", row->sentence, api_answer()->body);
		api_expect(200, "GET", "/v1/chat-logs", NULL);
		if (strcmp(api_json(api_text("data.0.%s", row->path)), row->value) != 0)
			fail_msg("%s: %s", row->sentence, api_answer()->body);
	}
}

static const struct {
	const char *sentence;
	const char *members;
	const char *user;
} users[] = {
	{ "the user of the request",
	    "\"end_user\":\"ann\",\"metadata\":{\"user_api_key_end_user_id\":\"bob\"}", "ann" },
	{ "the key's end user",
	    "\"end_user\":\"\",\"metadata\":{\"user_api_key_end_user_id\":\"bob\"},"
	    "\"model_parameters\":{\"user\":\"eve\"}",
	    "bob" },
	{ "the user that the model was told",
	    "\"model_parameters\":{\"user\":\"eve\"},"
	    "\"metadata\":{\"user_api_key_user_id\":\"key\"}",
	    "eve" },
	{ "the key's owner", "\"metadata\":{\"user_api_key_user_id\":\"key\"}", "key" },
	{ "nobody", "\"end_user\":null", "" },
};

static void
users_are_found_where_they_are_named(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(users); i++) {
		const char *client = api_text("user %zu", i), *found;

		api_use_new_client(client);
		api_expect(200, "POST", PATH,
		    fill(api_text("{\"id\":\"call\",\"startTime\":@START@,\"prompt_tokens\":1,%s}",
			users[i].members)));
		api_expect_json("accepted", "1");
		found = api_sql("SELECT coalesce(max(external_id), '') FROM users u"
				" JOIN clients c ON c.id = u.client_id WHERE c.name = '%s'",
		    client);
		if (strcmp(found, users[i].user) != 0)
			fail_msg("%s: %s", users[i].sentence, found);
	}
}

static void
an_id_has_its_limit(UNUSED void **state)
{
	static const char body[] = "{\"id\":\"%0*d\",\"startTime\":@START@,\"prompt_tokens\":1}";

	api_use_new_client("ids");
	api_expect(200, "POST", PATH, fill(api_text(body, LITELLM_ID_MAX, 1)));
	api_expect_json("accepted", "1");
	api_expect(200, "POST", PATH, fill(api_text(body, LITELLM_ID_MAX + 1, 1)));
	api_expect_json("rejected.0.errors.0.field", "id");
}

static const struct {
	const char *sentence;
	const char *type;
	const char *body;
	long status;
	const char *accepted, *rejected;
} forms[] = {
#define ONE(id) "{\"id\":\"" id "\",\"startTime\":@START@,\"prompt_tokens\":1}"
	{ "one", "application/json", ONE("1"), 200, "1", "(none)" },
	{ "one over several lines", "application/json",
	    "{\"id\":\"2\",\n\"startTime\":@START@,\n\"prompt_tokens\":1}\n", 200, "1", "(none)" },
	{ "an array", "application/json", "[" ONE("3") "," ONE("4") "]", 200, "2", "(none)" },
	{ "nulls", "application/json", "[null," ONE("5") ",null]", 200, "1", "(none)" },
	{ "only null", "application/json", "null", 200, "0", "(none)" },
	{ "lines", "application/x-ndjson", ONE("6") "\n" ONE("7") "\n", 200, "2", "(none)" },
	{ "lines, as LiteLLM names them", "application/json", ONE("8") "\n" ONE("9"), 200, "2",
	    "(none)" },
	{ "lines of which the first is null", "application/json", "null\n" ONE("10"), 200, "1",
	    "(none)" },
	{ "a bad line between good ones", "application/x-ndjson", ONE("11") "\n{\n" ONE("12"), 200,
	    "2", "1" },
	{ "a payload without an id", "application/json",
	    "[" ONE("13") ",{\"startTime\":@START@,\"prompt_tokens\":1}]", 200, "1", "1" },
	{ "a payload without its time", "application/json", "[{\"id\":\"14\"}]", 200, "0", "0" },
	{ "one that was there before", "application/json", "[]", 200, "0", "(none)" },
	{ "no JSON", "application/json", "{\"id\":", 400, NULL, NULL },
	{ "nothing", "application/json", "", 400, NULL, NULL },
	{ "a text", "text/plain", "x", 415, NULL, NULL },
};

static void
every_form_is_taken(UNUSED void **state)
{
	api_use_new_client("forms");
	for (size_t i = 0; i < COUNT(forms); i++) {
		const char *const headers[] = { api_text("Content-Type: %s", forms[i].type), NULL };
		long status = api_send("POST", PATH, headers, fill(forms[i].body));

		if (status != forms[i].status)
			fail_msg("%s: %ld %s", forms[i].sentence, status, api_answer()->body);
		if (status == 200 &&
		    (strcmp(api_json("accepted"), forms[i].accepted) != 0 ||
			strcmp(api_json("rejected.0.index"), forms[i].rejected) != 0))
			fail_msg("%s: %s", forms[i].sentence, api_answer()->body);
	}
}

static void
an_array_has_its_limit(UNUSED void **state)
{
	struct buf body = { .arena = arena };

	api_use_new_client("limit");
	buf_putc(&body, '[');
	for (int i = 0; i < INGEST_LINES_MAX; i++)
		buf_puts(&body, "null,");
	buf_puts(&body, "null]");
	api_expect(413, "POST", PATH, body.at);
	body.at[body.len - 6] = ']';
	body.at[body.len - 5] = '\0';
	api_expect(200, "POST", PATH, body.at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recorded_batch_is_stored_once),
		cmocka_unit_test(payloads_become_records),
		cmocka_unit_test(users_are_found_where_they_are_named),
		cmocka_unit_test(an_id_has_its_limit),
		cmocka_unit_test(every_form_is_taken),
		cmocka_unit_test(an_array_has_its_limit),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
