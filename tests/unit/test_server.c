/*
 * The server loop without HTTP: connections, half-sent requests, bodies, parked requests, the stop.
 * Every test runs a server of its own in this process.
 */
#include "tests/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/server.h"
#include "lib/buf.h"
#include "tests/fastcgi.h"
#include "tests/process.h"

#define THREADS 4
#define CONNECTIONS_MAX 100
#define BODY_MAX 100000
#define LARGE (3 << 20)
#define STOP_MS 30000

/* Requests for /park wait here for release(). */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct call *calls[CONNECTIONS_MAX];
	size_t count;
} parked = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static char folder[] = "/tmp/tally-test-server-XXXXXX";
static char address[64];
static int listen_fd;
static struct server *server;

static void
finish(struct call *call, const char *text, size_t len)
{
	static const char head[] = "Status: 200 OK\r\n\r\n";

	server_finish(call, (struct text){ head, sizeof(head) - 1 }, (struct text){ text, len });
}

static void
park(struct call *call)
{
	pthread_mutex_lock(&parked.lock);
	parked.calls[parked.count++] = call;
	pthread_cond_broadcast(&parked.changed);
	pthread_mutex_unlock(&parked.lock);
}

/* Waits until so many are parked, then finishes them on this thread. */
static void
release(size_t count)
{
	pthread_mutex_lock(&parked.lock);
	while (parked.count < count)
		pthread_cond_wait(&parked.changed, &parked.lock);
	parked.count = 0;
	pthread_mutex_unlock(&parked.lock);
	for (size_t i = 0; i < count; i++)
		finish(parked.calls[i], "parked", 6);
}

static void
echo(struct call *call)
{
	static const char *const words[] = {
		[CALL_OK] = "", [CALL_TOO_LARGE] = "too large", [CALL_SHORT] = "short"
	};
	struct text body;
	enum call_read result = call_read_body(call, BODY_MAX, &body);

	if (result == CALL_OK)
		finish(call, body.at, body.len);
	else
		finish(call, words[result], strlen(words[result]));
}

static void
handle(struct call *call, struct arena *arena, void *thread_state)
{
	const char *path = call_param(call, "REQUEST_URI");

	assert_ptr_equal(thread_state, &parked);
	if (call_is_refused(call))
		finish(call, "refused", 7);
	else if (strcmp(path, "/park") == 0)
		park(call);
	else if (strcmp(path, "/echo") == 0)
		echo(call);
	else if (strcmp(path, "/large") == 0)
		finish(call, arena_alloc(arena, LARGE), LARGE);
	else
		finish(call, path, strlen(path));
}

static void *
begin_thread(void *context)
{
	return context;
}

static void
end_thread(void *thread_state UNUSED)
{
}

static void
start_server(int64_t io_timeout_ms, int connections_max)
{
	const struct server_settings settings = {
		.listen_fd = listen_fd = server_listen(address),
		.threads = THREADS,
		.connections_max = connections_max,
		.io_timeout_ms = io_timeout_ms,
		.handle = handle,
		.thread_begin = begin_thread,
		.thread_end = end_thread,
		.context = &parked,
	};

	assert_true(listen_fd >= 0);
	server = server_new(&settings);
	server_start(server);
}

static int
setup(void **state)
{
	(void)state;
	start_server(60000, CONNECTIONS_MAX);
	return 0;
}

static int
setup_impatient(void **state)
{
	(void)state;
	start_server(100, CONNECTIONS_MAX);
	return 0;
}

static int
setup_narrow(void **state)
{
	(void)state;
	start_server(60000, 2);
	return 0;
}

static void
stop_server(void)
{
	assert_true(server_stop(server, STOP_MS));
	server_free(server);
	close(listen_fd);
	server = NULL;
}

static int
teardown(void **state)
{
	(void)state;
	if (server != NULL)
		stop_server();
	return 0;
}

static void
assert_answer(char *answer, const char *body)
{
	assert_non_null(answer);
	assert_string_equal(strstr(answer, "\r\n\r\n") + 4, body);
	free(answer);
}

static void
begin(int fd, const char *path, const char *length)
{
	const char *const params[] = { "REQUEST_METHOD", "POST", "REQUEST_URI", path,
		length != NULL ? "CONTENT_LENGTH" : NULL, length, NULL };

	fastcgi_begin(fd, true, params);
}

static void
test_requests_follow_each_other_on_a_connection(void **state)
{
	int fd = fastcgi_connect(address);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	assert_answer(fastcgi_get(fd, false, "/b"), "/b");
	assert_true(fastcgi_closed(fd));
	close(fd);
}

static void
test_idle_connections_hold_no_thread(void **state)
{
	int fds[THREADS * 10];
	int64_t connections, requests;

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = fastcgi_connect(address);
		assert_answer(fastcgi_get(fds[i], true, "/a"), "/a");
	}
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_answer(fastcgi_get(fds[i], true, "/b"), "/b");
	server_count(server, &connections, &requests);
	assert_int_equal(connections, COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void
test_half_a_request_blocks_no_other(void **state)
{
	int halves[THREADS - 1], fd = fastcgi_connect(address);

	(void)state;
	for (size_t i = 0; i < COUNT(halves); i++) {
		halves[i] = fastcgi_connect(address);
		begin(halves[i], "/echo", "10");
		fastcgi_send(halves[i], "12345", 5);
	}
	for (int i = 0; i < 10; i++)
		assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	for (size_t i = 0; i < COUNT(halves); i++) {
		fastcgi_send(halves[i], "67890", 5);
		fastcgi_end(halves[i]);
		assert_answer(fastcgi_read(halves[i]), "1234567890");
		close(halves[i]);
	}
	close(fd);
}

static void
test_half_requests_are_given_up(void **state)
{
	int halves[THREADS * 3], fd = fastcgi_connect(address);

	(void)state;
	for (size_t i = 0; i < COUNT(halves); i++) {
		halves[i] = fastcgi_connect(address);
		begin(halves[i], "/echo", "10");
	}
	assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	for (size_t i = 0; i < COUNT(halves); i++) {
		assert_answer(fastcgi_read(halves[i]), "short");
		assert_true(fastcgi_closed(halves[i]));
		close(halves[i]);
	}
	close(fd);
}

static void
test_a_reader_that_does_not_read_is_given_up(void **state)
{
	int stuck[THREADS], fd;
	const char *const params[] = { "REQUEST_URI", "/large", NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(stuck); i++) {
		stuck[i] = fastcgi_connect(address);
		fastcgi_begin(stuck[i], true, params);
		fastcgi_end(stuck[i]);
	}
	fd = fastcgi_connect(address);
	assert_answer(fastcgi_get(fd, true, "/a"), "/a");
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
		int fd = fastcgi_connect(address);

		assert_int_equal(write(fd, texts[i], 8), 8);
		assert_true(fastcgi_closed(fd));
		close(fd);
	}
}

static void
test_a_caller_that_leaves_early_harms_nobody(void **state)
{
	int fd;

	(void)state;
	for (int i = 0; i < 20; i++) {
		fd = fastcgi_connect(address);
		begin(fd, i % 2 == 0 ? "/echo" : "/large", "10");
		if (i % 4 < 2)
			fastcgi_end(fd);
		close(fd);
	}
	fd = fastcgi_connect(address);
	assert_answer(fastcgi_get(fd, true, "/a"), "/a");
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
	{ "exactly the limit", "100000", BODY_MAX, false, false },
	{ "a byte beyond the limit", "100001", BODY_MAX + 1, true, false },
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
	int fd = fastcgi_connect(address);

	(void)state;
	memset(bytes, 'x', 5000000);
	for (size_t i = 0; i < COUNT(bodies); i++) {
		const struct body *row = &bodies[i];
		char *expected = row->too_large	 ? strdup("too large")
				 : row->is_short ? strdup("short")
						 : strndup(bytes, row->sent);

		print_message("%s\n", row->sentence);
		begin(fd, "/echo", row->length);
		fastcgi_send(fd, bytes, row->sent);
		fastcgi_end(fd);
		assert_answer(fastcgi_read(fd), expected);
		free(expected);
	}
	/* Nothing of all that is left on the connection. */
	assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	close(fd);
	free(bytes);
}

static void
test_an_unread_body_is_not_the_next_request(void **state)
{
	int fd = fastcgi_connect(address);
	char bytes[20000] = { 0 };

	(void)state;
	begin(fd, "/a", "20000");
	fastcgi_send(fd, bytes, sizeof(bytes));
	fastcgi_end(fd);
	assert_answer(fastcgi_read(fd), "/a");
	assert_answer(fastcgi_get(fd, true, "/b"), "/b");
	close(fd);
}

static void
test_large_parameters(void **state)
{
	char path[30000];
	int fd = fastcgi_connect(address);

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_answer(fastcgi_get(fd, true, path), path);
	close(fd);
}

static void
test_large_answers_arrive_whole(void **state)
{
	int fd = fastcgi_connect(address);
	const char *const params[] = { "REQUEST_URI", "/large", NULL };

	(void)state;
	fastcgi_begin(fd, true, params);
	fastcgi_end(fd);
	char *answer = fastcgi_read(fd);
	assert_non_null(answer);
	free(answer);
	assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	close(fd);
}

static void
test_parked_requests_hold_no_thread(void **state)
{
	int fds[THREADS * 5], fd = fastcgi_connect(address);

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = fastcgi_connect(address);
		begin(fds[i], "/park", NULL);
		fastcgi_end(fds[i]);
	}
	assert_answer(fastcgi_get(fd, true, "/a"), "/a");
	release(COUNT(fds));
	for (size_t i = 0; i < COUNT(fds); i++) {
		assert_answer(fastcgi_read(fds[i]), "parked");
		assert_answer(fastcgi_get(fds[i], true, "/b"), "/b");
		close(fds[i]);
	}
	close(fd);
}

static void
test_one_connection_too_many_is_told_so(void **state)
{
	int first = fastcgi_connect(address), second = fastcgi_connect(address), third;

	(void)state;
	assert_answer(fastcgi_get(first, true, "/a"), "/a");
	assert_answer(fastcgi_get(second, true, "/a"), "/a");
	for (int i = 0; i < SERVER_REFUSED_MAX * 2; i++) {
		third = fastcgi_connect(address);
		assert_answer(fastcgi_get(third, true, "/a"), "refused");
		assert_true(fastcgi_closed(third));
		close(third);
	}
	assert_answer(fastcgi_get(first, false, "/b"), "/b");
	assert_true(fastcgi_closed(first));
	third = fastcgi_connect(address);
	assert_answer(fastcgi_get(third, true, "/a"), "/a");
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
		fds[i] = fastcgi_connect(address);
	for (size_t i = 0; i < COUNT(fds); i++) {
		char *answer = fastcgi_get(fds[i], false, "/a");

		assert_non_null(answer);
		free(answer);
		close(fds[i]);
	}
}

static void
test_stop_closes_idle_connections(void **state)
{
	int used = fastcgi_connect(address), fresh = fastcgi_connect(address);

	(void)state;
	assert_answer(fastcgi_get(used, true, "/a"), "/a");
	stop_server();
	assert_true(fastcgi_closed(used));
	close(used);
	close(fresh);
}

static void *
stop_later(void *argument)
{
	*(bool *)argument = server_stop(server, STOP_MS);
	return NULL;
}

static void
test_stop_waits_for_parked_requests(void **state)
{
	int fds[10];
	bool finished = false;
	pthread_t thread;

	(void)state;
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = fastcgi_connect(address);
		begin(fds[i], "/park", NULL);
		fastcgi_end(fds[i]);
	}
	pthread_mutex_lock(&parked.lock);
	while (parked.count < COUNT(fds))
		pthread_cond_wait(&parked.changed, &parked.lock);
	pthread_mutex_unlock(&parked.lock);
	assert_false(server_stop(server, 0));
	assert_int_equal(pthread_create(&thread, NULL, stop_later, &finished), 0);
	release(COUNT(fds));
	pthread_join(thread, NULL);
	assert_true(finished);
	for (size_t i = 0; i < COUNT(fds); i++) {
		assert_answer(fastcgi_read(fds[i]), "parked");
		assert_true(fastcgi_closed(fds[i]));
		close(fds[i]);
	}
	server_free(server);
	close(listen_fd);
	server = NULL;
}

static void
test_stop_answers_what_was_being_sent(void **state)
{
	int fd = fastcgi_connect(address);
	int64_t connections, requests = 0;

	(void)state;
	begin(fd, "/echo", "10");
	fastcgi_send(fd, "12345", 5);
	while (requests == 0) {
		server_count(server, &connections, &requests);
		process_breathe();
	}
	assert_false(server_stop(server, 0));
	fastcgi_send(fd, "67890", 5);
	fastcgi_end(fd);
	assert_answer(fastcgi_read(fd), "1234567890");
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

	snprintf(other, sizeof(other), "unix:%s/other.sock", folder);
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
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_requests_follow_each_other_on_a_connection),
		TEST(test_idle_connections_hold_no_thread),
		TEST(test_half_a_request_blocks_no_other),
		cmocka_unit_test_setup_teardown(
		    test_half_requests_are_given_up, setup_impatient, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_reader_that_does_not_read_is_given_up, setup_impatient, teardown),
		cmocka_unit_test_setup_teardown(
		    test_what_is_not_fastcgi_is_closed, setup_impatient, teardown),
		TEST(test_a_caller_that_leaves_early_harms_nobody),
		TEST(test_bodies),
		TEST(test_an_unread_body_is_not_the_next_request),
		TEST(test_large_parameters),
		TEST(test_large_answers_arrive_whole),
		TEST(test_parked_requests_hold_no_thread),
		cmocka_unit_test_setup_teardown(
		    test_one_connection_too_many_is_told_so, setup_narrow, teardown),
		cmocka_unit_test_setup_teardown(
		    test_more_connections_than_places_wait_their_turn, setup_narrow, teardown),
		TEST(test_stop_closes_idle_connections),
		TEST(test_stop_waits_for_parked_requests),
		TEST(test_stop_answers_what_was_being_sent),
		cmocka_unit_test(test_addresses),
	};
#undef TEST

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(address, sizeof(address), "unix:%s/tallyd.sock", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(address + strlen("unix:"));
	rmdir(folder);
	return failed;
}
