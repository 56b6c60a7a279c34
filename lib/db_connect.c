#include "lib/db_private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

/* More than libpq knows, and ours. */
#define KEYWORDS_MAX 64

struct conninfo {
	const char *keywords[KEYWORDS_MAX + 1];
	const char *values[KEYWORDS_MAX + 1];
	int count;
};

int64_t
db_deadline(int64_t timeout_ms)
{
	return timeout_ms == 0 ? INT64_MAX : clock_monotonic() + timeout_ms * 1000;
}

/* Rounded up, so that poll() does not spin through the last millisecond. */
int
db_remaining_ms(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = (deadline - clock_monotonic() + 999) / 1000;
	if (left < 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

bool
db_wait(int fd, short events, int64_t deadline)
{
	struct pollfd watched = { .fd = fd, .events = events };
	int ready;

	do
		ready = poll(&watched, 1, db_remaining_ms(deadline));
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

static void
put(struct conninfo *info, const char *keyword, const char *value)
{
	for (int i = 0; i < info->count; i++) {
		if (strcmp(info->keywords[i], keyword) == 0) {
			info->values[i] = value;
			return;
		}
	}
	assert(info->count < KEYWORDS_MAX);
	info->keywords[info->count] = keyword;
	info->values[info->count] = value;
	info->count++;
}

static const char *
get(const struct conninfo *info, const char *keyword)
{
	for (int i = 0; i < info->count; i++) {
		if (strcmp(info->keywords[i], keyword) == 0)
			return info->values[i];
	}
	return NULL;
}

/* Unix sockets need no TLS; whoever wants less than verify-full elsewhere has to say so. */
static bool
needs_tls(const struct conninfo *info)
{
	const char *host = get(info, "host");

	if (get(info, "sslmode") != NULL || getenv("PGSSLMODE") != NULL)
		return false;
	if (get(info, "hostaddr") != NULL)
		return true;
	if (host == NULL)
		host = getenv("PGHOST");
	return host != NULL && host[0] != '\0' && host[0] != '/' && host[0] != '@';
}

static bool
read_url(struct task *task, const char *url, struct conninfo *info)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	if (options == NULL)
		return task_fail(task, ERR_INVALID, "the database URL cannot be read");
	for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
		if (option->val != NULL)
			put(info, arena_strdup(task->arena, option->keyword),
			    arena_strdup(task->arena, option->val));
	}
	PQconninfoFree(options);
	return true;
}

static bool
read_settings(struct task *task, const struct db_pool_settings *settings, struct conninfo *info)
{
	const char *given;

	if (!read_url(task, settings->url, info))
		return false;
	given = get(info, "options");
	/* What costs much by the planner's reckoning is still over before it were compiled. Of no
	 * partition do checks tell what it lacks: its bounds do, without this. */
	put(info, "options",
	    arena_printf(task->arena,
		"%s%s-c timezone=UTC -c jit=off -c constraint_exclusion=off -c statement_timeout=%lld"
		" -c idle_in_transaction_session_timeout=%lld",
		given == NULL ? "" : given, given == NULL ? "" : " ",
		(long long)settings->statement_timeout_ms,
		(long long)settings->idle_transaction_timeout_ms));
	put(info, "client_encoding", "UTF8");
	if (get(info, "application_name") == NULL && settings->application != NULL)
		put(info, "application_name", settings->application);
	if (needs_tls(info))
		put(info, "sslmode", "verify-full");
	return true;
}

/* What the server tells beside its answers has nowhere to go: libraries do not write to stderr. */
static void
ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

static bool
finish_connecting(PGconn *conn, int64_t deadline)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
		short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (!db_wait(PQsocket(conn), events, deadline))
			return false;
		state = PQconnectPoll(conn);
	}
	return state == PGRES_POLLING_OK;
}

static bool
establish(PGconn *conn, const struct db_pool_settings *settings)
{
	if (PQstatus(conn) == CONNECTION_BAD)
		return false;
	if (!finish_connecting(conn, db_deadline(settings->connect_timeout_ms)))
		return false;
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	return PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn) == 1;
}

bool
db_connect(struct task *task, const struct db_pool_settings *settings, PGconn **ret)
{
	struct conninfo info = { .count = 0 };
	PGconn *conn;

	if (!read_settings(task, settings, &info))
		return false;
	conn = PQconnectStartParams(info.keywords, info.values, 0);
	if (conn == NULL)
		abort();
	if (!establish(conn, settings)) {
		db_lost(task, conn, "PostgreSQL cannot be reached");
		PQfinish(conn);
		return false;
	}
	*ret = conn;
	return true;
}
