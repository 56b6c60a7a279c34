#include <assert.h>
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/server_private.h"
#include "lib/buf.h"
#include "lib/clock.h"

#define BODY_STEP 65536
#define DRAIN_MAX (64 << 20) /* an unread body beyond it costs the connection */

/* Reads parameters. On false libfcgi has closed the descriptor. */
static bool
begin(struct call *call)
{
	FCGX_InitRequest(call->fcgi, -1, 0);
	/* Accept_r would close a descriptor given in advance unless keepConnection says otherwise.
	 */
	call->fcgi->ipcFd = call->fd;
	call->fcgi->keepConnection = 1;
	/* Else its own close waits up to two seconds for the peer. */
	FCGX_Detach(call->fcgi);
	if (FCGX_Accept_r(call->fcgi) != 0) {
		call->fd = -1;
		return false;
	}
	if (call->fcgi->requestId != SERVER_REQUEST_ID) {
		FCGX_Free(call->fcgi, 0);
		return false;
	}
	/* Answers go out by themselves, without a copy: server_send.c. */
	FCGX_FreeStream(&call->fcgi->out);
	FCGX_FreeStream(&call->fcgi->err);
	return true;
}

static void
serve(struct call *call, uint32_t events, void *thread_state)
{
	struct server *server = call->server;
	enum call_state idle = CALL_IDLE;

	if (!atomic_compare_exchange_strong(&call->state, &idle, CALL_BUSY)) {
		/* server_stop() may be about to say farewell: it comes before the answer. */
		pthread_mutex_lock(&server->lock);
		atomic_store(&call->state, CALL_BUSY);
		pthread_mutex_unlock(&server->lock);
	}
	if ((events & (EPOLLHUP | EPOLLERR)) != 0 || !begin(call)) {
		server_drop(call);
		return;
	}
	atomic_fetch_add(&server->requests, 1);
	call->arena = server_take_arena(server);
	server->settings.handle(call, call->arena, thread_state);
}

/* It is armed again first: what it is read for may take long. */
static void
wake(struct server *server, void *thread_state)
{
	const struct server_settings *settings = &server->settings;
	uint64_t count;

	if (read(settings->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
	server_arm(server, EPOLL_CTL_MOD, settings->wake_fd, &server->settings.wake);
	settings->wake(settings->context, thread_state);
}

static void *
run(void *argument)
{
	struct server *server = argument;
	void *state = server->settings.thread_begin(server->settings.context);

	while (!atomic_load(&server->ending)) {
		struct epoll_event event;
		int wait_ms = atomic_load(&server->paused) ? SERVER_ACCEPT_RETRY_MS : -1;
		int count = epoll_wait(server->epoll_fd, &event, 1, wait_ms);

		if (count == 0)
			server_resume(server);
		else if (count < 0 || event.data.ptr == NULL)
			continue;
		else if (event.data.ptr == server)
			server_accept(server);
		else if (event.data.ptr == &server->settings.wake)
			wake(server, state);
		else
			serve(event.data.ptr, event.events, state);
	}
	server->settings.thread_end(state);
	return NULL;
}

static void *
allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		abort();
	return memory;
}

struct server *
server_new(const struct server_settings *settings)
{
	struct server *server = allocate(1, sizeof(*server));

	if (FCGX_Init() != 0)
		abort();
	/* After FCGX_Init(), which installs a handler of its own; nginx may be gone at any write.
	 */
	signal(SIGPIPE, SIG_IGN);
	server->settings = *settings;
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->epoll_fd < 0 || server->end_fd < 0)
		abort();
	pthread_mutex_init(&server->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&server->empty, &monotonic);
	pthread_condattr_destroy(&monotonic);
	server->call_count = (size_t)settings->connections_max + SERVER_REFUSED_MAX;
	server->calls = allocate(server->call_count, sizeof(server->calls[0]));
	server->fcgi = allocate(server->call_count, sizeof(FCGX_Request));
	server->free_calls = allocate(server->call_count, sizeof(struct call *));
	server->threads = allocate((size_t)settings->threads, sizeof(pthread_t));
	for (size_t i = 0; i < server->call_count; i++) {
		server->calls[i] =
		    (struct call){ .server = server, .fcgi = &server->fcgi[i], .fd = -1 };
		server->free_calls[server->free_count++] = &server->calls[i];
	}
	return server;
}

void
server_start(struct server *server)
{
	struct epoll_event end = { .events = EPOLLIN, .data.ptr = NULL };
	int listen_fd = server->settings.listen_fd;

	if (fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK) < 0 ||
	    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->end_fd, &end) < 0)
		abort();
	server_arm(server, EPOLL_CTL_ADD, listen_fd, server);
	if (server->settings.wake != NULL)
		server_arm(server, EPOLL_CTL_ADD, server->settings.wake_fd, &server->settings.wake);
	for (int i = 0; i < server->settings.threads; i++)
		if (pthread_create(&server->threads[i], NULL, run, server) != 0)
			abort();
}

void
server_free(struct server *server)
{
	while (server->arena_count > 0)
		arena_free(server->arenas[--server->arena_count]);
	pthread_cond_destroy(&server->empty);
	pthread_mutex_destroy(&server->lock);
	close(server->end_fd);
	close(server->epoll_fd);
	free(server->threads);
	free(server->free_calls);
	free(server->fcgi);
	free(server->calls);
	free(server);
}

void *
call_context(struct call *call)
{
	return call->server->settings.context;
}

bool
call_is_refused(const struct call *call)
{
	return call->refused;
}

const char *
call_param(struct call *call, const char *name)
{
	return FCGX_GetParam(name, call->fcgi->envp);
}

/* The place of its name in names, or count. */
static size_t
find_name(const char *param, const struct text *names, size_t count)
{
	size_t len = strcspn(param, "="), i = 0;

	while (i < count && (names[i].len != len || memcmp(names[i].at, param, len) != 0))
		i++;
	return i;
}

void
call_params(struct call *call, const struct text *names, size_t count, const char **ret)
{
	for (size_t i = 0; i < count; i++)
		ret[i] = NULL;
	for (char **param = call->fcgi->envp; *param != NULL; param++) {
		size_t i = find_name(*param, names, count);

		/* As FCGX_GetParam() has it: of two of a name, the first. */
		if (i < count && ret[i] == NULL)
			ret[i] = *param + names[i].len + 1;
	}
}

void
server_drain(struct call *call)
{
	char scratch[BODY_STEP];
	size_t drained = 0;

	if (call->fcgi->in == NULL)
		return;
	while (!FCGX_HasSeenEOF(call->fcgi->in) && drained < DRAIN_MAX) {
		int count = FCGX_GetStr(scratch, sizeof(scratch), call->fcgi->in);
		drained += (size_t)count;
		if (count < (int)sizeof(scratch))
			break;
	}
	if (!FCGX_HasSeenEOF(call->fcgi->in) || FCGX_GetError(call->fcgi->in) != 0)
		call->broken = true;
	FCGX_FreeStream(&call->fcgi->in);
}

/* SIZE_MAX where it is not a number. */
static size_t
content_length(struct call *call)
{
	const char *value = call_param(call, "CONTENT_LENGTH");
	char *end;

	if (value == NULL || value[0] == '\0')
		return 0;
	errno = 0;
	unsigned long long length = strtoull(value, &end, 10);
	bool good = value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0;
	return good ? (size_t)length : SIZE_MAX;
}

enum call_read
call_read_body(struct call *call, size_t max, struct text *ret)
{
	size_t length = content_length(call);
	struct buf body = { .arena = call->arena };

	if (length > max) {
		server_drain(call);
		return CALL_TOO_LARGE;
	}
	/* In one piece, which is never moved: a large one comes from the system in pages, and of a
	 * length that lies only those are filled that something came for. */
	if (length > 0)
		body.len =
		    (size_t)FCGX_GetStr(buf_room(&body, length), (int)length, call->fcgi->in);
	bool ended = FCGX_GetChar(call->fcgi->in) == EOF && FCGX_GetError(call->fcgi->in) == 0;
	server_drain(call);
	*ret = buf_text(&body);
	return ended && body.len == length ? CALL_OK : CALL_SHORT;
}

void
server_end(struct call *call)
{
	FCGX_Free(call->fcgi, 0);
	server_give_arena(call->server, call->arena);
	call->arena = NULL;
	atomic_fetch_sub(&call->server->requests, 1);
}

void
server_finish(struct call *call, struct text head, struct text body)
{
	struct server *server = call->server;

	server_drain(call);
	bool asked_to_close = call->fcgi->keepConnection == 0;
	bool closes = call->refused || call->broken;
	bool farewell = !asked_to_close && (closes || atomic_load(&server->stopping));
	bool sent =
	    server_send_answer(call, head, body, farewell ? SERVER_SEND_FAREWELL : SERVER_SEND_END);
	server_end(call);
	if (!sent || asked_to_close || closes)
		server_drop(call);
	else
		server_rest(call, farewell);
}

bool
server_send(struct call *call, struct text head, struct text part)
{
	/* An empty record would be the end of the output. */
	assert(head.len + part.len > 0);
	return server_send_answer(call, head, part, SERVER_SEND_PART);
}

void
server_cut(struct call *call)
{
	server_drain(call);
	server_end(call);
	server_drop(call);
}
