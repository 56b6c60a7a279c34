/* Prompts, through nginx: what is said of them, what is kept, and those like another. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/api/prompts.h"
#include "lib/base.h"
#include "lib/model/prompt_duplicates.h"
#include "tests/api.h"
#include "tests/books.h"

#define ANALYZE "/v1/prompts/analyze"
#define EMBED "/v1/prompts/embeddings"
#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* One and zeros. */
static const char *
vector(void)
{
	char text[VECTOR_SIZE * 2 + 2] = "[1";

	for (size_t i = 1; i < VECTOR_SIZE; i++) {
		text[i * 2] = ',';
		text[i * 2 + 1] = '0';
	}
	text[VECTOR_SIZE * 2] = ']';
	return api_text("%s", text);
}

static const char *
times(const char *text, size_t count)
{
	char *all = malloc(count * strlen(text) + 1), *at = all;
	const char *kept;

	*all = '\0';
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, text);
	kept = api_text("%s", all);
	free(all);
	return kept;
}

static void
embed(const char *hash, const char *more)
{
	api_expect(200, "POST", EMBED,
	    api_text("{\"prompt_hash\":\"%s\",\"model\":\"m\",\"embedding\":%s%s}", hash, vector(),
		more));
}

static const char *
add_record(const char *members)
{
	return api_add("/v1/chat-logs", api_text("{%s}", members));
}

static void
a_prompt_is_measured_with_its_record(UNUSED void **state)
{
	const char *record, *stored, *client;

	api_use_new_client("measured");
	client = api_sql("SELECT id FROM clients WHERE name = 'measured'");
	record = add_record("\"provider\":\"openai\",\"input_tokens\":9000,\"output_tokens\":100,"
			    "\"cached_input_tokens\":3000");
	api_expect(200, "POST", ANALYZE,
	    api_text(
		"{\"event_id\":\"%s\",\"prompt\":\"be kind to all\\nBe kind to all\"}", record));
	api_expect_json("event_id", record);
	api_expect_json("input_token_ratio", "0.989");
	api_expect_json("redundancy_score", "0.5");
	api_expect_json("suggestions.0.code", "repeated_text");
	api_expect_json("suggestions.1.code", "repeated_lines");
	api_expect_json("suggestions.2.code", "mostly_input");
	api_expect_json("suggestions.3.code", "long_for_short");
	api_expect_json("suggestions.4", "(none)");
	/* Anybody who has the text can make the hash: printf TEXT | openssl dgst -sha256 -hmac ID
	 */
	api_expect_json("prompt_hash",
	    api_sql(
		"SELECT encode(sha256(o || sha256(i || 'be kind to all\nBe kind to all')), 'hex')"
		" FROM (SELECT string_agg(set_byte('\\x00', 0, get_byte(k, n) # 92), '' ORDER BY n) AS o,"
		" string_agg(set_byte('\\x00', 0, get_byte(k, n) # 54), '' ORDER BY n) AS i"
		" FROM (SELECT '%s'::bytea || decode(repeat('00', 28), 'hex') AS k) AS key,"
		" generate_series(0, 63) AS n) AS pads",
		client));
	stored = api_keep("prompt_hash");
	api_expect(200, "GET", api_text("/v1/prompts/%s/analysis", record), NULL);
	api_expect_json("prompt_hash", stored);
	api_expect_json("input_token_ratio", "0.989");
	api_expect_json("redundancy_score", "0.5");
	api_expect_json("suggestions.3.code", "long_for_short");
	/* Again, with another text: the later one stands. */
	api_expect(200, "POST", ANALYZE,
	    api_text("{\"event_id\":\"%s\",\"prompt\":\"once\",\"input_tokens\":1,"
		     "\"output_tokens\":3}",
		record));
	api_expect(200, "GET", api_text("/v1/prompts/%s/analysis", record), NULL);
	api_expect_json("input_token_ratio", "0.25");
	api_expect_json("suggestions.0", "(none)");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM prompt_events WHERE event_id = '%s'", record), "1");
}

static void
the_text_is_kept_nowhere(UNUSED void **state)
{
	const char *record;

	api_use_new_client("forgotten");
	record = add_record("\"input_tokens\":1");
	api_expect(200, "POST", ANALYZE,
	    api_text("{\"event_id\":\"%s\",\"prompt\":\"xyzzyplugh\"}", record));
	api_expect(200, "POST", EMBED,
	    api_text("{\"event_id\":\"%s\",\"prompt\":\"xyzzyplugh\",\"model\":\"m\","
		     "\"embedding\":%s}",
		record, vector()));
	assert_string_equal(
	    api_sql(
		"SELECT count(*) FROM pg_class AS c CROSS JOIN LATERAL query_to_xml("
		"format('SELECT * FROM %%I AS t WHERE t::text LIKE ''%%%%xyzzy%%%%''', relname),"
		" true, false, '') AS x WHERE relnamespace = 'public'::regnamespace"
		" AND relkind IN ('r', 'p') AND x::text LIKE '%%xyzzy%%'"),
	    "0");
}

static void
a_prompt_without_a_record_is_measured_and_not_kept(UNUSED void **state)
{
	api_use_new_client("nothing kept");
	api_expect(200, "POST", ANALYZE, "{\"prompt\":\"hello\"}");
	api_expect_json("event_id", "null");
	api_expect_json("input_token_ratio", "null");
	api_expect_json("redundancy_score", "0");
	assert_string_equal(
	    api_sql("SELECT count(*) FROM prompt_events JOIN clients ON id = client_id"
		    " WHERE name = 'nothing kept'"),
	    "0");
}

static void
the_same_beginning_uncached_is_noticed(UNUSED void **state)
{
	const char *text = times("word ", PROMPT_PREFIX / 5 + 1);
	const char *one, *two;

	api_use_new_client("prefix");
	one = add_record("\"input_tokens\":2000,\"output_tokens\":2000");
	two = add_record("\"input_tokens\":2000,\"output_tokens\":2000");
	api_expect(
	    200, "POST", ANALYZE, api_text("{\"event_id\":\"%s\",\"prompt\":\"%sA\"}", one, text));
	api_expect_json("suggestions.0.code", "repeated_text");
	api_expect(
	    200, "POST", ANALYZE, api_text("{\"event_id\":\"%s\",\"prompt\":\"%sB\"}", two, text));
	api_expect_json("suggestions.0.code", "cache_prefix");
	/* Its own is no other's. */
	api_expect(
	    200, "POST", ANALYZE, api_text("{\"event_id\":\"%s\",\"prompt\":\"another\"}", one));
	api_expect(
	    200, "POST", ANALYZE, api_text("{\"event_id\":\"%s\",\"prompt\":\"%sB\"}", two, text));
	api_expect_json("suggestions.0.code", "repeated_text");
}

static void
what_is_refused(UNUSED void **state)
{
	const struct {
		const char *sentence, *body, *field;
	} rows[] = {
		{ "no prompt", "{}", "prompt" },
		{ "an empty prompt", "{\"prompt\":\"\"}", "prompt" },
		{ "a prompt that is too long",
		    api_text("{\"prompt\":\"%s\"}", times("a", PROMPT_MAX + 1)), "prompt" },
		{ "a record that is not there",
		    "{\"prompt\":\"a\",\"event_id\":\"01930000-0000-7000-8000-000000000000\"}",
		    "event_id" },
		{ "more cached than there is",
		    "{\"prompt\":\"a\",\"input_tokens\":1,\"cached_input_tokens\":2}",
		    "cached_input_tokens" },
		{ "too many tokens", "{\"prompt\":\"a\",\"input_tokens\":1000000001}",
		    "input_tokens" },
	};

	api_use_new_client("refused");
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (api_send("POST", ANALYZE, NULL, rows[i].body) != 422)
			fail_msg("%s: %ld", rows[i].sentence, api_answer()->status);
		api_expect_field(rows[i].sentence, rows[i].field);
	}
	api_expect(200, "POST", ANALYZE, api_text("{\"prompt\":\"%s\"}", times("a", PROMPT_MAX)));
	api_expect(404, "GET", "/v1/prompts/01930000-0000-7000-8000-000000000000/analysis", NULL);
}

/* Of a client that keeps its log for 30 days: what is older than 31 goes. */
static void
purge_removes_prompts_with_their_records(UNUSED void **state)
{
	static const char left[] =
	    "SELECT (SELECT count(*) FROM prompt_events WHERE client_id = c.id) || ' '"
	    " || (SELECT count(*) FROM prompt_analysis WHERE client_id = c.id) || ' '"
	    " || (SELECT count(*) FROM prompt_embeddings WHERE client_id = c.id)"
	    " FROM clients AS c WHERE name = 'purged'";
	const char *records[2];

	api_use_new_client("purged");
	api_sql("UPDATE clients SET log_retention_days = 30 WHERE name = 'purged' RETURNING 1");
	for (size_t i = 0; i < COUNT(records); i++) {
		records[i] = add_record("\"input_tokens\":1");
		api_expect(200, "POST", ANALYZE,
		    api_text("{\"event_id\":\"%s\",\"prompt\":\"p\"}", records[i]));
	}
	embed(HASH_A, api_text(",\"event_id\":\"%s\"", records[0]));
	embed(HASH_B, api_text(",\"event_id\":\"%s\"", records[1]));
	api_sql("UPDATE prompt_events SET created_at = now() - interval '31 days 1 minute'"
		" WHERE event_id = '%s' RETURNING 1",
	    records[0]);
	api_sql("UPDATE prompt_embeddings SET seen_at = now() - interval '31 days 1 minute'"
		" WHERE event_id = '%s' RETURNING 1",
	    records[0]);
	api_sql("UPDATE prompt_embeddings SET seen_at = now() - interval '30 days 23 hours'"
		" WHERE event_id = '%s' RETURNING 1",
	    records[1]);
	books_expect_tally(
	    api_servers(), EX_OK, NULL, (const char *const[9]){ "purge", "--dry-run" });
	assert_string_equal(api_sql("%s", left), "2 2 2");
	books_expect_tally(api_servers(), EX_OK, "embeddings", (const char *const[9]){ "purge" });
	assert_string_equal(api_sql("%s", left), "1 1 1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prompt_is_measured_with_its_record),
		cmocka_unit_test(the_text_is_kept_nowhere),
		cmocka_unit_test(a_prompt_without_a_record_is_measured_and_not_kept),
		cmocka_unit_test(the_same_beginning_uncached_is_noticed),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(purge_removes_prompts_with_their_records),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
