/*
 * Inside the server: server.c speaks FastCGI, server_set.c keeps the set of connections.
 */
#ifndef APP_SERVER_PRIVATE_H
#define APP_SERVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "app/server.h"

#define SERVER_ACCEPT_RETRY_MS 100 /* when descriptors or places ran out */
#define SERVER_ARENAS_KEPT 64

struct FCGX_Request;

enum call_state { CALL_FREE, CALL_IDLE, CALL_BUSY, CALL_LEAVING };

/* A place for a connection; it carries one request at a time. */
struct call {
	struct server *server;
	struct FCGX_Request *fcgi;
	struct arena *arena;
	int fd;
	bool refused;
	bool broken; /* the stream is out of step: answer, then close */
	atomic_bool used; /* the connection has carried a request */
	_Atomic(enum call_state) state;
};

struct server {
	struct server_settings settings;
	int epoll_fd;
	int end_fd; /* an eventfd, readable from the moment the threads shall end */
	pthread_t *threads;
	struct call *calls;
	struct FCGX_Request *fcgi; /* one for each call */
	size_t call_count;
	atomic_int connections, requests;
	atomic_bool stopping, ending;
	atomic_bool paused; /* the listening socket is not armed: no place or no descriptor */
	/* Guards free_calls and arenas; held while a connection closes, so that server_stop() never
	 * touches a descriptor that means something else by now. */
	pthread_mutex_t lock;
	pthread_cond_t empty; /* connections fell to 0 while stopping */
	struct call **free_calls;
	size_t free_count;
	struct arena *arenas[SERVER_ARENAS_KEPT];
	size_t arena_count;
};

/* Arms a descriptor for one event, which then carries what. */
void server_arm(struct server *server, int operation, int fd, void *what);
/* Accepts what waits at the listening socket, a bounded number, and arms it again. */
void server_accept(struct server *server);
/* Arms the listening socket again if it was not. */
void server_resume(struct server *server);
/* Closes a connection and frees its place. */
void server_drop(struct call *call);
/* Gives back a connection whose request is answered; anyone may serve or close it from here on. */
void server_rest(struct call *call);

/* Arenas of finished requests, kept for the next. */
struct arena *server_take_arena(struct server *server);
void server_give_arena(struct server *server, struct arena *arena);

#endif
