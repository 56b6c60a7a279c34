/* Uses of keys are counted in tallyd: no request writes, and no use is lost. */
#include "tests/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/cache.h"
#include "lib/clock.h"
#include "tests/api.h"

#define CALLERS 8
#define CALLS 50 /* of each */

/* Counts the statements that change tokens, as none of tally's roles may see. */
static const char watch_sql[] =
    "CREATE TABLE watched (rows bigint);"
    "CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = public AS $$"
    " BEGIN INSERT INTO watched SELECT count(*) FROM changed; RETURN NULL; END $$;"
    "CREATE TRIGGER watch AFTER UPDATE ON auth_tokens REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION watch();"
    "SELECT 1";

static void *
call_often(UNUSED void *argument)
{
	for (int i = 0; i < CALLS; i++) {
		struct http_answer answer = api_call("GET", "/v1/users", NULL, NULL);

		assert_int_equal(answer.status, 200);
		http_free(&answer);
	}
	return NULL;
}

static void
call_from_many(void)
{
	pthread_t callers[CALLERS];

	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&callers[i], NULL, call_often, NULL), 0);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_join(callers[i], NULL), 0);
}

static long
writes(void)
{
	return strtol(api_sql("SELECT count(*) FROM watched"), NULL, 10);
}

static void
uses_are_written_once_a_flush_and_none_is_lost(UNUSED void **state)
{
	const char *path, *ours, *updated, *tag;
	int64_t began;
	long most;

	api_use_new_client("counted");
	api_sql("%s", watch_sql);
	ours = api_key();
	path = api_text("/v1/auth-tokens/%s",
	    api_add("/v1/auth-tokens", "{\"name\":\"t\",\"scopes\":[\"users\"]}"));
	updated = api_keep("updated_at");
	tag = api_text("%s", http_header(api_answer(), "etag"));
	api_use_key(api_keep("token"));
	began = clock_monotonic();
	call_from_many();
	most = 1 + (long)((clock_monotonic() - began) / (CACHE_FLUSH_S * CLOCK_SECOND));
	assert_in_range(writes(), 0, most);
	servers_signal(api_servers(), SERVER_TALLYD, SIGTERM);
	servers_wait(api_servers(), SERVER_TALLYD);
	most = 2 + (long)((clock_monotonic() - began) / (CACHE_FLUSH_S * CLOCK_SECOND));
	assert_in_range(writes(), 1, most);
	servers_restart(api_servers(), SERVER_TALLYD);
	api_use_key(ours);
	api_expect(200, "GET", path, NULL);
	api_expect_json("usage_count", api_text("%d", CALLERS * CALLS));
	api_expect_json("last_used_ip", "127.0.0.1");
	assert_string_not_equal(api_json("last_used_at"), "null");
	api_expect_json("updated_at", updated);
	assert_string_equal(http_header(api_answer(), "etag"), tag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uses_are_written_once_a_flush_and_none_is_lost),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
