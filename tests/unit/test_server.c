/*
 * The server loop without HTTP: requests and bodies, whole and half, and callers that misbehave.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/server.h"
#include "tests/fastcgi.h"
#include "tests/loop.h"

static void
test_requests_follow_each_other_on_a_connection(void **state)
{
	int fd = fastcgi_connect(loop_address());

	(void)state;
	for (int i = 0; i < 100; i++)
		loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	loop_assert_answer(fastcgi_get(fd, false, "/b"), "/b");
	assert_true(fastcgi_closed(fd));
	close(fd);
}

static void
test_idle_connections_hold_no_thread(void **state)
{
	int fds[LOOP_THREADS * 10];
	int64_t connections, requests;

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = fastcgi_connect(loop_address());
		loop_assert_answer(fastcgi_get(fds[i], true, "/a"), "/a");
	}
	for (size_t i = 0; i < COUNT(fds); i++)
		loop_assert_answer(fastcgi_get(fds[i], true, "/b"), "/b");
	server_count(loop_server, &connections, &requests);
	assert_int_equal(connections, COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void
test_half_a_request_blocks_no_other(void **state)
{
	int halves[LOOP_THREADS - 1], fd = fastcgi_connect(loop_address());

	(void)state;
	for (size_t i = 0; i < COUNT(halves); i++) {
		halves[i] = fastcgi_connect(loop_address());
		loop_begin(halves[i], "/echo", "10");
		fastcgi_send(halves[i], "12345", 5);
	}
	for (int i = 0; i < 10; i++)
		loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	for (size_t i = 0; i < COUNT(halves); i++) {
		fastcgi_send(halves[i], "67890", 5);
		fastcgi_end(halves[i]);
		loop_assert_answer(fastcgi_read(halves[i]), "1234567890");
		close(halves[i]);
	}
	close(fd);
}

static void
test_half_requests_are_given_up(void **state)
{
	int halves[LOOP_THREADS * 3], fd = fastcgi_connect(loop_address());

	(void)state;
	for (size_t i = 0; i < COUNT(halves); i++) {
		halves[i] = fastcgi_connect(loop_address());
		loop_begin(halves[i], "/echo", "10");
	}
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	for (size_t i = 0; i < COUNT(halves); i++) {
		loop_assert_answer(fastcgi_read(halves[i]), "short");
		assert_true(fastcgi_farewell(halves[i]));
		assert_true(fastcgi_closed(halves[i]));
		close(halves[i]);
	}
	close(fd);
}

static void
test_a_reader_that_does_not_read_is_given_up(void **state)
{
	int stuck[LOOP_THREADS], fd;
	const char *const params[] = { "REQUEST_URI", "/large", NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(stuck); i++) {
		stuck[i] = fastcgi_connect(loop_address());
		fastcgi_begin(stuck[i], true, params);
		fastcgi_end(stuck[i]);
	}
	fd = fastcgi_connect(loop_address());
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	for (size_t i = 0; i < COUNT(stuck); i++) {
		assert_null(fastcgi_read(stuck[i]));
		close(stuck[i]);
	}
	close(fd);
}

static void
test_what_is_not_fastcgi_is_closed(void **state)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\n\r\n",
		"\x01\x04\x00\x01\x00\x00\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		int fd = fastcgi_connect(loop_address());

		assert_int_equal(write(fd, texts[i], 8), 8);
		assert_true(fastcgi_closed(fd));
		close(fd);
	}
}

/* Answers are made out to the one request that nginx has on a connection. */
static void
test_a_request_of_another_number_is_closed(void **state)
{
	static const char request[] = "\x01\x01\x00\x02\x00\x08\x00\x00" /* begins, number 2 */
				      "\x00\x01\x01\x00\x00\x00\x00\x00"
				      "\x01\x04\x00\x02\x00\x00\x00\x00"
				      "\x01\x05\x00\x02\x00\x00\x00\x00";
	int fd = fastcgi_connect(loop_address());

	(void)state;
	assert_int_equal(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
	assert_true(fastcgi_closed(fd));
	close(fd);
}

static void
test_a_caller_that_leaves_early_harms_nobody(void **state)
{
	int fd;

	(void)state;
	for (int i = 0; i < 20; i++) {
		fd = fastcgi_connect(loop_address());
		loop_begin(fd, i % 2 == 0 ? "/echo" : "/large", "10");
		if (i % 4 < 2)
			fastcgi_end(fd);
		close(fd);
	}
	fd = fastcgi_connect(loop_address());
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	close(fd);
}

static const struct body {
	const char *sentence;
	const char *length; /* Content-Length; NULL: none */
	size_t sent;
	bool too_large, is_short;
} bodies[] = {
	{ "no body", NULL, 0, false, false },
	{ "an empty Content-Length", "", 0, false, false },
	{ "zero", "0", 0, false, false },
	{ "a byte", "1", 1, false, false },
	{ "more than a record", "70000", 70000, false, false },
	{ "exactly the limit", "100000", LOOP_BODY_MAX, false, false },
	{ "a byte beyond the limit", "100001", LOOP_BODY_MAX + 1, true, false },
	{ "far beyond the limit", "5000000", 5000000, true, false },
	{ "a length that does not fit any number", "99999999999999999999999", 1, true, false },
	{ "no number", "ten", 10, true, false },
	{ "a negative number", "-1", 1, true, false },
	{ "a byte is missing", "11", 10, false, true },
	{ "all is missing", "11", 0, false, true },
	{ "a byte more than announced", "10", 11, false, true },
	{ "a body that was not announced", NULL, 5, false, true },
};

static void
test_bodies(void **state)
{
	char *bytes = calloc(1, 5000001);
	int fd = fastcgi_connect(loop_address());

	(void)state;
	memset(bytes, 'x', 5000000);
	for (size_t i = 0; i < COUNT(bodies); i++) {
		const struct body *row = &bodies[i];
		char *expected = row->too_large	 ? strdup("too large")
				 : row->is_short ? strdup("short")
						 : strndup(bytes, row->sent);

		print_message("%s\n", row->sentence);
		loop_begin(fd, "/echo", row->length);
		fastcgi_send(fd, bytes, row->sent);
		fastcgi_end(fd);
		loop_assert_answer(fastcgi_read(fd), expected);
		free(expected);
	}
	/* Nothing of all that is left on the connection. */
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	close(fd);
	free(bytes);
}

static void
test_an_unread_body_is_not_the_next_request(void **state)
{
	int fd = fastcgi_connect(loop_address());
	char bytes[20000] = { 0 };

	(void)state;
	loop_begin(fd, "/a", "20000");
	fastcgi_send(fd, bytes, sizeof(bytes));
	fastcgi_end(fd);
	loop_assert_answer(fastcgi_read(fd), "/a");
	loop_assert_answer(fastcgi_get(fd, true, "/b"), "/b");
	close(fd);
}

static void
test_large_parameters(void **state)
{
	char path[30000];
	int fd = fastcgi_connect(loop_address());

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	loop_assert_answer(fastcgi_get(fd, true, path), path);
	close(fd);
}

static void
test_large_answers_arrive_whole(void **state)
{
	int fd = fastcgi_connect(loop_address());
	const char *const params[] = { "REQUEST_URI", "/large", NULL };

	(void)state;
	fastcgi_begin(fd, true, params);
	fastcgi_end(fd);
	char *answer = fastcgi_read(fd);
	assert_non_null(answer);
	free(answer);
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	close(fd);
}

static void
test_parts_make_one_answer(void **state)
{
	char *expected = calloc(1, LOOP_LARGE + 10);
	int fd = fastcgi_connect(loop_address());

	(void)state;
	memset(stpcpy(expected, "first"), 'm', LOOP_LARGE);
	memcpy(expected + strlen("first") + LOOP_LARGE, "last", strlen("last"));
	for (int i = 0; i < 2; i++)
		loop_assert_answer(fastcgi_get(fd, true, "/parts"), expected);
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	close(fd);
	free(expected);
}

static void
test_an_answer_that_is_cut_has_no_end(void **state)
{
	int fd = fastcgi_connect(loop_address());

	(void)state;
	assert_null(fastcgi_get(fd, true, "/cut"));
	close(fd);
	fd = fastcgi_connect(loop_address());
	loop_assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	close(fd);
}

int
main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, loop_setup, loop_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_requests_follow_each_other_on_a_connection),
		TEST(test_idle_connections_hold_no_thread),
		TEST(test_half_a_request_blocks_no_other),
		cmocka_unit_test_setup_teardown(
		    test_half_requests_are_given_up, loop_setup_impatient, loop_teardown),
		cmocka_unit_test_setup_teardown(test_a_reader_that_does_not_read_is_given_up,
		    loop_setup_impatient, loop_teardown),
		cmocka_unit_test_setup_teardown(
		    test_what_is_not_fastcgi_is_closed, loop_setup_impatient, loop_teardown),
		TEST(test_a_request_of_another_number_is_closed),
		TEST(test_a_caller_that_leaves_early_harms_nobody),
		TEST(test_bodies),
		TEST(test_an_unread_body_is_not_the_next_request),
		TEST(test_large_parameters),
		TEST(test_large_answers_arrive_whole),
		TEST(test_parts_make_one_answer),
		TEST(test_an_answer_that_is_cut_has_no_end),
	};
#undef TEST

	loop_prepare();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	loop_clean();
	return failed;
}
