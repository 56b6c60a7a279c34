/* Query parameters and bodies by a route's tables. */
#include "tests/test.h"

#include <string.h>

#include "app/router.h"

struct input {
	const char *name;
	int64_t limit;
	bool limit_given;
	bool all;
	struct json_texts tags;
};

static const struct json_field fields[] = {
	{ .name = "name",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct input, name),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .min = 1,
	    .max = 10 },
	{ .name = "limit",
	    .type = JSON_INT,
	    .offset = offsetof(struct input, limit),
	    .given = offsetof(struct input, limit_given),
	    .min = 1,
	    .max = 500 },
	{ .name = "all",
	    .type = JSON_BOOL,
	    .offset = offsetof(struct input, all),
	    .given = JSON_ALWAYS },
	{ .name = "tags",
	    .type = JSON_TEXTS,
	    .offset = offsetof(struct input, tags),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = 3,
	    .max_item = 3 },
};

static const struct route route = {
	.query = fields,
	.query_count = COUNT(fields),
	.body = fields,
	.body_count = COUNT(fields),
};

#define TAGS(...) \
	.tags = { (const char *const[]){ __VA_ARGS__ }, COUNT(((const char *[]){ __VA_ARGS__ })) }

static const struct query {
	const char *sentence;
	const char *query; /* NULL: no question mark */
	enum err_code code;
	const char *bad; /* names of the bad fields, with a bar behind each */
	struct input input; /* where code is ERR_NONE */
} queries[] = {
	{ "what is required", "name=ann", ERR_NONE, "", { .name = "ann" } },
	{ "all of it", "name=ann&limit=7&all=true", ERR_NONE, "",
	    { .name = "ann", .limit = 7, .limit_given = true, .all = true } },
	{ "escapes and plus", "na%6De=a+b%26", ERR_NONE, "", { .name = "a b&" } },
	{ "empty parts between", "&name=ann&&", ERR_NONE, "", { .name = "ann" } },
	{ "a second equals sign is of the value", "name=a=b", ERR_NONE, "", { .name = "a=b" } },
	{ "a list with commas", "name=a&tags=x,y", ERR_NONE, "", { .name = "a", TAGS("x", "y") } },
	{ "a list in parts", "tags=x&name=a&tags=y,z", ERR_NONE, "",
	    { .name = "a", TAGS("x", "y", "z") } },
	{ "a list as PHP has it", "name=a&tags%5B%5D=x&tags[]=y", ERR_NONE, "",
	    { .name = "a", TAGS("x", "y") } },
	{ "a list that is too long", "name=a&tags=x,y&tags=z,a", ERR_INVALID, "tags|", { 0 } },
	{ "a bad part of a list", "name=a&tags=x&tags=long", ERR_INVALID, "tags|", { 0 } },
	{ "an empty part of a list", "name=a&tags=x&tags=", ERR_INVALID, "tags|", { 0 } },
	{ "a list without a value", "name=a&tags&tags=", ERR_INVALID, "tags|", { 0 } },
	{ "brackets behind what is no list", "name=a&limit[]=1", ERR_INVALID, "limit[]|", { 0 } },
	{ "a name between brackets", "name=a&tags[x]=1", ERR_INVALID, "tags[x]|", { 0 } },
	{ "nothing", NULL, ERR_INVALID, "name|", { 0 } },
	{ "an empty query", "", ERR_INVALID, "name|", { 0 } },
	{ "a name without a value", "name", ERR_INVALID, "name|", { 0 } },
	{ "an unknown one", "name=a&nome=b", ERR_INVALID, "nome|", { 0 } },
	{ "an unknown one without a name", "name=a&=b", ERR_INVALID, "|", { 0 } },
	{ "capitals make another name", "name=a&Limit=1", ERR_INVALID, "Limit|", { 0 } },
	{ "one that is repeated", "name=a&name=a", ERR_INVALID, "name|", { 0 } },
	{ "every bad one is named", "limit=0&all=yes&x=1", ERR_INVALID, "limit|all|x|name|",
	    { 0 } },
	{ "a broken escape", "name=%4", ERR_SYNTAX, "", { 0 } },
	{ "a broken escape in a name", "na%zz=1", ERR_SYNTAX, "", { 0 } },
	{ "not UTF-8", "name=%ff", ERR_SYNTAX, "", { 0 } },
	{ "NUL", "name=a%00", ERR_SYNTAX, "", { 0 } },
	{ "a name that is too long to show",
	    "name=a&xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    ERR_INVALID, "...|", { 0 } },
};

static const char *
join_bad(const struct err *err, struct arena *arena)
{
	struct buf all = { .arena = arena };

	buf_puts(&all, "");
	for (size_t i = 0; i < err->field_count; i++)
		buf_printf(&all, "%s|", err->fields[i].field);
	return all.at;
}

static bool
same_tags(const struct json_texts *a, const struct json_texts *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = strcmp(a->at[i], b->at[i]) == 0;
	return same;
}

static void
check(const struct query *row, struct arena *arena)
{
	struct task task;
	struct request req = { .task = &task, .route = &route };
	struct input input = { 0 };

	task_init(&task, arena);
	if (row->query != NULL)
		req.query = (struct text){ row->query, strlen(row->query) };
	bool good = request_read_query(&req, &input);
	if (good != (row->code == ERR_NONE) || task.err.code != row->code)
		fail_msg("%s: %s", row->sentence, err_name(task.err.code));
	if (strcmp(join_bad(&task.err, arena), row->bad) != 0)
		fail_msg("%s: %s", row->sentence, join_bad(&task.err, arena));
	if (good && (strcmp(input.name, row->input.name) != 0 || input.limit != row->input.limit ||
			input.limit_given != row->input.limit_given ||
			input.all != row->input.all || !same_tags(&input.tags, &row->input.tags)))
		fail_msg("%s: values", row->sentence);
}

static void
test_query(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(queries); i++)
		check(&queries[i], arena);
	arena_free(arena);
}

static void
test_a_route_without_parameters_takes_none(void **state)
{
	static const struct route bare = { .path = "/" };
	struct arena *arena = arena_new();
	struct task task;
	struct request req = { .task = &task, .route = &bare, .query = { "x=1", 3 } };

	(void)state;
	task_init(&task, arena);
	assert_false(request_read_query(&req, NULL));
	assert_string_equal(task.err.fields[0].field, "x");
	arena_free(arena);
}

static void
test_body_must_be_json(void **state)
{
	struct arena *arena = arena_new();
	struct task task;
	struct input input = { 0 };
	struct request req = { .task = &task,
		.route = &route,
		.content_type = "text/plain",
		.body = { "{\"name\":\"ann\"}", 14 } };

	(void)state;
	task_init(&task, arena);
	assert_false(request_read_body(&req, &input));
	assert_int_equal(task.err.code, ERR_MEDIA_TYPE);
	task_clear_error(&task);
	req.content_type = "application/json";
	assert_true(request_read_body(&req, &input));
	assert_string_equal(input.name, "ann");
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_a_route_without_parameters_takes_none),
		cmocka_unit_test(test_body_must_be_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
