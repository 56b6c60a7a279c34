#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_read.h"

#define TEXT(literal) \
	{ \
		.at = (literal), .len = sizeof(literal) - 1 \
	}

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

/* Elements are shown with a bar between them; an error as "!". */
static const struct items {
	const char *sentence;
	const char *body;
	const char *shown;
} items[] = {
	{ "an empty array", " [ ] ", "" },
	{ "one element", "[1]", "1" },
	{ "white space is cut", "[ 1 ,\n{\"a\": 2} ]\n", "1|{\"a\": 2}" },
	{ "commas and brackets inside", "[[1,[2]],{\"a\":[3,4]},5]", "[1,[2]]|{\"a\":[3,4]}|5" },
	{ "commas, brackets and quotes in texts", "[\"],\\\"],\",\"\\\\\"]",
	    "\"],\\\"],\"|\"\\\\\"" },
	{ "elements that are no JSON", "[tru,}, \\]", "tru|}|\\" },
	{ "brackets that do not match", "[{]}]", "!" },
	{ "no array", "{}", "!" },
	{ "nothing", "", "!" },
	{ "an array that does not end", "[1", "!" },
	{ "an array that does not end behind a comma", "[1,", "1|!" },
	{ "a text that does not end", "[1,\"a]", "1|!" },
	{ "a backslash at the end", "[\"\\", "!" },
	{ "an element is missing", "[1,,2]", "1|!" },
	{ "the first element is missing", "[,1]", "!" },
	{ "the last element is missing", "[1,]", "1|!" },
	{ "no comma between numbers", "[1 2]", "!" },
	{ "no comma between objects", "[0,{}{}]", "0|!" },
	{ "no comma between texts", "[\"a\"\"b\"]", "!" },
	{ "something behind it", "[1]2", "1|!" },
	{ "something behind an empty one", "[]]", "!" },
};

static void
items_of_arrays_are_walked(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(items); i++) {
		size_t len = strlen(items[i].body);
		struct json_items walk = {
			.rest.at = arena_strndup(task->arena, items[i].body, len), .rest.len = len
		};
		struct buf shown = { .arena = task->arena };
		struct text item;

		task_clear_error(task);
		buf_puts(&shown, "");
		while (json_next_item(task, &walk, &item)) {
			buf_puts(&shown, shown.len > 0 ? "|" : "");
			buf_add(&shown, item.at, item.len);
		}
		if (task->err.code != ERR_NONE) {
			assert_int_equal(task->err.code, ERR_SYNTAX);
			buf_puts(&shown, shown.len > 0 ? "|!" : "!");
		} else {
			assert_false(json_next_item(task, &walk, &item));
		}
		if (strcmp(shown.at, items[i].shown) != 0)
			fail_msg("%s: %s", items[i].sentence, shown.at);
	}
}

/* Members are shown as name=value with a bar between them. */
static const struct items members[] = {
	{ "an empty object", " { } ", "" },
	{ "one member", "{\"a\":1}", "a=1" },
	{ "white space is cut", "{ \"a\" : 1 ,\n\"b\"\t: {\"c\": 2} }\n", "a=1|b={\"c\": 2}" },
	{ "brackets and commas inside", "{\"a\":[1,{\"b\":2}],\"c\":\"}\\\",\"}",
	    "a=[1,{\"b\":2}]|c=\"}\\\",\"" },
	{ "escapes in names", "{\"a\\u0062\\\"\":null}", "ab\"=null" },
	{ "an empty name", "{\"\":\"\"}", "=\"\"" },
	{ "a name twice", "{\"a\":1,\"a\":2}", "a=1|a=2" },
};

static void
members_of_objects_are_walked(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(members); i++) {
		size_t len = strlen(members[i].body);
		struct text body = { arena_strndup(task->arena, members[i].body, len), len };
		struct json_items walk = { .rest = body };
		struct buf shown = { .arena = task->arena };
		struct text name, value;

		if (!json_read_some(task, body, NULL, 0, NULL))
			fail_msg("%s: %s", members[i].sentence, task->err.text);
		buf_puts(&shown, "");
		while (json_next_member(task, &walk, &name, &value)) {
			buf_puts(&shown, shown.len > 0 ? "|" : "");
			buf_add(&shown, name.at, name.len);
			buf_putc(&shown, '=');
			buf_add(&shown, value.at, value.len);
		}
		assert_int_equal(task->err.code, ERR_NONE);
		if (strcmp(shown.at, members[i].shown) != 0)
			fail_msg("%s: %s", members[i].sentence, shown.at);
	}
}

static void
a_name_that_is_no_text_ends_the_walk(void **state)
{
	static const struct text body = TEXT("{\"a\":1,\"\\ud800\":2,\"c\":3}");
	struct json_items walk = { .rest = body };
	struct task *task = *state;
	struct text name, value;

	assert_true(json_read_some(task, body, NULL, 0, NULL));
	assert_true(json_next_member(task, &walk, &name, &value));
	assert_false(json_next_member(task, &walk, &name, &value));
	assert_int_equal(task->err.code, ERR_SYNTAX);
}

static void
arrays_are_known_by_their_first_character(void **state)
{
	(void)state;
	assert_true(json_is_array((struct text)TEXT(" \t\r\n[")));
	assert_false(json_is_array((struct text)TEXT("{\"a\":[]}")));
	assert_false(json_is_array((struct text)TEXT("  ")));
	assert_false(json_is_array((struct text)TEXT("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(items_of_arrays_are_walked, setup, teardown),
		cmocka_unit_test_setup_teardown(members_of_objects_are_walked, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_name_that_is_no_text_ends_the_walk, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    arrays_are_known_by_their_first_character, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
