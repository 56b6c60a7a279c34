/* What follows from the table of a resource, for every resource there is: its rows, and whose they
 * are. */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/rest.h"
#include "tests/api.h"
#include "tests/sample.h"

static const char *
id_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static bool
has(const struct resource *resource, bool (*handle)(struct request *, struct reply *))
{
	return sample_route(resource, handle) != NULL;
}

static const char *
etag(void)
{
	const char *tag = http_header(api_answer(), "etag");

	assert_non_null(tag);
	return api_text("%s", tag);
}

static long
send_if(const char *method, const char *path, const char *tag, const char *body)
{
	const char *const headers[] = { api_text("If-Match: %s", tag), NULL };

	return api_send(method, path, headers, body);
}

/* A change, another one each time. */
static const char *
some_change(const struct resource *resource)
{
	for (size_t i = 0; i < resource->count; i++)
		if (resource->fields[i].use & RESOURCE_CHANGE &&
		    (resource->fields[i].json.type == JSON_TEXT ||
			sample_is_ids(&resource->fields[i])) &&
		    !(resource->fields[i].use & RESOURCE_SECRET))
			return api_text("{\"%s\":%s}", resource->fields[i].json.name,
			    sample_value(&resource->fields[i]));
	fail_msg("%s has no text that changes", resource->table);
	return NULL;
}

static void
the_etag_keeps_changes_apart(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path, *first, *second;

		sample_use_key(*at);
		path = sample_add(*at);
		first = etag();
		api_expect(200, "GET", path, NULL);
		assert_string_equal(etag(), first);
		if (!has(*at, rest_change))
			continue;
		assert_int_equal(send_if("PATCH", path, first, some_change(*at)), 200);
		second = etag();
		assert_string_not_equal(second, first);
		assert_int_equal(send_if("PATCH", path, first, some_change(*at)), 412);
		api_expect(200, "GET", path, NULL);
		assert_string_equal(etag(), second);
		assert_int_equal(send_if("PATCH", path, "*", some_change(*at)), 200);
		if (!has(*at, rest_remove))
			continue;
		second = etag();
		assert_int_equal(send_if("DELETE", path, first, NULL), 412);
		assert_int_equal(send_if("DELETE", path, second, NULL), 204);
		assert_int_equal(send_if("PATCH", path, "*", some_change(*at)), 404);
	}
}

/* Clients read what operators write. */
static bool
is_shared(const struct resource *resource)
{
	return resource->of_operator && sample_route(resource, rest_find)->operators;
}

/* An object without its times: what must be as it was. */
static const char *
row_of(const struct resource *resource, const char *id)
{
	return api_sql("SELECT to_jsonb(t) FROM %s AS t WHERE id = '%s'", resource->table, id);
}

static void
no_other_tenant_finds_or_changes_one(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const long refused = (*at)->of_operator ? 403 : 404;
		const char *path, *before;

		sample_use_key(*at);
		path = sample_add(*at);
		before = row_of(*at, id_of(path));
		api_use_new_client(api_text("other-than-of-%s", (*at)->table));
		api_expect(is_shared(*at) ? 200 : refused, "GET", path, NULL);
		if (has(*at, rest_change))
			api_expect(refused, "PATCH", path, some_change(*at));
		if (has(*at, rest_remove))
			api_expect(refused, "DELETE", path, NULL);
		if (has(*at, rest_restore))
			api_expect(refused, "POST", api_text("%s/restore", path), NULL);
		api_send("GET", sample_path(*at), NULL, NULL);
		assert_int_equal(strstr(api_answer()->body, id_of(path)) != NULL, is_shared(*at));
		assert_string_equal(row_of(*at, id_of(path)), before);
	}
}

static void
a_key_without_the_scope_is_refused(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path, *list, *body;

		sample_use_key(*at);
		path = sample_add(*at);
		list = sample_path(*at);
		body = sample_body(*at, NULL, NULL);
		if ((*at)->of_operator)
			api_use_new_client(api_text("no-operator-of-%s", (*at)->table));
		api_use_scope("analytics");
		api_expect(403, "GET", path, NULL);
		api_expect(403, "GET", list, NULL);
		if (has(*at, rest_change))
			api_expect(403, "PATCH", path, "{}");
		api_expect(403, "POST", list, body);
		if (has(*at, rest_remove))
			api_expect(403, "DELETE", path, NULL);
	}
}

static void
what_is_deleted_can_be_restored_where_it_is_kept(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		const char *path, *id;

		if (!has(*at, rest_remove))
			continue;
		sample_use_key(*at);
		path = sample_add(*at);
		id = id_of(path);
		api_expect(204, "DELETE", path, NULL);
		api_expect(404, "DELETE", path, NULL);
		api_expect(200, "GET", sample_path(*at), NULL);
		assert_null(strstr(api_answer()->body, id));
		assert_int_equal((*at)->soft && !(*at)->final, has(*at, rest_restore));
		assert_string_equal(
		    row_of(*at, id)[0] == '{' ? "kept" : "gone", (*at)->soft ? "kept" : "gone");
		if (!has(*at, rest_restore))
			continue;
		api_expect(200, "GET", api_text("%s?deleted=true", sample_path(*at)), NULL);
		api_expect_json("data.0.id", id);
		api_expect(200, "POST", api_text("%s/restore", path), NULL);
		api_expect_json("deleted_at", "null");
		api_expect(409, "POST", api_text("%s/restore", path), NULL);
		api_expect(200, "GET", path, NULL);
		assert_string_equal(
		    api_sql("SELECT string_agg(action, ' ' ORDER BY id) FROM audit_log"
			    " WHERE entity_id = '%s'",
			id),
		    "add remove restore");
	}
}

/* So many of the client's, as one of them is. */
static void
fill_up(const struct resource *resource, int64_t count)
{
	const char *path = sample_add(resource);

	(void)api_sql("INSERT INTO %s SELECT (jsonb_populate_record(t, jsonb_build_object("
		      "'id', gen_random_uuid(), 'name', 'n' || n))).*"
		      " FROM %s AS t, generate_series(2, %lld) AS n WHERE id = '%s'",
	    resource->table, resource->table, (long long)count, id_of(path));
}

static void
a_client_has_so_many(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		if ((*at)->max == 0)
			continue;
		sample_use_key(*at);
		fill_up(*at, (*at)->max - 1);
		(void)sample_add(*at);
		api_expect(409, "POST", sample_path(*at), sample_body(*at, NULL, NULL));
		sample_use_key(*at);
		(void)sample_add(*at);
	}
}

#define ADDERS 4
static pthread_barrier_t ready;

struct adder {
	pthread_t thread;
	const char *path, *body;
	long status;
};

static void *
add_in_thread(void *argument)
{
	struct adder *adder = argument;
	struct http_answer answer;

	(void)pthread_barrier_wait(&ready);
	answer = api_call("POST", adder->path, NULL, adder->body);
	adder->status = answer.status;
	http_free(&answer);
	return NULL;
}

/* Several at a time, where there is room for one; the status of each. */
static void
add_at_once(const struct resource *resource, struct adder *adders)
{
	for (int i = 0; i < ADDERS; i++) {
		adders[i].path = sample_path(resource);
		adders[i].body = sample_body(resource, NULL, NULL);
		assert_int_equal(
		    pthread_create(&adders[i].thread, NULL, add_in_thread, &adders[i]), 0);
	}
	for (int i = 0; i < ADDERS; i++)
		assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
}

#define RACES 5

/* Each race is an attempt: the last place is freed again for the next. */
static void
the_last_place_is_taken_once(UNUSED void **state)
{
	for (const struct resource *const *at = resources; *at != NULL; at++) {
		struct adder adders[ADDERS];

		if ((*at)->max == 0)
			continue;
		sample_use_key(*at);
		fill_up(*at, (*at)->max - 1);
		for (int race = 0; race < RACES; race++) {
			int added = 0;

			add_at_once(*at, adders);
			for (int i = 0; i < ADDERS; i++) {
				added += adders[i].status == 201;
				assert_true(adders[i].status == 201 || adders[i].status == 409);
			}
			assert_int_equal(added, 1);
			api_expect(200, "GET", api_text("%s?limit=1", sample_path(*at)), NULL);
			api_expect(204, "DELETE",
			    api_text("%s/%s", sample_path(*at), api_json("data.0.id")), NULL);
		}
	}
}

static int
start(void **state)
{
	assert_int_equal(pthread_barrier_init(&ready, NULL, ADDERS), 0);
	return api_start(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_etag_keeps_changes_apart),
		cmocka_unit_test(no_other_tenant_finds_or_changes_one),
		cmocka_unit_test(a_key_without_the_scope_is_refused),
		cmocka_unit_test(what_is_deleted_can_be_restored_where_it_is_kept),
		cmocka_unit_test(a_client_has_so_many),
		cmocka_unit_test(the_last_place_is_taken_once),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
