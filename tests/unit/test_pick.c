#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "app/ingest/pick.h"
#include "lib/buf.h"

static int
setup(void **state)
{
	struct task *task = calloc(1, sizeof(*task));

	task_init(task, arena_new());
	*state = task;
	return 0;
}

static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	free(task);
	return 0;
}

static const char *const paths[] = { "a", "b.c", "b.d.e", "b", "long.name" };

/* The members found, as they stand, with a bar between them. */
static const struct {
	const char *sentence;
	const char *object;
	const char *shown;
} rows[] = {
	{ "nothing", "{}", "||||" },
	{ "a member", "{\"a\":1}", "1||||" },
	{ "a text as it stands", "{\"a\":\"x\\n\"}", "\"x\\n\"||||" },
	{ "null is none", "{\"a\":null}", "||||" },
	{ "members of members", "{\"b\":{\"c\":2,\"d\":{\"e\":[3]}}}",
	    "|2|[3]|{\"c\":2,\"d\":{\"e\":[3]}}|" },
	{ "what stands beside them", "{\"x\":{\"a\":1},\"b\":{\"a\":1,\"c\":2,\"e\":3}}",
	    "|2||{\"a\":1,\"c\":2,\"e\":3}|" },
	{ "a member that is no object", "{\"b\":5}", "|||5|" },
	{ "an array instead of an object", "{\"b\":[{\"c\":1}]}", "|||[{\"c\":1}]|" },
	{ "of two the last", "{\"a\":1,\"a\":2}", "2||||" },
	{ "a name with a point is not a path", "{\"b.c\":1}", "||||" },
	{ "a name that begins alike", "{\"aa\":1,\"lo\":{\"name\":1},\"long\":{\"names\":1}}",
	    "||||" },
	{ "an escaped name", "{\"\\u0061\":1}", "1||||" },
	{ "white space", " { \"a\" : 1 , \"long\" : { \"name\" : 2 } } ", "1||||2" },
};

static void
members_are_found_by_their_paths(void **state)
{
	struct task *task = *state;
	struct text found[COUNT(paths)];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text object = { rows[i].object, strlen(rows[i].object) };
		struct buf shown = { .arena = task->arena };

		assert_true(json_read_some(task, object, NULL, 0, NULL));
		assert_true(pick_members(task, object, paths, COUNT(paths), found));
		for (size_t j = 0; j < COUNT(paths); j++)
			buf_printf(&shown, "%s%.*s", j > 0 ? "|" : "", (int)found[j].len,
			    found[j].at ? found[j].at : "");
		if (strcmp(shown.at, rows[i].shown) != 0)
			fail_msg("%s: %s", rows[i].sentence, shown.at);
	}
}

static void
a_name_that_is_no_text_is_refused(void **state)
{
	static const char object[] = "{\"\\u0000\":1}";
	struct task *task = *state;
	struct text found[COUNT(paths)];

	assert_false(pick_members(
	    task, (struct text){ object, strlen(object) }, paths, COUNT(paths), found));
	assert_int_equal(task->err.code, ERR_SYNTAX);
}

static const struct {
	const char *json;
	const char *plain; /* NULL: none */
} plain[] = {
	{ "\"a\"", "a" },
	{ "\"\"", "" },
	{ "\"\\u00e4\\n\"", "\303\244\n" },
	{ "1.50", "1.50" },
	{ "true", "true" },
	{ "\"\\u0000\"", NULL },
	{ "\"\\ud800\"", NULL },
	{ "{}", NULL },
	{ "[1]", NULL },
	{ "", NULL },
};

static void
plain_values_lose_their_quotes(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(plain); i++) {
		struct text found =
		    pick_plain(task, (struct text){ plain[i].json, strlen(plain[i].json) });
		bool same = plain[i].plain == NULL
				? found.at == NULL
				: found.at != NULL && found.len == strlen(plain[i].plain) &&
				      memcmp(found.at, plain[i].plain, found.len) == 0;

		if (!same)
			fail_msg("%s", plain[i].json);
		assert_int_equal(task->err.code, ERR_NONE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(members_are_found_by_their_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_is_no_text_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(plain_values_lose_their_quotes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
