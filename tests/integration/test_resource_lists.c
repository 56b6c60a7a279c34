/* What follows from the table of a resource, for every resource there is: its list. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/rest.h"
#include "tests/api.h"
#include "tests/sample.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

static const char *
id_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

#define ROWS 5

/* Counts the rows of the page under their ids. */
static void
count_rows(const char *const *ids, int *seen)
{
	for (int row = 0; row < api_rows(); row++)
		for (int i = 0; i < ROWS; i++)
			seen[i] += strcmp(api_json(api_text("data.%d.id", row)), ids[i]) == 0;
}

/* Each row once, though others come between the pages. */
static void
pages_are_stable_under_inserts(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *ids[ROWS], *next = "";
		int seen[ROWS] = { 0 };

		sample_use_key(*at);
		for (int i = 0; i < ROWS; i++)
			ids[i] = id_of(sample_add(*at));
		while (strcmp(next, "null") != 0) {
			api_expect(200, "GET",
			    api_text("%s?limit=2%s%s", sample_path(*at),
				next[0] == '\0' ? "" : "&cursor=", next),
			    NULL);
			next = api_keep("next_cursor");
			count_rows(ids, seen);
			(void)sample_add(*at);
		}
		for (int i = 0; i < ROWS; i++)
			assert_int_equal(seen[i], 1);
	}
}

/* Whether a row of the page has the id; all have the value. */
static bool
finds(const char *id, const char *name, const char *value)
{
	bool found = false;

	for (int row = 0; row < api_rows(); row++) {
		api_expect_json(api_text("data.%d.%s", row, name), value);
		found = found || strcmp(api_json(api_text("data.%d.id", row)), id) == 0;
	}
	return found;
}

static void
a_filter_finds_what_has_the_value(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		sample_use_key(*at);
		for (size_t i = 0; i < (*at)->count; i++) {
			const struct resource_field *field = &(*at)->fields[i];
			const char *path, *value;

			/* What is not shown compares in a way of its own. */
			if (!sample_is_parameter(field) || field->use & RESOURCE_UNSHOWN ||
			    (field->use & RESOURCE_ADD && sample_leaves_out(*at, field)))
				continue;
			path = sample_add(*at);
			value = api_keep(field->json.name);
			api_expect(200, "GET",
			    api_text("%s?%s=%s", sample_path(*at), field->json.name, value), NULL);
			assert_true(finds(id_of(path), field->json.name, value));
		}
	}
}

/* Equality that cannot be is no mistake of who asks: nothing is found. A choice that is none is. */
static void
a_value_that_no_row_can_have_finds_nothing(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		sample_use_key(*at);
		(void)sample_add(*at);
		for (size_t i = 0; i < (*at)->count; i++) {
			const struct resource_field *field = &(*at)->fields[i];
			const char *url = api_text("%s?%s=", sample_path(*at), field->json.name);

			if (!sample_is_parameter(field))
				continue;
			if (field->json.type == JSON_CHOICE) {
				api_expect(422, "GET", api_text("%sno-such", url), NULL);
				continue;
			}
			if (field->json.type == JSON_ID) {
				api_expect(422, "GET", api_text("%sx", url), NULL);
				api_expect(200, "GET", api_text("%s%s", url, UNKNOWN), NULL);
				assert_int_equal(api_rows(), 0);
				continue;
			}
			if (field->json.type != JSON_TEXT)
				continue;
			api_expect(200, "GET", url, NULL);
			assert_int_equal(api_rows(), 0);
			api_expect(
			    200, "GET", api_text("%s%0*d", url, (int)field->json.max + 1, 1), NULL);
			assert_int_equal(api_rows(), 0);
		}
	}
}

#define ADDERS 2
#define ADDED_EACH 4 /* fewer than a client may have of any */

/* Adds rows of its own while pages are read. */
struct adder {
	pthread_t thread;
	const char *path;
	const char *bodies[ADDED_EACH];
	int added;
};

static void *
add_in_thread(void *argument)
{
	struct adder *adder = argument;

	for (int i = 0; i < ADDED_EACH; i++) {
		struct http_answer answer = api_call("POST", adder->path, NULL, adder->bodies[i]);

		adder->added += answer.status == 201;
		http_free(&answer);
	}
	return NULL;
}

#define SEEN_MAX 2000

/* Every page from the first to the last; their ids, *ret_count of them. */
static const char **
read_pages(const struct resource *resource, size_t *ret_count)
{
	static const char *seen[SEEN_MAX];
	const char *next = "";

	*ret_count = 0;
	while (strcmp(next, "null") != 0) {
		api_expect(200, "GET",
		    api_text("%s?limit=2%s%s", sample_path(resource),
			next[0] == '\0' ? "" : "&cursor=", next),
		    NULL);
		next = api_keep("next_cursor");
		for (int row = 0; row < api_rows(); row++) {
			assert_true(*ret_count < SEEN_MAX);
			seen[(*ret_count)++] = api_keep(api_text("data.%d.id", row));
		}
	}
	return seen;
}

static int
times(const char *id, const char *const *seen, size_t count)
{
	int found = 0;

	for (size_t i = 0; i < count; i++)
		found += strcmp(seen[i], id) == 0;
	return found;
}

/* No row twice, and none missing that was there when the first page was read. */
static void
pages_are_whole_while_others_add(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		struct adder adders[ADDERS] = { 0 };
		const char *ids[ROWS], **seen;
		size_t count;

		sample_use_key(*at);
		for (int i = 0; i < ROWS; i++)
			ids[i] = id_of(sample_add(*at));
		for (int i = 0; i < ADDERS; i++) {
			adders[i].path = sample_path(*at);
			for (int j = 0; j < ADDED_EACH; j++)
				adders[i].bodies[j] = sample_body(*at, NULL, NULL);
			assert_int_equal(
			    pthread_create(&adders[i].thread, NULL, add_in_thread, &adders[i]), 0);
		}
		seen = read_pages(*at, &count);
		for (int i = 0; i < ADDERS; i++) {
			assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
			assert_int_equal(adders[i].added, ADDED_EACH);
		}
		for (int i = 0; i < ROWS; i++)
			assert_int_equal(times(ids[i], seen, count), 1);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(times(seen[i], seen, count), 1);
	}
}

static const struct {
	const char *sentence;
	const char *query;
	const char *field;
} bad_queries[] = {
	{ "a parameter that is not known", "no_such=1", "no_such" },
	{ "a page of none", "limit=0", "limit" },
	{ "a page of too many", "limit=501", "limit" },
	{ "a page of no number", "limit=x", "limit" },
	{ "a page twice", "limit=1&limit=2", "limit" },
	{ "a cursor that no page gave", "cursor=x", "cursor" },
	{ "an empty cursor", "cursor=", "cursor" },
};

static void
a_bad_query_is_refused_by_name(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		sample_use_key(*at);
		for (size_t i = 0; i < COUNT(bad_queries); i++) {
			api_send("GET", api_text("%s?%s", sample_path(*at), bad_queries[i].query),
			    NULL, NULL);
			api_expect_field(api_text("%s: %s", (*at)->table, bad_queries[i].sentence),
			    bad_queries[i].field);
		}
		api_expect((*at)->soft && !(*at)->final ? 200 : 422, "GET",
		    api_text("%s?deleted=true", sample_path(*at)), NULL);
		for (size_t i = 0; i < (*at)->count; i++) {
			const char *name = (*at)->fields[i].json.name;

			if (sample_is_parameter(&(*at)->fields[i]))
				continue;
			api_send("GET", api_text("%s?%s=1", sample_path(*at), name), NULL, NULL);
			api_expect_field((*at)->table, name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_stable_under_inserts),
		cmocka_unit_test(pages_are_whole_while_others_add),
		cmocka_unit_test(a_filter_finds_what_has_the_value),
		cmocka_unit_test(a_value_that_no_row_can_have_finds_nothing),
		cmocka_unit_test(a_bad_query_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
