/*
 * tallyd: reads its settings, opens what it needs, serves until it is told to stop.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/api/today.h"
#include "app/cache.h"
#include "app/events.h"
#include "app/hashing.h"
#include "app/ingest/ingest.h"
#include "app/notify.h"
#include "app/options.h"
#include "app/request.h"
#include "app/server.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/model/usage_memory.h"
#include "lib/seal.h"

#define QUERY_SHOWN_MAX 1024
#define THREADS_PER_HEAP 8
#define MIB (INT64_C(1) << 20)
#define LARGE (1 << 20) /* bytes that go back to the system as soon as they are free */

static bool
read_conf(struct task *task, const struct options *options, struct conf *ret)
{
	if (!conf_read(task, options->conf_file, ret))
		return false;
	if (options->listen != NULL)
		ret->listen = options->listen;
	if (options->threads != 0)
		ret->threads = options->threads;
	ret->committers = conf_committers(ret);
	return true;
}

static void
set_log_level(const struct conf *conf)
{
	struct text name = { conf->log_level, strlen(conf->log_level) };
	enum log_level level = LOG_LEVEL_INFO;

	if (log_parse_level(name, &level))
		log_set_level(level);
}

/* Each connection is a descriptor. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * With a heap of each thread's own, as malloc() has it, memory of parked requests stays with the
 * thread that read them, and four threads come to keep four crowds. One heap for a few threads
 * costs nothing that could be measured. And malloc() would take what was large once for usual from
 * then on, and keep its room.
 */
static void
set_heaps(int64_t threads)
{
	mallopt(M_ARENA_MAX, 1 + (int)threads / THREADS_PER_HEAP);
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, 2 * LARGE);
}

static bool
has_option(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

static bool
open_socket(struct task *task, const char *address, int *ret)
{
	bool given = has_option(STDIN_FILENO, SO_ACCEPTCONN, 1) &&
		     has_option(STDIN_FILENO, SO_TYPE, SOCK_STREAM);

	if (address[0] != '\0')
		*ret = server_listen(address);
	else
		*ret = given ? STDIN_FILENO : -1;
	if (*ret >= 0)
		return true;
	if (address[0] == '\0')
		return task_fail(task, ERR_INVALID,
		    "File descriptor 0 is no listening socket and no address to listen at is set.");
	return task_fail(task, ERR_INVALID, "Cannot listen at %s: %s.", address, strerror(errno));
}

/* The log of queries at debug level. */
static void
trace_query(const struct task *task, const char *sql, int64_t usec)
{
	char quoted[QUERY_SHOWN_MAX];

	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	log_quote((struct text){ sql, strlen(sql) }, quoted, sizeof(quoted));
	log_event(LOG_LEVEL_DEBUG, "query", "usec=%" PRId64 " failed=%d sql=%s", usec,
	    task->err.code != ERR_NONE, quoted);
}

static void
open_parts(struct app *app, struct arena *arena)
{
	const struct conf *conf = &app->conf;

	app->seal_keys = (struct seal_keys){ conf->seal_key, conf->seal_key_previous };
	app->database = (struct db_pool_settings){
		.url = conf->database_url,
		.application = "tallyd",
		.max = conf->database_pool_max,
		.min = conf->database_pool_min,
		.idle_timeout_ms = conf->database_idle_timeout_ms,
		.connect_timeout_ms = conf->database_connect_timeout_ms,
		.acquire_timeout_ms = conf->database_acquire_timeout_ms,
		.statement_timeout_ms = conf->database_statement_timeout_ms,
		/* A process that hangs must not keep its locks from the others. */
		.idle_transaction_timeout_ms = conf->database_statement_timeout_ms,
		.refuse_superuser = true,
		.trace = trace_query,
	};
	app->redis = (struct redis_settings){
		.url = conf->redis_url,
		.connect_timeout_ms = conf->redis_connect_timeout_ms,
		.command_timeout_ms = conf->redis_command_timeout_ms,
	};
	app->pool = db_pool_new(&app->database);
	app->ingest = ingest_new(app);
	app->today = today_new();
	if (conf->usage_memory_mb > 0)
		app->usage_memory = usage_memory_new((size_t)(conf->usage_memory_mb * MIB));
	app->cache = cache_new(app);
	app->hashing = hashing_new(arena, conf);
	app->events = events_new(app);
}

static void
close_parts(struct app *app)
{
	events_free(app->events);
	cache_free(app->cache);
	today_free(app->today);
	usage_memory_free(app->usage_memory);
	ingest_free(app->ingest);
	db_pool_free(app->pool);
}

static void *
begin_thread(void *context)
{
	const struct app *app = context;

	return redis_new(&app->redis);
}

static void
end_thread(void *state)
{
	redis_free(state);
}

static void
wake_thread(void *context, void *state)
{
	const struct app *app = context;

	ingest_look(app->ingest, state);
}

static void
open_server(struct app *app, int listen_fd)
{
	const struct server_settings settings = {
		.listen_fd = listen_fd,
		.threads = (int)app->conf.threads,
		.connections_max = (int)app->conf.connections_max,
		.io_timeout_ms = app->conf.io_timeout_ms,
		.handle = request_handle,
		.thread_begin = begin_thread,
		.thread_end = end_thread,
		.wake = wake_thread,
		.wake_fd = ingest_timer(app->ingest),
		.context = app,
	};

	app->server = server_new(&settings);
	server_start(app->server);
}

/*
 * A role that bypasses row-level security would show every tenant's rows to each. When PostgreSQL
 * is away we start all the same: the pool asks at each new connection.
 */
static bool
check_role(struct task *task, struct db_pool *pool)
{
	task->pool = pool;
	if (db_query(task, "SELECT 1", NULL, NULL))
		db_rollback(task);
	bool refused = task->err.code == ERR_FORBIDDEN;
	if (!refused && task->err.code != ERR_NONE)
		log_reason(LOG_LEVEL_WARNING, "database_away", &task->err);
	if (!refused)
		task_clear_error(task);
	return !refused;
}

static void
reread_conf(const struct options *options)
{
	struct arena *arena = arena_new();
	struct task task;
	struct conf conf;

	task_init(&task, arena);
	if (read_conf(&task, options, &conf)) {
		set_log_level(&conf);
		log_event(LOG_LEVEL_INFO, "reloaded", "log_level=%s", conf.log_level);
	} else {
		log_reason(LOG_LEVEL_ERROR, "reload_failed", &task.err);
	}
	arena_free(arena);
}

/* Returns when the process shall stop. */
static void
wait_for_end(const struct options *options, const sigset_t *signals)
{
	int signal = 0;

	while (sigwait(signals, &signal) != 0 || signal == SIGHUP)
		if (signal == SIGHUP)
			reread_conf(options);
	log_event(LOG_LEVEL_INFO, "stopping", "signal=%s", sigabbrev_np(signal));
}

static int
serve(const struct options *options, struct app *app, int listen_fd, const sigset_t *signals)
{
	open_server(app, listen_fd);
	notify_manager("READY=1");
	log_event(LOG_LEVEL_INFO, "started", "version=%s threads=%" PRId64, PACKAGE_VERSION,
	    app->conf.threads);
	wait_for_end(options, signals);
	notify_manager("STOPPING=1");
	events_stop(app->events);
	if (!server_stop(app->server, app->conf.stop_timeout_ms)) {
		log_event(LOG_LEVEL_ERROR, "stopped", "detail=\"requests were cut off\"");
		/* Threads still use what would be freed. */
		_exit(EX_TEMPFAIL);
	}
	ingest_stop(app->ingest);
	server_free(app->server);
	log_event(LOG_LEVEL_INFO, "stopped", "detail=\"every request was answered\"");
	return EX_OK;
}

static int
start(struct task *task, const struct options *options, const sigset_t *signals)
{
	struct app app = { .started_at = clock_now() };
	int listen_fd;

	if (!read_conf(task, options, &app.conf))
		return EX_CONFIG;
	set_log_level(&app.conf);
	set_heaps(app.conf.threads);
	if (!open_socket(task, app.conf.listen, &listen_fd))
		return EX_OSERR;
	open_parts(&app, task->arena);
	int status = EX_NOPERM;
	if (check_role(task, app.pool))
		status = serve(options, &app, listen_fd, signals);
	close_parts(&app);
	close(listen_fd);
	if (app.conf.listen[0] != '\0')
		unlink(app.conf.listen + strlen("unix:"));
	return status;
}

int
main(int argc, char **argv)
{
	struct options options = options_read(argc, argv);
	struct arena *arena = arena_new();
	struct task task;
	sigset_t signals;

	/* Before any thread begins, so that only sigwait() takes them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	log_open(LOG_LEVEL_INFO);
	seal_init();
	raise_descriptor_limit();
	task_init(&task, arena);
	int status = start(&task, &options, &signals);
	if (task.err.code != ERR_NONE)
		log_reason(LOG_LEVEL_ERROR, "refused", &task.err);
	arena_free(arena);
	return status;
}
