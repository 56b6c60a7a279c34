/* Idempotency-Key on POST, through nginx. */
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/idempotency.h"
#include "tests/http.h"
#include "tests/servers.h"

static struct servers *servers;
static struct http tenant;
static struct http other;
static struct http operator;
static struct http_answer answer;

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_NGINX);
	tenant = (struct http){ servers_http_url(servers), servers_key(servers, "tenant") };
	other = (struct http){ tenant.url, servers_key(servers, "other") };
	operator=(struct http){ tenant.url, servers_key(servers, NULL) };
	return 0;
}

static int
stop(UNUSED void **state)
{
	http_free(&answer);
	servers_stop(servers);
	return 0;
}

static struct http_answer
send_keyed(const struct http *http, const char *method, const char *path, const char *key,
    const char *body)
{
	char header[400];
	const char *headers[] = { header, NULL };

	(void)snprintf(header, sizeof header, "Idempotency-Key: %s", key);
	return http_send(http, method, path, headers, body);
}

static long
post(const struct http *http, const char *path, const char *key, const char *body)
{
	http_free(&answer);
	answer = send_keyed(http, "POST", path, key, body);
	return answer.status;
}

static bool
was_replayed(void)
{
	const char *value = http_header(&answer, "idempotency-replayed");

	return value && strcmp(value, "true") == 0;
}

static void
assert_sql(const char *sql, const char *expected)
{
	char *got = servers_sql(servers, sql);

	assert_string_equal(got, expected);
	free(got);
}

static void
the_second_answer_equals_the_first(UNUSED void **state)
{
	char *first;

	assert_int_equal(post(&tenant, "/v1/users", "one", "{\"email\":\"a@example.com\"}"), 201);
	assert_false(was_replayed());
	first = strdup(answer.body);
	assert_int_equal(post(&tenant, "/v1/users", "one", "{\"email\":\"a@example.com\"}"), 201);
	assert_true(was_replayed());
	assert_string_equal(answer.body, first);
	assert_string_equal(http_header(&answer, "content-type"), "application/json");
	assert_sql("SELECT count(*) FROM users WHERE email = 'a@example.com'", "1");
	free(first);
}

static void
another_request_with_the_key_is_refused(UNUSED void **state)
{
	static const char detail[] = "The Idempotency-Key was used with another request.";

	assert_int_equal(post(&tenant, "/v1/users", "two", "{\"external_id\":\"2\"}"), 201);
	assert_int_equal(post(&tenant, "/v1/users", "two", "{\"external_id\":\"3\"}"), 422);
	assert_string_equal(http_json(&answer, "detail", 0), detail);
	assert_int_equal(post(&tenant, "/v1/users", "two", "{ \"external_id\":\"2\"}"), 422);
	assert_int_equal(post(&tenant, "/v1/sessions", "two", "{\"external_id\":\"2\"}"), 422);
	assert_string_equal(http_json(&answer, "detail", 0), detail);
}

static void
each_client_has_its_own_keys(UNUSED void **state)
{
	assert_int_equal(post(&tenant, "/v1/users", "three", "{\"external_id\":\"4\"}"), 201);
	assert_int_equal(post(&other, "/v1/users", "three", "{\"external_id\":\"5\"}"), 201);
	assert_false(was_replayed());
}

static void
an_error_leaves_the_key_free(UNUSED void **state)
{
	assert_int_equal(post(&tenant, "/v1/users", "four", "{\"email\":1}"), 422);
	assert_int_equal(post(&tenant, "/v1/users", "four", "{\"external_id\":\"6\"}"), 201);
	assert_false(was_replayed());
	/* After its first query, too: the address is taken. */
	assert_int_equal(post(&tenant, "/v1/users", "five", "{\"external_id\":\"6\"}"), 409);
	assert_int_equal(post(&tenant, "/v1/users", "five", "{\"external_id\":\"7\"}"), 201);
}

static void
a_key_is_1_to_255_printable_characters(UNUSED void **state)
{
	char key[IDEMPOTENCY_KEY_MAX + 2];

	memset(key, 'k', sizeof key);
	key[IDEMPOTENCY_KEY_MAX] = '\0';
	assert_int_equal(post(&tenant, "/v1/users", key, "{\"external_id\":\"8\"}"), 201);
	key[IDEMPOTENCY_KEY_MAX] = 'k';
	key[IDEMPOTENCY_KEY_MAX + 1] = '\0';
	assert_int_equal(post(&tenant, "/v1/users", key, "{\"external_id\":\"9\"}"), 422);
	assert_string_equal(http_json(&answer, "errors.0.field", 0), "Idempotency-Key");
	assert_int_equal(post(&tenant, "/v1/users", "caf\xc3\xa9", "{\"external_id\":\"9\"}"), 422);
	assert_int_equal(post(&tenant, "/v1/users", "a b ~", "{\"external_id\":\"9\"}"), 201);
}

static void
a_key_is_free_again_after_a_day(UNUSED void **state)
{
	assert_int_equal(post(&tenant, "/v1/users", "old", "{\"external_id\":\"10\"}"), 201);
	assert_sql("UPDATE idempotency_keys SET created_at = now() - '23 h 59 min'::interval"
		   " WHERE key = 'old' RETURNING 1",
	    "1");
	assert_int_equal(post(&tenant, "/v1/users", "old", "{\"external_id\":\"10\"}"), 201);
	assert_true(was_replayed());
	assert_sql("UPDATE idempotency_keys SET created_at = now() - '24 h'::interval"
		   " WHERE key = 'old' RETURNING 1",
	    "1");
	assert_int_equal(post(&tenant, "/v1/users", "old", "{\"external_id\":\"11\"}"), 201);
	assert_false(was_replayed());
	assert_int_equal(post(&tenant, "/v1/users", "old", "{\"external_id\":\"11\"}"), 201);
	assert_true(was_replayed());
}

static void
other_methods_take_no_notice(UNUSED void **state)
{
	for (int i = 0; i < 2; i++) {
		http_free(&answer);
		answer = send_keyed(&tenant, "GET", "/v1/users", "get", NULL);
		assert_int_equal(answer.status, 200);
		assert_false(was_replayed());
	}
	assert_sql("SELECT count(*) FROM idempotency_keys WHERE key = 'get'", "0");
}

static void *
post_at_once(void *context)
{
	struct http_answer *got = context;

	*got = send_keyed(&tenant, "POST", "/v1/users", "race", "{\"external_id\":\"race\"}");
	return NULL;
}

static void
two_at_once_act_once(UNUSED void **state)
{
	enum { THREADS = 8 };
	struct http_answer got[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_at_once, &got[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(got[i].status, 201);
		assert_string_equal(got[i].body, got[0].body);
	}
	for (int i = 0; i < THREADS; i++)
		http_free(&got[i]);
	assert_sql("SELECT count(*) FROM users WHERE external_id = 'race'", "1");
}

static char *
add_client(void)
{
	assert_int_equal(post(&operator, "/v1/clients", "client", "{\"name\":\"keyed\"}"), 201);
	return strdup(http_json(&answer, "id", 0));
}

/* The database never holds it in clear, and only who asked is told again. */
static void
a_secret_is_replayed_to_its_own_key_only(UNUSED void **state)
{
	static const char body[] = "{\"name\":\"k\",\"scopes\":[\"users\"]}";
	char *second_key = servers_key(servers, NULL);
	struct http second = { tenant.url, second_key };
	char *client = add_client();
	char path[200];
	char sql[300];
	char *key;

	(void)snprintf(path, sizeof path, "/v1/clients/%s/api-keys", client);
	assert_int_equal(post(&operator, path, "secret", body), 201);
	key = strdup(http_json(&answer, "key", 0));
	assert_int_equal(post(&operator, path, "secret", body), 201);
	assert_true(was_replayed());
	assert_string_equal(http_json(&answer, "key", 0), key);
	assert_int_equal(post(&second, path, "secret", body), 409);
	(void)snprintf(sql, sizeof sql,
	    "SELECT sealed AND position('%s' IN encode(body, 'escape')) = 0"
	    " FROM idempotency_keys WHERE key = 'secret'",
	    strrchr(key, '_') + 1);
	assert_sql(sql, "t");
	free(second_key);
	free(key);
	free(client);
}

static void
an_operators_keys_are_no_clients(UNUSED void **state)
{
	assert_int_equal(post(&operator, "/v1/clients", "mine", "{\"name\":\"a\"}"), 201);
	assert_int_equal(post(&operator, "/v1/clients", "mine", "{\"name\":\"a\"}"), 201);
	assert_true(was_replayed());
	assert_sql("SELECT count(*) FROM idempotency_keys WHERE key = 'mine'"
		   " AND client_id = '00000000-0000-0000-0000-000000000000'",
	    "1");
	assert_int_equal(post(&tenant, "/v1/users", "mine", "{\"external_id\":\"12\"}"), 201);
	assert_false(was_replayed());
}

/* A key of the other kind of scope is refused before the table is asked. */
static void
a_replay_needs_the_scope_too(UNUSED void **state)
{
	assert_int_equal(post(&operator, "/v1/clients", "scope", "{\"name\":\"b\"}"), 201);
	assert_int_equal(post(&tenant, "/v1/clients", "scope", "{\"name\":\"b\"}"), 403);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_answer_equals_the_first),
		cmocka_unit_test(another_request_with_the_key_is_refused),
		cmocka_unit_test(each_client_has_its_own_keys),
		cmocka_unit_test(an_error_leaves_the_key_free),
		cmocka_unit_test(a_key_is_1_to_255_printable_characters),
		cmocka_unit_test(a_key_is_free_again_after_a_day),
		cmocka_unit_test(other_methods_take_no_notice),
		cmocka_unit_test(two_at_once_act_once),
		cmocka_unit_test(a_secret_is_replayed_to_its_own_key_only),
		cmocka_unit_test(an_operators_keys_are_no_clients),
		cmocka_unit_test(a_replay_needs_the_scope_too),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
