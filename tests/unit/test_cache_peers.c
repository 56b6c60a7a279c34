#include "tests/test.h"

#include "app/cache_private.h"

#include <pthread.h>
#include <stdio.h>

#define MINUTE (60 * CLOCK_SECOND)
#define NOW (INT64_C(28000000) * MINUTE)
#define MAX 3

static struct cache_peers *peers;

static int
setup(UNUSED void **state)
{
	seal_init();
	peers = cache_peers_new(MAX);
	return 0;
}

static int
teardown(UNUSED void **state)
{
	cache_peers_free(peers);
	return 0;
}

/* How many failures are taken before the address is refused. */
static int
fail_often(const char *address, int64_t now)
{
	int taken = 0;

	while (cache_peers_add(peers, address, now))
		taken++;
	assert_true(cache_peers_refuses(peers, address, now));
	return taken;
}

static void
an_address_fails_so_often_in_a_minute(UNUSED void **state)
{
	assert_false(cache_peers_refuses(peers, "192.0.2.1", NOW));
	assert_true(cache_peers_add(peers, "192.0.2.1", NOW));
	assert_true(cache_peers_add(peers, "192.0.2.1", NOW));
	assert_false(cache_peers_refuses(peers, "192.0.2.1", NOW));
	assert_true(cache_peers_add(peers, "192.0.2.1", NOW));
	assert_true(cache_peers_refuses(peers, "192.0.2.1", NOW));
	assert_false(cache_peers_add(peers, "192.0.2.1", NOW));
}

static void
the_next_minute_begins_anew(UNUSED void **state)
{
	assert_int_equal(fail_often("192.0.2.1", NOW), MAX);
	assert_true(cache_peers_refuses(peers, "192.0.2.1", NOW + MINUTE - 1));
	assert_false(cache_peers_refuses(peers, "192.0.2.1", NOW + MINUTE));
	assert_int_equal(fail_often("192.0.2.1", NOW + MINUTE), MAX);
	/* A clock that stepped back. */
	assert_int_equal(fail_often("192.0.2.1", NOW - 10 * MINUTE), MAX);
}

static const struct {
	const char *sentence;
	const char *address;
	bool refused;
} others[] = {
	{ "another address of the same /64", "2001:db8:1:2:ffff::9", true },
	{ "another /64", "2001:db8:1:3::1", false },
	{ "an IPv4 address", "192.0.2.1", false },
	{ "nobody's address", "unix:", false },
};

static void
a_peer_is_a_network_of_its_own(UNUSED void **state)
{
	assert_int_equal(fail_often("2001:db8:1:2::1", NOW), MAX);
	for (size_t i = 0; i < COUNT(others); i++) {
		if (cache_peers_refuses(peers, others[i].address, NOW) != others[i].refused)
			fail_msg("%s", others[i].sentence);
	}
}

/* Behind a proxy on a Unix socket all are one peer, so that the limit holds there too. */
static void
whoever_has_no_address_is_one_peer(UNUSED void **state)
{
	assert_int_equal(fail_often("unix:", NOW), MAX);
	assert_true(cache_peers_refuses(peers, "", NOW));
	assert_true(cache_peers_refuses(peers, "::1", NOW));
	assert_false(cache_peers_refuses(peers, "127.0.0.1", NOW));
}

static void
no_limit_refuses_nobody(UNUSED void **state)
{
	struct cache_peers *any = cache_peers_new(0);

	for (int i = 0; i < 100; i++)
		assert_true(cache_peers_add(any, "192.0.2.1", NOW));
	assert_false(cache_peers_refuses(any, "192.0.2.1", NOW));
	cache_peers_free(any);
}

/* Far more peers than there are places: one that fails often is not pushed out by them. */
static void
a_flood_of_peers_hides_no_other(UNUSED void **state)
{
	char address[32];

	assert_int_equal(fail_often("192.0.2.1", NOW), MAX);
	for (int i = 0; i < 8 * CACHE_PEERS_MAX; i++) {
		(void)snprintf(
		    address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		assert_true(cache_peers_add(peers, address, NOW));
	}
	assert_true(cache_peers_refuses(peers, "192.0.2.1", NOW));
}

#define THREADS 8

static void *
add_often(void *count)
{
	for (int i = 0; i < 1000; i++)
		*(int *)count += cache_peers_add(peers, "192.0.2.1", NOW);
	return NULL;
}

static void
threads_count_together(UNUSED void **state)
{
	pthread_t threads[THREADS];
	int counts[THREADS] = { 0 };
	int sum = 0;

	cache_peers_free(peers);
	peers = cache_peers_new(5000);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_often, &counts[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		sum += counts[i];
	}
	assert_int_equal(sum, 5000);
}

static void
a_key_is_trusted_while_it_exists(UNUSED void **state)
{
	assert_false(cache_peers_trusts(peers, "0000000000000001"));
	cache_peers_trust(peers, "0000000000000001", true);
	assert_true(cache_peers_trusts(peers, "0000000000000001"));
	assert_false(cache_peers_trusts(peers, "0000000000000002"));
	cache_peers_trust(peers, "0000000000000002", false);
	assert_true(cache_peers_trusts(peers, "0000000000000001"));
	cache_peers_trust(peers, "0000000000000001", false);
	assert_false(cache_peers_trusts(peers, "0000000000000001"));
}

static void
it_is_told_when_to_come_back(UNUSED void **state)
{
	assert_int_equal(cache_peers_retry_after(NOW), 60);
	assert_int_equal(cache_peers_retry_after(NOW + CLOCK_SECOND), 59);
	assert_int_equal(cache_peers_retry_after(NOW + MINUTE - 1), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_fails_so_often_in_a_minute),
		TEST(the_next_minute_begins_anew),
		TEST(a_peer_is_a_network_of_its_own),
		TEST(whoever_has_no_address_is_one_peer),
		TEST(no_limit_refuses_nobody),
		TEST(a_flood_of_peers_hides_no_other),
		TEST(threads_count_together),
		TEST(a_key_is_trusted_while_it_exists),
		TEST(it_is_told_when_to_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
