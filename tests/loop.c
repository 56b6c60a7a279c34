#include "tests/loop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/server.h"
#include "tests/fastcgi.h"
#include "tests/test.h"

#define CONNECTIONS_MAX 100

/* Requests for /park. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct call *calls[CONNECTIONS_MAX];
	size_t count;
} parked = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

struct server *loop_server;
static char folder[] = "/tmp/tally-loop-XXXXXX";
static char address[64];
static int listen_fd;

void
loop_prepare(void)
{
	if (mkdtemp(folder) == NULL)
		abort();
	snprintf(address, sizeof(address), "unix:%s/tallyd.sock", folder);
}

void
loop_clean(void)
{
	unlink(address + strlen("unix:"));
	rmdir(folder);
}

const char *
loop_folder(void)
{
	return folder;
}

const char *
loop_address(void)
{
	return address;
}

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

void
loop_await_parked(size_t count)
{
	pthread_mutex_lock(&parked.lock);
	while (parked.count < count)
		pthread_cond_wait(&parked.changed, &parked.lock);
	pthread_mutex_unlock(&parked.lock);
}

void
loop_release(size_t count)
{
	loop_await_parked(count);
	pthread_mutex_lock(&parked.lock);
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
	enum call_read result = call_read_body(call, LOOP_BODY_MAX, &body);

	if (result == CALL_OK)
		finish(call, body.at, body.len);
	else
		finish(call, words[result], strlen(words[result]));
}

/* Three parts; the middle one is of many records. */
static void
send_parts(struct call *call, struct arena *arena, bool whole)
{
	static const char head[] = "Status: 200 OK\r\n\r\n";
	const struct text none = { 0 };
	char *middle = arena_alloc(arena, LOOP_LARGE);

	memset(middle, 'm', LOOP_LARGE);
	if (!server_send(call, (struct text){ head, sizeof(head) - 1 }, none) ||
	    !server_send(call, none, (struct text){ "first", 5 }) ||
	    !server_send(call, none, (struct text){ middle, LOOP_LARGE }) || !whole)
		server_cut(call);
	else
		server_finish(call, none, (struct text){ "last", 4 });
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
	else if (strcmp(path, "/parts") == 0 || strcmp(path, "/cut") == 0)
		send_parts(call, arena, strcmp(path, "/parts") == 0);
	else if (strcmp(path, "/large") == 0)
		finish(call, arena_alloc(arena, LOOP_LARGE), LOOP_LARGE);
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

void
loop_start(int64_t io_timeout_ms, int connections_max)
{
	const struct server_settings settings = {
		.listen_fd = listen_fd = server_listen(address),
		.threads = LOOP_THREADS,
		.connections_max = connections_max,
		.io_timeout_ms = io_timeout_ms,
		.handle = handle,
		.thread_begin = begin_thread,
		.thread_end = end_thread,
		.context = &parked,
	};

	assert_true(listen_fd >= 0);
	loop_server = server_new(&settings);
	server_start(loop_server);
}

void
loop_free(void)
{
	server_free(loop_server);
	close(listen_fd);
	loop_server = NULL;
}

void
loop_stop(void)
{
	assert_true(server_stop(loop_server, LOOP_STOP_MS));
	loop_free();
}

int
loop_setup(void **state)
{
	(void)state;
	loop_start(60000, CONNECTIONS_MAX);
	return 0;
}

int
loop_setup_impatient(void **state)
{
	(void)state;
	loop_start(100, CONNECTIONS_MAX);
	return 0;
}

int
loop_setup_narrow(void **state)
{
	(void)state;
	loop_start(60000, 2);
	return 0;
}

int
loop_teardown(void **state)
{
	(void)state;
	if (loop_server != NULL)
		loop_stop();
	return 0;
}

void
loop_begin(int fd, const char *path, const char *length)
{
	const char *const params[] = { "REQUEST_METHOD", "POST", "REQUEST_URI", path,
		length != NULL ? "CONTENT_LENGTH" : NULL, length, NULL };

	fastcgi_begin(fd, true, params);
}

void
loop_assert_answer(char *answer, const char *body)
{
	assert_non_null(answer);
	assert_string_equal(strstr(answer, "\r\n\r\n") + 4, body);
	free(answer);
}
