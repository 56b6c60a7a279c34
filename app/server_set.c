#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "app/server_private.h"

#define ACCEPT_MAX 64 /* in a row, before the thread looks at other events */
/* How long a peer has to close its connections at the stop. nginx does so at once. */
#define FAREWELL_MS 5000

struct arena *
server_take_arena(struct server *server)
{
	struct arena *arena = NULL;

	pthread_mutex_lock(&server->lock);
	if (server->arena_count > 0)
		arena = server->arenas[--server->arena_count];
	pthread_mutex_unlock(&server->lock);
	return arena != NULL ? arena : arena_new();
}

void
server_give_arena(struct server *server, struct arena *arena)
{
	arena_reset(arena);
	pthread_mutex_lock(&server->lock);
	if (server->arena_count < SERVER_ARENAS_KEPT) {
		server->arenas[server->arena_count++] = arena;
		arena = NULL;
	}
	pthread_mutex_unlock(&server->lock);
	if (arena != NULL)
		arena_free(arena);
}

void
server_arm(struct server *server, int operation, int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = what };

	if (epoll_ctl(server->epoll_fd, operation, fd, &event) < 0)
		abort();
}

void
server_resume(struct server *server)
{
	if (!atomic_exchange(&server->paused, false))
		return;
	pthread_mutex_lock(&server->lock);
	if (!atomic_load(&server->stopping))
		server_arm(server, EPOLL_CTL_MOD, server->settings.listen_fd, server);
	pthread_mutex_unlock(&server->lock);
}

void
server_drop(struct call *call)
{
	struct server *server = call->server;

	pthread_mutex_lock(&server->lock);
	if (call->fd >= 0)
		close(call->fd);
	call->fd = -1;
	atomic_store(&call->state, CALL_FREE);
	server->free_calls[server->free_count++] = call;
	if (atomic_fetch_sub(&server->connections, 1) == 1 && atomic_load(&server->stopping))
		pthread_cond_signal(&server->empty);
	pthread_mutex_unlock(&server->lock);
	server_resume(server);
}

static struct call *
take_call(struct server *server)
{
	struct call *call = NULL;

	pthread_mutex_lock(&server->lock);
	if (server->free_count > 0)
		call = server->free_calls[--server->free_count];
	pthread_mutex_unlock(&server->lock);
	return call;
}

static void
set_timeouts(int fd, int64_t timeout_ms)
{
	struct timeval time = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

/* To be called with the lock held. */
static void
say_farewell(struct call *call)
{
	enum call_state idle = CALL_IDLE;

	if (atomic_compare_exchange_strong(&call->state, &idle, CALL_LEAVING))
		server_send_farewell(call->fd);
}

/* Into the set; nobody else closes the connection until it is armed. */
static void
rest(struct call *call, int operation, enum call_state state)
{
	struct server *server = call->server;
	int fd = call->fd;

	atomic_store(&call->state, state);
	if (atomic_load(&server->stopping)) {
		pthread_mutex_lock(&server->lock);
		say_farewell(call);
		if (server->impatient)
			shutdown(fd, SHUT_RD);
		pthread_mutex_unlock(&server->lock);
	}
	server_arm(server, operation, fd, call);
}

void
server_rest(struct call *call, bool farewell)
{
	rest(call, EPOLL_CTL_MOD, farewell ? CALL_LEAVING : CALL_IDLE);
}

/* False when there is no further connection to accept now. */
static bool
accept_one(struct server *server)
{
	struct call *call = take_call(server);

	if (call == NULL) {
		atomic_store(&server->paused, true);
		return false;
	}
	/* Counted before it is there: server_stop() either waits for it or leaves it to others. */
	int before = atomic_fetch_add(&server->connections, 1);
	errno = EAGAIN;
	int fd = atomic_load(&server->stopping)
		     ? -1
		     : accept4(server->settings.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	int reason = errno;
	if (fd >= 0)
		set_timeouts(fd, server->settings.io_timeout_ms);

	call->fd = fd;
	call->broken = false;
	call->refused = before >= server->settings.connections_max;
	if (fd < 0) {
		server_drop(call);
		atomic_store(&server->paused, reason != EAGAIN && reason != ECONNABORTED);
		return false;
	}
	rest(call, EPOLL_CTL_ADD, CALL_IDLE);
	return true;
}

void
server_accept(struct server *server)
{
	for (int i = 0; i < ACCEPT_MAX && !atomic_load(&server->stopping); i++)
		if (!accept_one(server))
			break;
	if (atomic_load(&server->paused))
		return;
	atomic_store(&server->paused, true);
	server_resume(server);
}

/* Whether all connections are closed, at the latest after timeout_ms. The lock is held. */
static bool
wait_until_empty(struct server *server, int64_t timeout_ms)
{
	struct timespec until;
	int waited = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(timeout_ms / 1000);
	until.tv_nsec += (long)(timeout_ms % 1000 * 1000000);
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (atomic_load(&server->connections) > 0 && waited == 0)
		waited = pthread_cond_timedwait(&server->empty, &server->lock, &until);
	return atomic_load(&server->connections) == 0;
}

/* A peer that has not closed its connections by now is not nginx, or it stands still. What it sent
 * is still read. */
static void
lose_patience(struct server *server)
{
	server->impatient = true;
	for (size_t i = 0; i < server->call_count; i++)
		if (atomic_load(&server->calls[i].state) == CALL_LEAVING)
			shutdown(server->calls[i].fd, SHUT_RD);
}

bool
server_stop(struct server *server, int64_t timeout_ms)
{
	int64_t farewell_ms = timeout_ms < FAREWELL_MS ? timeout_ms : FAREWELL_MS;

	pthread_mutex_lock(&server->lock);
	atomic_store(&server->stopping, true);
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->settings.listen_fd, NULL);
	for (size_t i = 0; i < server->call_count; i++)
		say_farewell(&server->calls[i]);
	bool finished = wait_until_empty(server, farewell_ms);
	if (!finished) {
		lose_patience(server);
		finished = wait_until_empty(server, timeout_ms - farewell_ms);
	}
	pthread_mutex_unlock(&server->lock);
	if (!finished)
		return false;

	atomic_store(&server->ending, true);
	eventfd_write(server->end_fd, 1);
	for (int i = 0; i < server->settings.threads; i++)
		pthread_join(server->threads[i], NULL);
	return true;
}

void
server_count(struct server *server, int64_t *ret_connections, int64_t *ret_requests)
{
	*ret_connections = atomic_load(&server->connections);
	*ret_requests = atomic_load(&server->requests);
}
