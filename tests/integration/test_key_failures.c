/* Wrong keys, as tallyd counts them by the address they come from. */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/model/auth_token_text.h"
#include "tests/fastcgi.h"
#include "tests/servers.h"

#define FAILURES_MAX 5
#define FAILURES_TEXT "5"
#define MINUTE (60 * CLOCK_SECOND)
#define UNKNOWN "tally_0000000000000000_0000000000000000000000000000000000000000000"

static struct servers *servers;
static char *socket_address;
static char *key, *other_key;
static char *answer;

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	servers_setting(servers, "key_failures_per_minute", FAILURES_TEXT);
	servers_restart(servers, SERVER_TALLYD);
	assert_true(asprintf(&socket_address, "unix:%s/tallyd.sock", servers_folder(servers)) > 0);
	key = servers_key(servers, "known");
	other_key = servers_key(servers, "new");
	return 0;
}

static int
stop(UNUSED void **state)
{
	free(answer);
	free(key);
	free(other_key);
	free(socket_address);
	servers_stop(servers);
	return 0;
}

static long
call(const char *address, const char *path, const char *presented)
{
	int fd = fastcgi_connect(socket_address);
	char authorization[200];
	const char *const params[] = { "REQUEST_METHOD", "GET", "REQUEST_URI", path, "REMOTE_ADDR",
		address, "HTTP_AUTHORIZATION", authorization, NULL };

	(void)snprintf(authorization, sizeof(authorization), "Bearer %s", presented);
	fastcgi_begin(fd, false, params);
	fastcgi_end(fd);
	free(answer);
	answer = fastcgi_read(fd);
	close(fd);
	assert_non_null(answer);
	assert_int_equal(strncmp(answer, "Status: ", 8), 0);
	return strtol(answer + 8, NULL, 10);
}

static long
present(const char *address, const char *presented)
{
	return call(address, "/v1/users", presented);
}

/* An address from which nothing came yet. */
static const char *
new_address(void)
{
	static char address[32];
	static int count;

	count++;
	(void)snprintf(address, sizeof(address), "10.0.%d.%d", count >> 8 & 255, count & 255);
	return address;
}

/* Wrong keys until no more are taken, and how many that were; -1: the minute ended meanwhile. */
static int
fail_often(const char *address, const char *wrong)
{
	const int64_t minute = clock_now() / MINUTE;
	long status;
	int taken = 0;

	while ((status = present(address, wrong)) == 401)
		taken++;
	if (clock_now() / MINUTE != minute)
		return -1;
	assert_int_equal(status, 429);
	return taken;
}

/* An address that has just been refused. */
static const char *
refused_address(const char *wrong)
{
	const char *address;
	int taken;

	do {
		address = new_address();
		taken = fail_often(address, wrong);
	} while (taken < 0);
	assert_int_equal(taken, FAILURES_MAX);
	return address;
}

/* The same key with another last letter of its secret, and the check digits of the right one. */
static char *
mistyped_key(void)
{
	static char mistyped[AUTH_TOKEN_KEY_SIZE];
	const size_t last = sizeof(mistyped) - 2 - AUTH_TOKEN_CHECK_DIGITS;

	(void)snprintf(mistyped, sizeof(mistyped), "%s", key);
	mistyped[last] = mistyped[last] == 'a' ? 'b' : 'a';
	return mistyped;
}

/* The same with its own check digits, as one who guesses would have it. */
static const char *
spoiled_key(void)
{
	char *spoiled = mistyped_key();

	auth_token_add_check(spoiled);
	return spoiled;
}

static void
too_many_wrong_keys_are_refused(UNUSED void **state)
{
	const char *after;

	(void)refused_address(UNKNOWN);
	assert_non_null(strstr(answer, "\"type\":\"urn:tally:problem:rate\""));
	after = strstr(answer, "Retry-After: ");
	assert_non_null(after);
	assert_in_range(strtol(after + strlen("Retry-After: "), NULL, 10), 1, 60);
	assert_null(strstr(answer, "WWW-Authenticate"));
	assert_int_equal(present(new_address(), UNKNOWN), 401);
}

/* A refusal does not tell which public ids exist. */
static void
a_wrong_secret_of_a_known_key_is_as_wrong(UNUSED void **state)
{
	assert_int_equal(present(new_address(), key), 200);
	(void)refused_address(spoiled_key());
}

static bool
has_a_rate(void *address)
{
	assert_int_equal(present(address, key), 200);
	return strstr(answer, "\nRateLimit-Limit: 1000\r\n") != NULL;
}

/* Also after a change has emptied the table of keys. */
static void
a_known_key_is_served_from_a_refused_address(UNUSED void **state)
{
	char address[32];
	char *sql;

	assert_int_equal(present(new_address(), key), 200);
	(void)snprintf(address, sizeof(address), "%s", refused_address(UNKNOWN));
	assert_int_equal(present(address, key), 200);
	assert_true(asprintf(&sql,
			"UPDATE auth_tokens SET rate_limit_per_hour = 1000 "
			"WHERE public_id = '%.16s' RETURNING 1",
			key + strlen("tally_")) > 0);
	free(servers_sql(servers, sql));
	free(sql);
	assert_true(servers_await(has_a_rate, address));
}

/* PostgreSQL is not asked, so a key that tallyd has never seen has to wait. */
static void
a_new_key_waits_for_the_next_minute(UNUSED void **state)
{
	int64_t minute;
	long status;

	do {
		const char *address = refused_address(UNKNOWN);

		minute = clock_now() / MINUTE;
		status = present(address, other_key);
	} while (clock_now() / MINUTE != minute);
	assert_int_equal(status, 429);
	assert_int_equal(present(new_address(), other_key), 200);
}

static void
what_is_no_key_is_no_guess(UNUSED void **state)
{
	const char *address = new_address();

	for (int i = 0; i < 3 * FAILURES_MAX; i++)
		assert_int_equal(present(address, i % 2 == 0 ? "" : "tally_x"), 401);
	assert_int_equal(present(address, UNKNOWN), 401);
}

static long
count_mistyped(void)
{
	static const char name[] = "\ntally_key_mistyped_total ";
	const char *at;

	assert_int_equal(call("127.0.0.1", "/metrics", ""), 200);
	at = strstr(answer, name);
	assert_non_null(at);
	return strtol(at + strlen(name), NULL, 10);
}

static void
a_mistyped_key_is_no_guess_and_counted_as_such(UNUSED void **state)
{
	const char *address = new_address();
	const long before = count_mistyped();

	for (int i = 0; i < 3 * FAILURES_MAX; i++)
		assert_int_equal(present(address, mistyped_key()), 401);
	assert_int_equal(present(address, UNKNOWN), 401);
	assert_int_equal(count_mistyped() - before, 3 * FAILURES_MAX);
}

/* What PostgreSQL is asked is answered 503, once the last of its processes has ended. */
static bool
is_postgres_away(UNUSED void *context)
{
	return present(new_address(), UNKNOWN) == 503;
}

static void
postgres_is_asked_for_nothing_any_more(UNUSED void **state)
{
	int64_t minute;
	long status;

	do {
		char address[32];

		(void)snprintf(address, sizeof(address), "%s", refused_address(UNKNOWN));
		minute = clock_now() / MINUTE;
		servers_signal(servers, SERVER_POSTGRES, SIGKILL);
		servers_wait(servers, SERVER_POSTGRES);
		assert_true(servers_await(is_postgres_away, NULL));
		status = present(address, UNKNOWN);
		assert_int_equal(present(new_address(), mistyped_key()), 401);
		servers_restart(servers, SERVER_POSTGRES);
	} while (clock_now() / MINUTE != minute);
	assert_int_equal(status, 429);
}

static void
failures_are_shown_in_the_metrics(UNUSED void **state)
{
	(void)refused_address(UNKNOWN);
	assert_int_equal(call("127.0.0.1", "/metrics", UNKNOWN), 200);
	assert_non_null(strstr(answer, "\ntally_key_failures_total "));
	assert_null(strstr(answer, "\ntally_key_failures_total 0\n"));
	assert_non_null(strstr(answer, "\ntally_key_refusals_total "));
	assert_null(strstr(answer, "\ntally_key_refusals_total 0\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_wrong_keys_are_refused),
		cmocka_unit_test(a_wrong_secret_of_a_known_key_is_as_wrong),
		cmocka_unit_test(a_known_key_is_served_from_a_refused_address),
		cmocka_unit_test(a_new_key_waits_for_the_next_minute),
		cmocka_unit_test(what_is_no_key_is_no_guess),
		cmocka_unit_test(a_mistyped_key_is_no_guess_and_counted_as_such),
		cmocka_unit_test(failures_are_shown_in_the_metrics),
		cmocka_unit_test(postgres_is_asked_for_nothing_any_more),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
