#include "tests/receiver.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

#define REQUESTS_MAX 64
#define REQUEST_MAX_BYTES 65536
#define AWAIT_S 30
#define HEAD_END "\r\n\r\n"

static struct {
	pthread_mutex_t lock; /* guards all that follows it */
	pthread_cond_t changed;
	const char *answer;
	struct receiver_request requests[REQUESTS_MAX];
	size_t count;
	int open; /* the connection that stays open; -1: none does */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .open = -1 };

static pthread_t thread;
static int listener;
static int port;

static void
keep(struct receiver_request request)
{
	pthread_mutex_lock(&state.lock);
	if (state.count == REQUESTS_MAX)
		abort();
	state.requests[state.count++] = request;
	pthread_cond_broadcast(&state.changed);
	pthread_mutex_unlock(&state.lock);
}

static size_t
body_length(const char *head)
{
	const char *at = strcasestr(head, "\r\ncontent-length:");

	return at == NULL ? 0 : strtoul(at + strlen("\r\ncontent-length:"), NULL, 10);
}

/* False: the peer went away first. */
static bool
read_request(int fd, struct receiver_request *ret)
{
	char bytes[REQUEST_MAX_BYTES + 1] = "";
	size_t len = 0;
	char *end = NULL;

	while (end == NULL || strlen(end) < strlen(HEAD_END) + body_length(bytes)) {
		ssize_t got = recv(fd, bytes + len, REQUEST_MAX_BYTES - len, 0);

		if (got <= 0)
			return false;
		len += (size_t)got;
		bytes[len] = '\0';
		end = strstr(bytes, HEAD_END);
	}
	ret->head = strndup(bytes, (size_t)(end - bytes));
	ret->body = strdup(end + strlen(HEAD_END));
	return true;
}

static void
set_open(int fd)
{
	pthread_mutex_lock(&state.lock);
	state.open = fd;
	pthread_cond_broadcast(&state.changed);
	pthread_mutex_unlock(&state.lock);
}

static void
send_answer(int fd)
{
	const char *answer;
	char byte;

	pthread_mutex_lock(&state.lock);
	answer = state.answer;
	pthread_mutex_unlock(&state.lock);
	if (answer == NULL) {
		set_open(fd);
		(void)!recv(fd, &byte, 1, 0);
		set_open(-1);
		return;
	}
	(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	(void)send(fd, HEAD_END, strlen(HEAD_END), MSG_NOSIGNAL);
}

static void *
serve(void *context)
{
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		struct receiver_request request;

		if (read_request(fd, &request)) {
			keep(request);
			send_answer(fd);
		}
		close(fd);
	}
	return context;
}

void
receiver_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, len) != 0 || listen(listener, 16) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		abort();
	port = ntohs(address.sin_port);
	if (pthread_create(&thread, NULL, serve, NULL) != 0)
		abort();
}

void
receiver_stop(void)
{
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	receiver_forget();
}

int
receiver_port(void)
{
	return port;
}

void
receiver_answer(const char *head)
{
	pthread_mutex_lock(&state.lock);
	state.answer = head;
	pthread_mutex_unlock(&state.lock);
}

void
receiver_drop(const char *head)
{
	pthread_mutex_lock(&state.lock);
	while (state.open < 0)
		pthread_cond_wait(&state.changed, &state.lock);
	state.answer = head;
	(void)shutdown(state.open, SHUT_RDWR);
	pthread_mutex_unlock(&state.lock);
}

void
receiver_forget(void)
{
	pthread_mutex_lock(&state.lock);
	while (state.count > 0) {
		state.count--;
		free(state.requests[state.count].head);
		free(state.requests[state.count].body);
	}
	pthread_mutex_unlock(&state.lock);
}

size_t
receiver_count(void)
{
	size_t count;

	pthread_mutex_lock(&state.lock);
	count = state.count;
	pthread_mutex_unlock(&state.lock);
	return count;
}

void
receiver_await(size_t count)
{
	struct timespec until;
	bool came;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += AWAIT_S;
	pthread_mutex_lock(&state.lock);
	while (
	    state.count < count && pthread_cond_timedwait(&state.changed, &state.lock, &until) == 0)
		continue;
	came = state.count >= count;
	pthread_mutex_unlock(&state.lock);
	assert_true(came);
}

struct receiver_request
receiver_request(size_t i)
{
	assert_true(i < receiver_count());
	return state.requests[i];
}

char *
receiver_header(size_t i, const char *name)
{
	const char *at = strcasestr(receiver_request(i).head, name);

	if (at == NULL || at[strlen(name)] != ':')
		fail_msg("no header %s: %s", name, receiver_request(i).head);
	at += strlen(name) + 1;
	at += strspn(at, " ");
	return strndup(at, strcspn(at, "\r"));
}
