/* Objects with fields of their own, arrays of numbers, and null where it is told apart. */
#include "tests/test.h"

#include <string.h>

#include "lib/json_write.h"
#include "tests/unit/json_record.h"

struct holder {
	int64_t limit;
	bool has_limit, no_limit;
	int64_t amount;
	const char *note;
	bool has_group, no_group;
	struct json_ints ints;
	struct json_reals reals;
	int64_t share;
};

#define HOLDER(member) offsetof(struct holder, member)

static const struct json_field inside[] = {
	{ "amount", JSON_INT, .offset = HOLDER(amount), .required = true, .min = 1, .max = 9 },
	{ "note", JSON_TEXT, .offset = HOLDER(note), .max = 3 },
};

static const struct json_field holder_fields[] = {
	{ "limit", JSON_INT, .offset = HOLDER(limit), .given = HOLDER(has_limit),
	    .nulled = HOLDER(no_limit), .max = 9 },
	{ "group", JSON_GROUP, .given = HOLDER(has_group), .nulled = HOLDER(no_group),
	    .inside = inside, .inside_count = COUNT(inside) },
	{ "ints", JSON_INTS, .offset = HOLDER(ints), .min = 1, .max = 3, .max_item = 100 },
	{ "reals", JSON_REALS, .offset = HOLDER(reals), .min = 1, .max = 3 },
	{ "share", JSON_MILLIONTHS, .offset = HOLDER(share), .min = 0, .max = 1000000 },
};

static bool
read(struct task *task, const char *body, struct holder *ret)
{
	task_clear_error(task);
	return json_read(
	    task, (struct text){ body, strlen(body) }, holder_fields, COUNT(holder_fields), ret);
}

static void
a_group_is_read_into_the_same_struct(void **state)
{
	struct holder holder = { 0 };

	assert_true(read(*state,
	    "{\"group\": { \"note\":\"\\u00e9\" , \"amount\":7 } ,\"ints\":[100,1,2e1],\"limit\":3}",
	    &holder));
	assert_int_equal(holder.amount, 7);
	assert_string_equal(holder.note, "\xc3\xa9");
	assert_true(holder.has_group);
	assert_int_equal(holder.limit, 3);
	assert_int_equal(holder.ints.count, 3);
	assert_int_equal(holder.ints.at[0], 100);
	assert_int_equal(holder.ints.at[1], 1);
	assert_int_equal(holder.ints.at[2], 20);
}

static void
null_is_told_where_the_table_asks(void **state)
{
	struct holder holder = { .limit = 5, .amount = 6 };

	assert_true(read(*state, "{\"limit\":null,\"group\":null,\"ints\":null}", &holder));
	assert_true(holder.no_limit && holder.no_group);
	assert_false(holder.has_limit || holder.has_group);
	assert_int_equal(holder.limit, 5);
	assert_int_equal(holder.amount, 6);
	holder.no_limit = false;
	assert_true(read(*state, "{\"group\":{\"amount\":1,\"note\":null}}", &holder));
	assert_false(holder.no_limit);
	assert_null(holder.note);
}

static const struct refused {
	const char *sentence;
	const char *body;
	const char *field;
	const char *message;
} refused[] = {
	{ "a text for a group", "{\"group\":\"a\"}", "group", "must be an object" },
	{ "an array for a group", "{\"group\":[{\"amount\":1}]}", "group", "must be an object" },
	{ "a field inside is missing", "{\"group\":{}}", "group.amount", "is required" },
	{ "a field inside is not known", "{\"group\":{\"amount\":1,\"b\":{\"amount\":[2]}}}",
	    "group.b", "is not a known field" },
	{ "a field of the outside inside", "{\"group\":{\"amount\":1,\"limit\":1}}", "group.limit",
	    "is not a known field" },
	{ "a value inside is out of range", "{\"group\":{\"amount\":10}}", "group.amount",
	    "must be from 1 to 9" },
	{ "a value inside is of another type", "{\"group\":{\"amount\":\"1\"}}", "group.amount",
	    "must be a whole number" },
	{ "a field inside twice", "{\"group\":{\"amount\":1,\"amount\":1}}", "group.amount",
	    "is given more than once" },
	{ "NUL inside", "{\"group\":{\"amount\":1,\"note\":\"\\u0000\"}}", "group.note",
	    "must not hold \\u0000 or half of a surrogate pair" },
	{ "NUL in a name inside", "{\"group\":{\"amount\":1,\"\\u0000\":1}}", "group.?",
	    "is not a known field" },
	{ "a group twice", "{\"group\":{\"amount\":1},\"group\":{\"amount\":2}}", "group",
	    "is given more than once" },

	{ "a number for an array", "{\"ints\":1}", "ints", "must be an array of whole numbers" },
	{ "an object for an array", "{\"ints\":{\"a\":1}}", "ints",
	    "must be an array of whole numbers" },
	{ "a text in an array of numbers", "{\"ints\":[\"1\"]}", "ints",
	    "must be an array of whole numbers" },
	{ "null in an array of numbers", "{\"ints\":[1,null]}", "ints",
	    "must be an array of whole numbers" },
	{ "true in an array of numbers", "{\"ints\":[true]}", "ints",
	    "must be an array of whole numbers" },
	{ "an array in an array of numbers", "{\"ints\":[[1]]}", "ints",
	    "must be an array of whole numbers" },
	{ "an object in an array of numbers", "{\"ints\":[{\"a\":1}]}", "ints",
	    "must be an array of whole numbers" },
	{ "a fraction in an array of numbers", "{\"ints\":[1.5]}", "ints",
	    "must be an array of whole numbers" },
	{ "zero", "{\"ints\":[0]}", "ints", "each element must be from 1 to 100" },
	{ "a number that is too large", "{\"ints\":[101]}", "ints",
	    "each element must be from 1 to 100" },
	{ "a number that no int64_t holds", "{\"ints\":[1e30]}", "ints",
	    "each element must be from 1 to 100" },
	{ "a number for an array of reals", "{\"reals\":1}", "reals",
	    "must be an array of numbers" },
	{ "a text among reals", "{\"reals\":[\"1\"]}", "reals", "must be an array of numbers" },
	{ "null among reals", "{\"reals\":[1,null]}", "reals", "must be an array of numbers" },
	{ "true among reals", "{\"reals\":[true]}", "reals", "must be an array of numbers" },
	{ "an array among reals", "{\"reals\":[[1]]}", "reals", "must be an array of numbers" },
	{ "more than a float holds", "{\"reals\":[1,-3.5e38]}", "reals",
	    "each element must be a finite number in single precision" },
	{ "more than a double holds", "{\"reals\":[1e999]}", "reals",
	    "each element must be a finite number in single precision" },
	{ "no real", "{\"reals\":[]}", "reals", "must have at least 1 elements" },
	{ "too many reals", "{\"reals\":[1,2,3,4]}", "reals", "must have at most 3 elements" },
	{ "a share of seven decimals", "{\"share\":0.1234567}", "share",
	    "must be a number with at most 6 decimals" },
	{ "a share above one", "{\"share\":1.000001}", "share", "must be from 0 to 1" },
	{ "a text for a share", "{\"share\":\"1\"}", "share",
	    "must be a number with at most 6 decimals" },

	{ "no number", "{\"ints\":[]}", "ints", "must have at least 1 elements" },
	{ "too many numbers", "{\"ints\":[1,2,3,4]}", "ints", "must have at most 3 elements" },
};

static void
bad_groups_are_refused_by_their_fields(void **state)
{
	struct task *task = *state;
	const struct err *err = &task->err;

	for (size_t i = 0; i < COUNT(refused); i++) {
		struct holder holder = { 0 };

		if (read(task, refused[i].body, &holder) || err->code != ERR_INVALID ||
		    err->field_count != 1 || strcmp(err->fields[0].field, refused[i].field) != 0 ||
		    strcmp(err->fields[0].message, refused[i].message) != 0)
			fail_msg("%s: %s: %zu fields: %s %s", refused[i].sentence, err->text,
			    err->field_count, err->fields[0].field, err->fields[0].message);
	}
}

static void
bad_fields_inside_and_outside_are_named_at_once(void **state)
{
	struct task *task = *state;
	struct holder holder = { .limit = 5, .amount = 6 };

	assert_false(
	    read(task, "{\"limit\":10,\"group\":{\"note\":1},\"x\":1,\"ints\":[0]}", &holder));
	assert_int_equal(task->err.field_count, 5);
	assert_string_equal(task->err.fields[0].field, "limit");
	assert_string_equal(task->err.fields[1].field, "group.note");
	assert_string_equal(task->err.fields[2].field, "group.amount");
	assert_string_equal(task->err.fields[3].field, "x");
	assert_string_equal(task->err.fields[4].field, "ints");
	assert_int_equal(holder.amount, 6);
	assert_false(read(task, "{\"group\":{\"note\":1},", &holder));
	assert_int_equal(task->err.code, ERR_SYNTAX);
	assert_int_equal(task->err.field_count, 0);
}

static void
lenient_reading_is_lenient_inside(void **state)
{
	const char *body = "{\"x\":1,\"group\":{\"y\":[1],\"amount\":2}}";
	struct holder holder = { 0 };

	assert_true(json_read_some(*state, (struct text){ body, strlen(body) }, holder_fields,
	    COUNT(holder_fields), &holder));
	assert_int_equal(holder.amount, 2);
}

static void
numbers_come_as_text_too(void **state)
{
	struct task *task = *state;
	struct holder holder = { 0 };

	assert_true(json_read_value(task, &holder_fields[2], (struct text)TEXT("5,100"), &holder));
	assert_int_equal(holder.ints.count, 2);
	assert_int_equal(holder.ints.at[1], 100);
	assert_false(json_read_value(task, &holder_fields[2], (struct text)TEXT("5,"), &holder));
	assert_string_equal(task->err.fields[0].message, "must be an array of whole numbers");
	task_clear_error(task);
	assert_false(json_read_value(task, &holder_fields[1], (struct text)TEXT("{}"), &holder));
	assert_string_equal(task->err.fields[0].message, "must be an object");
}

static void
numbers_are_written(void **state)
{
	static const int64_t ints[] = { 1, INT64_MAX };
	struct task *task = *state;
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	json_ints(out, "some", (struct json_ints){ ints, COUNT(ints) });
	json_ints(out, "none", (struct json_ints){ 0 });
	json_close(out);
	assert_string_equal(buf.at, "{\"some\":[1,9223372036854775807],\"none\":[]}");
}

static void
reals_are_read_as_floats(void **state)
{
	struct holder holder = { 0 };

	assert_true(read(*state, "{\"reals\":[ -0.1,3.4e38 , 1E-60],\"share\":0.950001}", &holder));
	assert_int_equal(holder.reals.count, 3);
	assert_true(holder.reals.at[0] == -0.1F);
	assert_true(holder.reals.at[1] == 3.4e38F);
	assert_true(holder.reals.at[2] == 0.0F);
	assert_int_equal(holder.share, 950001);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_group_is_read_into_the_same_struct),
		TEST(null_is_told_where_the_table_asks),
		TEST(bad_groups_are_refused_by_their_fields),
		TEST(bad_fields_inside_and_outside_are_named_at_once),
		TEST(lenient_reading_is_lenient_inside),
		TEST(numbers_come_as_text_too),
		TEST(numbers_are_written),
		TEST(reals_are_read_as_floats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
