/*
 * The set of connections: parked requests, the limit, the stop, the addresses to listen at.
 */
#include "tests/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/server.h"
#include "tests/fastcgi.h"
#include "tests/loop.h"
#include "tests/process.h"

static void
test_parked_requests_hold_no_thread(void **state)
{
	int fds[LOOP_THREADS * 5], fd = fastcgi_connect(loop_address());

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = fastcgi_connect(loop_address());
		loop_begin(fds[i], "/park", NULL);
		fastcgi_end(fds[i]);
	}
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	loop_release(COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++) {
		loop_assert_answer(fastcgi_read(fds[i]), "parked");
		loop_assert_answer(fastcgi_get(fds[i], true, "/b"), "/b");
		close(fds[i]);
	}
	close(fd);
}

static void
test_one_connection_too_many_is_told_so(void **state)
{
	int first = fastcgi_connect(loop_address()), second = fastcgi_connect(loop_address()),
	    third;

	(void)state;
	loop_assert_answer(fastcgi_get(first, true, "/a"), "/a");
	loop_assert_answer(fastcgi_get(second, true, "/a"), "/a");
	for (int i = 0; i < SERVER_REFUSED_MAX * 2; i++) {
		third = fastcgi_connect(loop_address());
		loop_assert_answer(fastcgi_get(third, true, "/a"), "refused");
		assert_true(fastcgi_farewell(third));
		assert_true(fastcgi_closed(third));
		close(third);
	}
	loop_assert_answer(fastcgi_get(first, false, "/b"), "/b");
	assert_true(fastcgi_closed(first));
	third = fastcgi_connect(loop_address());
	loop_assert_answer(fastcgi_get(third, true, "/a"), "/a");
	close(first);
	close(second);
	close(third);
}

static void
test_more_connections_than_places_wait_their_turn(void **state)
{
	int fds[SERVER_REFUSED_MAX + 10];

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++)
		fds[i] = fastcgi_connect(loop_address());
	for (size_t i = 0; i < COUNT(fds); i++) {
		char *answer = fastcgi_get(fds[i], false, "/a");

		assert_non_null(answer);
		free(answer);
		close(fds[i]);
	}
}

static void
await_connections(int64_t count)
{
	int64_t connections = 0, requests;

	while (connections != count) {
		server_count(loop_server, &connections, &requests);
		process_breathe();
	}
}

static void *
stop_later(void *argument)
{
	*(bool *)argument = server_stop(loop_server, LOOP_STOP_MS);
	return NULL;
}

/* As nginx does with connections that it keeps idle. */
static void
test_stop_asks_to_close_idle_connections(void **state)
{
	int used = fastcgi_connect(loop_address()), fresh = fastcgi_connect(loop_address());
	bool finished = false;
	pthread_t thread;

	(void)state;
	loop_assert_answer(fastcgi_get(used, true, "/a"), "/a");
	await_connections(2);
	assert_int_equal(pthread_create(&thread, NULL, stop_later, &finished), 0);
	assert_true(fastcgi_farewell(used));
	close(used);
	assert_true(fastcgi_farewell(fresh));
	close(fresh);
	pthread_join(thread, NULL);
	assert_true(finished);
	loop_free();
}

/* nginx puts a request on a connection at the moment at which it is asked to close it. */
static void
test_stop_answers_behind_the_farewell(void **state)
{
	int fd = fastcgi_connect(loop_address());
	bool finished = false;
	pthread_t thread;

	(void)state;
	await_connections(1);
	assert_int_equal(pthread_create(&thread, NULL, stop_later, &finished), 0);
	assert_true(fastcgi_farewell(fd));
	for (int i = 0; i < 3; i++) {
		loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
		assert_true(fastcgi_farewell(fd));
	}
	close(fd);
	pthread_join(thread, NULL);
	assert_true(finished);
	loop_free();
}

static void
test_stop_waits_for_no_peer_for_ever(void **state)
{
	int idle = fastcgi_connect(loop_address()), late = fastcgi_connect(loop_address());

	(void)state;
	loop_begin(late, "/park", NULL);
	fastcgi_end(late);
	loop_await_parked(1);
	await_connections(2);
	assert_false(server_stop(loop_server, 1));
	assert_true(fastcgi_farewell(idle));
	assert_true(fastcgi_closed(idle));
	loop_release(1);
	loop_assert_answer(fastcgi_read(late), "parked");
	assert_true(fastcgi_farewell(late));
	assert_true(fastcgi_closed(late));
	close(idle);
	close(late);
}

static void
test_stop_waits_for_parked_requests(void **state)
{
	int fds[10];
	bool finished = false;
	pthread_t thread;

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = fastcgi_connect(loop_address());
		loop_begin(fds[i], "/park", NULL);
		fastcgi_end(fds[i]);
	}
	loop_await_parked(COUNT(fds));
	assert_false(server_stop(loop_server, 0));
	assert_int_equal(pthread_create(&thread, NULL, stop_later, &finished), 0);
	loop_release(COUNT(fds));
	pthread_join(thread, NULL);
	assert_true(finished);
	for (size_t i = 0; i < COUNT(fds); i++) {
		loop_assert_answer(fastcgi_read(fds[i]), "parked");
		assert_true(fastcgi_farewell(fds[i]));
		assert_true(fastcgi_closed(fds[i]));
		close(fds[i]);
	}
	loop_free();
}

static void
test_stop_answers_what_was_being_sent(void **state)
{
	int fd = fastcgi_connect(loop_address());
	int64_t connections, requests = 0;

	(void)state;
	loop_begin(fd, "/echo", "10");
	fastcgi_send(fd, "12345", 5);
	while (requests == 0) {
		server_count(loop_server, &connections, &requests);
		process_breathe();
	}
	assert_false(server_stop(loop_server, 0));
	fastcgi_send(fd, "67890", 5);
	fastcgi_end(fd);
	loop_assert_answer(fastcgi_read(fd), "1234567890");
	assert_true(fastcgi_farewell(fd));
	assert_true(fastcgi_closed(fd));
	close(fd);
}

static void
test_addresses(void **state)
{
	char long_path[200] = "unix:/", other[80];

	(void)state;
	memset(long_path + 6, 'x', sizeof(long_path) - 7);
	assert_int_equal(server_listen("127.0.0.1:9000"), -1);
	assert_int_equal(server_listen("unix:"), -1);
	assert_int_equal(server_listen(long_path), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(server_listen("unix:/nowhere/at/all"), -1);
	assert_int_equal(errno, ENOENT);

	snprintf(other, sizeof(other), "unix:%s/other.sock", loop_folder());
	int first = server_listen(other);
	assert_true(first >= 0);
	assert_int_equal(server_listen(other), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(first);
	int second = server_listen(other);
	assert_true(second >= 0);
	close(second);
	unlink(other + strlen("unix:"));
}

int
main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, loop_setup, loop_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_parked_requests_hold_no_thread),
		cmocka_unit_test_setup_teardown(
		    test_one_connection_too_many_is_told_so, loop_setup_narrow, loop_teardown),
		cmocka_unit_test_setup_teardown(test_more_connections_than_places_wait_their_turn,
		    loop_setup_narrow, loop_teardown),
		TEST(test_stop_asks_to_close_idle_connections),
		TEST(test_stop_answers_behind_the_farewell),
		TEST(test_stop_waits_for_no_peer_for_ever),
		TEST(test_stop_waits_for_parked_requests),
		TEST(test_stop_answers_what_was_being_sent),
		cmocka_unit_test(test_addresses),
	};
#undef TEST

	loop_prepare();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	loop_clean();
	return failed;
}
