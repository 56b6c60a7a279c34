#include "lib/db_private.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

struct db_listener {
	PGconn *conn;
	PGnotify *last; /* its payload was given out */
};

static bool
await_answer(PGconn *conn, int64_t deadline)
{
	while (PQisBusy(conn)) {
		if (!db_wait(PQsocket(conn), POLLIN, deadline) || PQconsumeInput(conn) != 1)
			return false;
	}
	return true;
}

static bool
run(PGconn *conn, const char *sql, int64_t deadline)
{
	bool fine = PQexitPipelineMode(conn) == 1 && PQsendQuery(conn, sql) == 1;

	while (fine && await_answer(conn, deadline)) {
		PGresult *result = PQgetResult(conn);

		if (result == NULL)
			return true;
		fine = PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
	}
	return false;
}

bool
db_listen(struct task *task, const struct db_pool_settings *settings, const char *channel,
    struct db_listener **ret)
{
	struct db_listener *listener;
	PGconn *conn;
	char *name;
	bool fine;

	if (!db_connect(task, settings, &conn))
		return false;
	name = PQescapeIdentifier(conn, channel, strlen(channel));
	fine = name != NULL && run(conn, arena_printf(task->arena, "LISTEN %s", name),
				   db_deadline(settings->connect_timeout_ms));
	PQfreemem(name);
	if (!fine) {
		db_lost(task, conn, "PostgreSQL does not take a listener");
		PQfinish(conn);
		return false;
	}
	listener = calloc(1, sizeof(*listener));
	if (listener == NULL)
		abort();
	listener->conn = conn;
	*ret = listener;
	return true;
}

static bool
take(struct db_listener *listener, const char **ret_payload)
{
	PGnotify *notify = PQnotifies(listener->conn);

	if (notify == NULL)
		return false;
	listener->last = notify;
	*ret_payload = notify->extra;
	return true;
}

/* Which of the two is readable; false: neither before the deadline. */
static bool
watch(struct db_listener *listener, int wake_fd, int64_t deadline, bool *ret_woken)
{
	struct pollfd watched[] = {
		{ .fd = PQsocket(listener->conn), .events = POLLIN },
		{ .fd = wake_fd, .events = POLLIN },
	};
	int ready;

	do
		ready = poll(watched, COUNT(watched), db_remaining_ms(deadline));
	while (ready < 0 && errno == EINTR);
	*ret_woken = watched[1].revents != 0;
	return ready > 0;
}

bool
db_listen_wait(struct db_listener *listener, int timeout_ms, int wake_fd, const char **ret_payload)
{
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : clock_monotonic() + timeout_ms * 1000LL;
	bool woken = false;

	*ret_payload = NULL;
	PQfreemem(listener->last);
	listener->last = NULL;
	while (!take(listener, ret_payload)) {
		if (!watch(listener, wake_fd, deadline, &woken) || woken)
			return true;
		if (PQconsumeInput(listener->conn) != 1) {
			db_listen_close(listener);
			return false;
		}
	}
	return true;
}

void
db_listen_close(struct db_listener *listener)
{
	if (listener == NULL)
		return;
	PQfreemem(listener->last);
	PQfinish(listener->conn);
	free(listener);
}
