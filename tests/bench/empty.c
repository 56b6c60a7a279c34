/*
 * The limit that tallyd is measured against: the same server loop with a handler that reads the
 * body and answers {}. empty unix:PATH [threads [connections]]; runs until SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/server.h"

#define BODY_MAX (16 << 20)
#define TEXT(literal) ((struct text){ literal, sizeof(literal) - 1 })

static void
answer(struct call *call, struct arena *arena UNUSED, void *state UNUSED)
{
	struct text body;

	if (call_read_body(call, BODY_MAX, &body) != CALL_OK)
		server_finish(call, TEXT("Status: 400\r\nContent-Length: 0\r\n\r\n"), TEXT(""));
	else
		server_finish(call,
		    TEXT("Status: 200\r\nContent-Type: application/json\r\n"
			 "Content-Length: 2\r\n\r\n"),
		    TEXT("{}"));
}

static void *
begin_thread(void *context)
{
	return context;
}

static void
end_thread(void *state UNUSED)
{
}

int
main(int argc, char **argv)
{
	sigset_t ends;
	int signal;

	if (argc < 2) {
		fprintf(stderr, "usage: empty unix:PATH [threads [connections]]\n");
		return 64;
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	struct server_settings settings = {
		.listen_fd = server_listen(argv[1]),
		.threads = argc > 2 ? atoi(argv[2]) : 4,
		.connections_max = argc > 3 ? atoi(argv[3]) : 4096,
		.io_timeout_ms = 10000,
		.handle = answer,
		.thread_begin = begin_thread,
		.thread_end = end_thread,
	};
	if (settings.listen_fd < 0) {
		perror(argv[1]);
		return 1;
	}
	struct server *server = server_new(&settings);
	server_start(server);
	sigwait(&ends, &signal);
	if (!server_stop(server, 5000))
		return 1;
	server_free(server);
	return 0;
}
