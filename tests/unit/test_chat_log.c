#include "tests/test.h"

#include "lib/model/chat_log.h"

#include <string.h>

static int
make_arena(void **state)
{
	*state = arena_new();
	return 0;
}

static int
free_arena(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct {
	const char *sentence;
	int64_t requests, failed, rate;
} rates[] = {
	{ "no call has no rate", 0, 0, -1 },
	{ "all good is 100 percent", 7, 0, 10000 },
	{ "all failed is 0", 7, 7, 0 },
	{ "one of two is 50", 2, 1, 5000 },
	{ "two of three is 66.67, rounded up", 3, 1, 6667 },
	{ "one of three is 33.33, rounded down", 3, 2, 3333 },
	{ "half a hundredth is rounded up", 20000, 19999, 1 },
	{ "less than half a hundredth is 0", 20001, 20000, 0 },
	{ "the largest count does not overflow", INT64_MAX / 20001, 0, 10000 },
};

static void
the_success_rate_is_exact(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rates); i++)
		if (chat_log_success_rate(rates[i].requests, rates[i].failed) != rates[i].rate)
			fail_msg("%s", rates[i].sentence);
}

static const struct {
	const char *sentence;
	int64_t usec;
	const char *id;
} first_ids[] = {
	{ "1970 has the least id, which is not nil", 0, "00000000-0000-7000-8000-000000000000" },
	{ "a time before 1970 is 1970", -5, "00000000-0000-7000-8000-000000000000" },
	{ "a whole millisecond is itself", 1000, "00000000-0001-7000-8000-000000000000" },
	{ "a microsecond later begins the next", 1001, "00000000-0002-7000-8000-000000000000" },
	{ "a microsecond earlier is in it", 999, "00000000-0001-7000-8000-000000000000" },
	{ "a day of our time", INT64_C(1700000000000000), "018bcfe5-6800-7000-8000-000000000000" },
	{ "what 48 bits do not hold is their end", INT64_MAX,
	    "ffffffff-ffff-7000-8000-000000000000" },
};

static void
the_first_id_of_a_time(UNUSED void **state)
{
	char text[ID_TEXT_SIZE];

	for (size_t i = 0; i < COUNT(first_ids); i++) {
		id_format(chat_log_first_id(first_ids[i].usec), text);
		if (strcmp(text, first_ids[i].id) != 0)
			fail_msg("%s: %s", first_ids[i].sentence, text);
	}
}

static void
a_new_id_is_at_or_after_the_first_of_its_time(UNUSED void **state)
{
	const int64_t usec = INT64_C(1700000000123000);
	struct id id = id_new(usec);

	assert_true(id_compare(chat_log_first_id(usec), id) < 0);
	assert_true(id_compare(id, chat_log_first_id(usec + 1000)) < 0);
}

/* A record of which nothing optional was given. */
static struct chat_log
bare_log(void)
{
	return (struct chat_log){
		.id = { { 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, 0x70, 0x00, 0x80 } },
		.created_at = INT64_C(1700000000000000),
		.received_at = INT64_C(1700000001000000),
		.input_tokens = CHAT_LOG_NONE,
		.output_tokens = CHAT_LOG_NONE,
		.cached_input_tokens = CHAT_LOG_NONE,
		.cache_write_tokens = CHAT_LOG_NONE,
		.reasoning_tokens = CHAT_LOG_NONE,
		.tokens_used = CHAT_LOG_NONE,
		.message_length = CHAT_LOG_NONE,
		.response_length = CHAT_LOG_NONE,
		.estimated_cost_nanos = CHAT_LOG_NONE,
		.verified_cost_nanos = CHAT_LOG_NONE,
		.duration_ms = CHAT_LOG_NONE,
		.success = true,
	};
}

static const char *
csv(struct arena *arena, const struct chat_log *log)
{
	struct buf buf = { .arena = arena };

	chat_log_csv_row(&buf, log);
	return buf.at;
}

static void
what_was_not_given_is_empty_in_csv(void **state)
{
	struct chat_log log = bare_log();

	assert_string_equal(csv(*state, &log),
	    "018bcfe5-6800-7000-8000-000000000000,2023-11-14T22:13:20Z,2023-11-14T22:13:21Z"
	    ",,,,,,,,,,,,,,,,,,,,,,,,,,,false,,,true,,,\r\n");
}

static void
the_csv_head_names_each_column(void **state)
{
	struct buf head = { .arena = *state };
	struct chat_log log = bare_log();
	const char *row = csv(*state, &log);
	int commas = 0;

	chat_log_csv_head(&head);
	for (const char *c = head.at; *c != '\0'; c++)
		commas += *c == ',';
	for (const char *c = row; *c != '\0'; c++)
		commas -= *c == ',';
	assert_int_equal(commas, 0);
	assert_memory_equal(head.at, "id,created_at,", 14);
	assert_string_equal(head.at + head.len - strlen(",metadata\r\n"), ",metadata\r\n");
}

static const struct {
	const char *sentence;
	const char *text;
	const char *field;
} csv_texts[] = {
	{ "plain text stands as it is", "chat", ",chat," },
	{ "blanks need no quotes", " two words ", ", two words ," },
	{ "a comma is quoted", "a,b", ",\"a,b\"," },
	{ "a quote is quoted and doubled", "say \"hi\"", ",\"say \"\"hi\"\"\"," },
	{ "a line feed is quoted", "a\nb", ",\"a\nb\"," },
	{ "a carriage return is quoted", "a\rb", ",\"a\rb\"," },
	{ "letters beyond ASCII stand as they are", "\xc3\xa9", ",\xc3\xa9," },
};

static void
csv_is_quoted_by_rfc_4180(void **state)
{
	struct chat_log log = bare_log();

	for (size_t i = 0; i < COUNT(csv_texts); i++) {
		log.feature = csv_texts[i].text;
		if (strstr(csv(*state, &log), csv_texts[i].field) == NULL)
			fail_msg("%s: %s", csv_texts[i].sentence, csv(*state, &log));
	}
}

static void
lists_and_objects_are_json_in_csv(void **state)
{
	const char *const tags[] = { "a,b", "c" };
	struct chat_log log = bare_log();

	log.tags = (struct json_texts){ tags, 2 };
	log.metadata = (struct text){ "{\"a\": 1}", 8 };
	assert_non_null(strstr(
	    csv(*state, &log), ",\"[\"\"a,b\"\",\"\"c\"\"]\",true,,,\"{\"\"a\"\": 1}\"\r\n"));
}

static const char *
json(struct arena *arena, const struct chat_log *log)
{
	struct buf buf = { .arena = arena };

	chat_log_write(json_out_new(&buf), log);
	return buf.at;
}

static void
json_tells_missing_from_zero(void **state)
{
	struct chat_log log = bare_log();

	log.input_tokens = 0;
	log.estimated_cost_nanos = 0;
	assert_non_null(strstr(json(*state, &log), "\"input_tokens\":0,\"output_tokens\":null"));
	assert_non_null(
	    strstr(json(*state, &log), "\"estimated_cost_cents\":0,\"verified_cost_cents\":null"));
}

static void
money_is_exact_in_json(void **state)
{
	struct chat_log log = bare_log();

	log.estimated_cost_nanos = 1;
	log.verified_cost_nanos = INT64_C(123456789012345678);
	assert_non_null(strstr(json(*state, &log),
	    "\"estimated_cost_cents\":0.0000001,\"verified_cost_cents\":12345678901.2345678"));
}

static void
metadata_is_an_object_in_json(void **state)
{
	struct chat_log log = bare_log();

	log.metadata = (struct text){ "{\"a\": [1]}", 10 };
	assert_non_null(strstr(json(*state, &log), "\"metadata\":{\"a\": [1]}}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_success_rate_is_exact),
		cmocka_unit_test(the_first_id_of_a_time),
		cmocka_unit_test(a_new_id_is_at_or_after_the_first_of_its_time),
		cmocka_unit_test_setup_teardown(
		    what_was_not_given_is_empty_in_csv, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(
		    the_csv_head_names_each_column, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(csv_is_quoted_by_rfc_4180, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(
		    lists_and_objects_are_json_in_csv, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(
		    json_tells_missing_from_zero, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(money_is_exact_in_json, make_arena, free_arena),
		cmocka_unit_test_setup_teardown(
		    metadata_is_an_object_in_json, make_arena, free_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
