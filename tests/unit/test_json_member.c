#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "lib/json_read.h"

static struct text
as_text(const char *at)
{
	return (struct text){ .at = at, .len = strlen(at) };
}

struct some {
	const char *name;
	int64_t count;
};

static const struct json_field fields[] = {
	{ .name = "name",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct some, name),
	    .given = JSON_ALWAYS,
	    .max = 10 },
	{ .name = "count",
	    .type = JSON_INT,
	    .offset = offsetof(struct some, count),
	    .given = JSON_ALWAYS,
	    .max = 10 },
};

static const struct {
	const char *sentence;
	const char *body;
	enum err_code code;
} bodies[] = {
	{ "what the table knows is read", "{\"name\":\"a\",\"count\":3}", ERR_NONE },
	{ "what it does not know is skipped", "{\"x\":{\"y\":[1,{\"z\":null}]},\"count\":3}",
	    ERR_NONE },
	{ "also an escape that no text may hold", "{\"x\":\"\\u0000\",\"\\u0000\":1}", ERR_NONE },
	{ "a bad value of a known field is named", "{\"count\":11}", ERR_INVALID },
	{ "a known field twice is refused", "{\"count\":1,\"count\":1}", ERR_INVALID },
	{ "an array is refused", "[]", ERR_SYNTAX },
	{ "what does not end is refused", "{\"x\":{", ERR_SYNTAX },
	{ "what is broken inside is refused", "{\"x\":{\"y\":tru}}", ERR_SYNTAX },
	{ "nothing is refused", "", ERR_SYNTAX },
};

static void
test_read_some(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct some some = { 0 };
		struct task task;
		bool ok;

		task_init(&task, arena);
		ok = json_read_some(&task, as_text(bodies[i].body), fields, COUNT(fields), &some);
		if (ok != (bodies[i].code == ERR_NONE) || task.err.code != bodies[i].code)
			fail_msg("%s: %s", bodies[i].sentence, task.err.text);
	}
	arena_free(arena);
}

static void
test_members(void **state)
{
	static const char body[] =
	    " { \"a\" : 1 ,\"b\\u0020\\\"\":{\"x\":[\"}\",2]},\n\"\":\"}, \\\"\", \"c\":[ ] } ";
	static const char *const expected[][2] = { { "a", "1" }, { "b \"", "{\"x\":[\"}\",2]}" },
		{ "", "\"}, \\\"\"" }, { "c", "[ ]" } };
	struct json_items members = { .rest = as_text(body) };
	struct arena *arena = arena_new();
	struct text name, value;
	struct task task;
	size_t count = 0;

	(void)state;
	task_init(&task, arena);
	assert_true(json_read_some(&task, as_text(body), NULL, 0, NULL));
	while (json_next_member(&task, &members, &name, &value)) {
		assert_true(count < COUNT(expected));
		assert_string_equal(name.at, expected[count][0]);
		assert_int_equal(value.len, strlen(expected[count][1]));
		assert_memory_equal(value.at, expected[count][1], value.len);
		count++;
	}
	assert_int_equal(task.err.code, ERR_NONE);
	assert_int_equal(count, COUNT(expected));
	arena_free(arena);
}

static void
test_no_members(void **state)
{
	struct json_items members = { .rest = as_text(" { } ") };
	struct arena *arena = arena_new();
	struct text name, value;
	struct task task;

	(void)state;
	task_init(&task, arena);
	assert_false(json_next_member(&task, &members, &name, &value));
	assert_int_equal(task.err.code, ERR_NONE);
	arena_free(arena);
}

static void
test_bad_name(void **state)
{
	struct json_items members = { .rest = as_text("{\"a\":1,\"\\u0000\":2}") };
	struct arena *arena = arena_new();
	struct text name, value;
	struct task task;

	(void)state;
	task_init(&task, arena);
	assert_true(json_next_member(&task, &members, &name, &value));
	assert_false(json_next_member(&task, &members, &name, &value));
	assert_int_equal(task.err.code, ERR_SYNTAX);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_some),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_no_members),
		cmocka_unit_test(test_bad_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
