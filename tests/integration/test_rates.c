/* The hourly rate of a key, through nginx: what each answer says of it, and who is refused. */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/api.h"

#define HOUR (3600 * CLOCK_SECOND)

/* A key of a new client, with so many requests an hour. */
static const char *
use_limited_key(const char *name, int64_t limit)
{
	const char *key;

	api_use_operator();
	api_add(api_text("/v1/clients/%s/api-keys",
		    api_add("/v1/clients", api_text("{\"name\":\"%s %llu\"}", name,
					       (unsigned long long)clock_monotonic()))),
	    api_text("{\"name\":\"k\",\"scopes\":[\"users\"],\"rate_limit_per_hour\":%lld}",
		(long long)limit));
	key = api_keep("key");
	api_use_key(key);
	return key;
}

static void
assert_header(const char *name, const char *value)
{
	const char *found = http_header(api_answer(), name);

	if (found == NULL || strcmp(found, value) != 0)
		fail_msg("%s: %s instead of %s", name, found != NULL ? found : "(none)", value);
}

/* Whatever a request becomes, it counts, and its answer says what is left. */
static const struct {
	const char *method, *path, *body;
	long status;
} calls[] = {
	{ "GET", "/v1/users", NULL, 200 },
	{ "GET", "/v1/users?limit=0", NULL, 422 },
	{ "GET", "/v1/clients", NULL, 403 },
	{ "GET", "/v1/users/x", NULL, 404 },
	{ "POST", "/v1/users", "{", 400 },
};

static bool
make_calls(void)
{
	const int64_t hour = clock_now() / HOUR;
	char left[] = "5";
	const char *reset;

	use_limited_key("limited", 5);
	for (size_t i = 0; i < COUNT(calls); i++) {
		left[0]--;
		api_expect(calls[i].status, calls[i].method, calls[i].path, calls[i].body);
		assert_header("ratelimit-limit", "5");
		if (clock_now() / HOUR != hour)
			return false;
		assert_header("ratelimit-remaining", left);
	}
	api_send("GET", "/v1/users", NULL, NULL);
	if (clock_now() / HOUR != hour)
		return false;
	assert_int_equal(api_answer()->status, 429);
	assert_string_equal(api_json("type"), "urn:tally:problem:rate");
	assert_header("ratelimit-limit", "5");
	assert_header("ratelimit-remaining", "0");
	reset = api_text("%s", http_header(api_answer(), "ratelimit-reset"));
	assert_in_range(strtol(reset, NULL, 10), 1, 3600);
	assert_header("retry-after", reset);
	return true;
}

static void
every_answer_says_what_is_left(UNUSED void **state)
{
	/* Again when the hour ended meanwhile. */
	while (!make_calls())
		continue;
}

/* The old key and the new one by turns. */
static bool
call_with_both(void)
{
	const int64_t hour = clock_now() / HOUR;
	const char *keys[2] = { use_limited_key("rotated", 3), NULL };
	const char *id = api_keep("id");

	api_use_operator();
	api_add(api_text("/v1/clients/%s/api-keys/%s/rotate",
		    api_sql("SELECT client_id FROM auth_tokens WHERE id = '%s'", id), id),
	    "{\"grace_seconds\":3600}");
	keys[1] = api_keep("key");
	for (int i = 0; i < 4; i++) {
		api_use_key(keys[i % 2]);
		api_send("GET", "/v1/users", NULL, NULL);
		if (clock_now() / HOUR != hour)
			return false;
		assert_int_equal(api_answer()->status, i < 3 ? 200 : 429);
	}
	return true;
}

static void
a_rotation_is_no_second_rate(UNUSED void **state)
{
	while (!call_with_both())
		continue;
}

static void
a_key_without_a_rate_has_no_such_headers(UNUSED void **state)
{
	api_use_new_client("unlimited");
	api_expect(200, "GET", "/v1/users", NULL);
	assert_null(http_header(api_answer(), "ratelimit-limit"));
	assert_null(http_header(api_answer(), "ratelimit-remaining"));
	assert_null(http_header(api_answer(), "ratelimit-reset"));
}

#define CALLERS 32

struct caller {
	pthread_t thread;
	int allowed, refused;
};

static void *
call_ten_times(void *argument)
{
	struct caller *caller = argument;

	for (int i = 0; i < 10; i++) {
		struct http_answer answer = api_call("GET", "/v1/users", NULL, NULL);

		caller->allowed += answer.status == 200;
		caller->refused += answer.status == 429;
		http_free(&answer);
	}
	return NULL;
}

static bool
call_at_once(int *ret_allowed, int *ret_refused)
{
	const int64_t hour = clock_now() / HOUR;
	struct caller callers[CALLERS] = { 0 };

	*ret_allowed = *ret_refused = 0;
	use_limited_key("crowded", 100);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(
		    pthread_create(&callers[i].thread, NULL, call_ten_times, &callers[i]), 0);
	for (int i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		*ret_allowed += callers[i].allowed;
		*ret_refused += callers[i].refused;
	}
	return clock_now() / HOUR == hour;
}

static void
callers_at_once_get_exactly_the_rate(UNUSED void **state)
{
	int allowed, refused;

	while (!call_at_once(&allowed, &refused))
		continue;
	assert_int_equal(allowed, 100);
	assert_int_equal(refused, CALLERS * 10 - 100);
}

static int64_t
metric(const char *name)
{
	const char *at;

	api_expect(200, "GET", "/metrics", NULL);
	at = strstr(api_answer()->body, api_text("\n%s ", name));
	assert_non_null(at);
	return strtoll(at + strlen(name) + 2, NULL, 10);
}

static bool
is_counted(UNUSED void *context)
{
	api_expect(200, "GET", "/v1/users", NULL);
	return http_header(api_answer(), "ratelimit-remaining") != NULL;
}

/* The limit is the service's own protection: losing it is better than losing the service. */
static void
without_redis_requests_pass(UNUSED void **state)
{
	const char *key = use_limited_key("uncounted", 1000);

	api_expect(200, "GET", "/v1/users", NULL);
	servers_signal(api_servers(), SERVER_REDIS, SIGKILL);
	servers_wait(api_servers(), SERVER_REDIS);
	api_expect(200, "GET", "/v1/users", NULL);
	assert_header("ratelimit-limit", "1000");
	assert_null(http_header(api_answer(), "ratelimit-remaining"));
	assert_non_null(http_header(api_answer(), "ratelimit-reset"));
	assert_true(metric("tally_rate_uncounted_total") > 0);
	servers_restart(api_servers(), SERVER_REDIS);
	api_use_key(key);
	assert_true(servers_await(is_counted, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_says_what_is_left),
		cmocka_unit_test(a_rotation_is_no_second_rate),
		cmocka_unit_test(a_key_without_a_rate_has_no_such_headers),
		cmocka_unit_test(callers_at_once_get_exactly_the_rate),
		cmocka_unit_test(without_redis_requests_pass),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
