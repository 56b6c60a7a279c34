#include "lib/redis_private.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/clock.h"

#define UNIX_PREFIX "unix:"
#define TCP_PREFIX "redis://"
#define DEFAULT_PORT 6379
#define QUIET_USEC 1000 /* from the building of commands to their sending, at most */

/* Guards the sha of every script. */
static pthread_mutex_t scripts_lock = PTHREAD_MUTEX_INITIALIZER;

/* When any connection last had an answer: who failed before that need not wait any longer. */
static _Atomic int64_t answered_at;

struct redis {
	struct redis_settings settings;
	redisContext *context; /* NULL: not connected */
	bool awaited; /* answers to what redis_send() has sent */
	int64_t begun; /* the last use */
	int64_t
	    quiet_at; /* when it was found open with nothing to read, and not used since; or 0 */
	int64_t failed_at; /* 0: it works */
	int64_t retry_at;
	char run_id[REDIS_RUN_ID_SIZE]; /* of this connection; empty: not asked */
	char told[REDIS_RUN_ID_SIZE]; /* what the caller knows; empty: nothing */
};

struct redis *
redis_new(const struct redis_settings *settings)
{
	struct redis *redis = calloc(1, sizeof(*redis));

	if (redis == NULL)
		abort();
	redis->settings = *settings;
	return redis;
}

static void
disconnect(struct redis *redis)
{
	if (redis->context != NULL)
		redisFree(redis->context);
	redis->context = NULL;
	redis->awaited = false;
}

void
redis_free(struct redis *redis)
{
	if (redis == NULL)
		return;
	disconnect(redis);
	free(redis);
}

static bool
fail(struct task *task, const char *text)
{
	return task_fail_later(task, 1, "%s", text);
}

/* The longer a failure took, the rarer it may come: most of the time nobody waits for it. */
static int64_t
pause_after(int64_t usec)
{
	int64_t pause = usec * REDIS_RETRY_FACTOR;

	if (pause < REDIS_RETRY_MS * INT64_C(1000))
		return REDIS_RETRY_MS * INT64_C(1000);
	if (pause > REDIS_RETRY_MAX_MS * INT64_C(1000))
		return REDIS_RETRY_MAX_MS * INT64_C(1000);
	return pause;
}

static bool
lose(struct task *task, struct redis *redis, const char *text)
{
	disconnect(redis);
	redis->run_id[0] = '\0';
	redis->failed_at = clock_monotonic();
	redis->retry_at = redis->failed_at + pause_after(redis->failed_at - redis->begun);
	return fail(task, text);
}

static struct timeval
timeval_of(int64_t ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

/* HOST:PORT, HOST, [IPV6]:PORT */
static redisContext *
open_tcp(struct arena *arena, const char *address, struct timeval timeout)
{
	char *host = arena_strdup(arena, address);
	char *colon = strrchr(host, ':');
	int port = DEFAULT_PORT;
	redisContext *context;

	if (colon != NULL && strchr(colon, ']') == NULL) {
		*colon = '\0';
		port = (int)strtol(colon + 1, NULL, 10);
	}
	if (host[0] == '[' && strlen(host) > 2) {
		host[strlen(host) - 1] = '\0';
		host++;
	}
	context = redisConnectWithTimeout(host, port, timeout);
	if (context != NULL && context->err == 0)
		redisEnableKeepAlive(context);
	return context;
}

static bool
reconnect(struct task *task, struct redis *redis)
{
	struct timeval connecting = timeval_of(redis->settings.connect_timeout_ms);
	struct timeval waiting = timeval_of(redis->settings.command_timeout_ms);
	const char *url = redis->settings.url;

	if (redis->failed_at != 0 && clock_monotonic() < redis->retry_at &&
	    atomic_load(&answered_at) < redis->failed_at)
		return fail(task, "Redis cannot be reached");
	if (strncmp(url, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		redis->context = redisConnectUnixWithTimeout(url + strlen(UNIX_PREFIX), connecting);
	else if (strncmp(url, TCP_PREFIX, strlen(TCP_PREFIX)) == 0)
		redis->context = open_tcp(task->arena, url + strlen(TCP_PREFIX), connecting);
	else
		return task_fail(
		    task, ERR_INVALID, "redis_url is neither unix:PATH nor redis://HOST:PORT");
	if (redis->context == NULL)
		abort();
	if (redis->context->err != 0 || redisSetTimeout(redis->context, waiting) != REDIS_OK)
		return lose(task, redis, "Redis cannot be reached");
	redis->run_id[0] = '\0';
	redis->quiet_at = redis->begun;
	return true;
}

/* A server that went away has closed its end; nothing else may wait to be read. */
static bool
is_quiet(struct redis *redis)
{
	char byte;

	if (redis->begun - redis->quiet_at < QUIET_USEC)
		return true;
	if (recv(redis->context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		return false;
	redis->quiet_at = redis->begun;
	return true;
}

static bool
connected(struct task *task, struct redis *redis)
{
	redis->begun = clock_monotonic();
	if (redis->context != NULL && (redis->awaited || !is_quiet(redis)))
		disconnect(redis);
	return redis->context != NULL || reconnect(task, redis);
}

static void
append_bytes(struct redis *redis, struct text bytes)
{
	/* hiredis fails here only when it is out of memory. */
	if (redisAppendFormattedCommand(redis->context, bytes.at, bytes.len) != REDIS_OK)
		abort();
}

static void
append(struct redis *redis, const struct redis_command *command, bool in_full)
{
	append_bytes(redis, redis_command_head(command, in_full));
	append_bytes(redis, buf_text(&command->bytes));
}

/* NULL: the connection is closed. */
static redisReply *
receive(struct task *task, struct redis *redis)
{
	void *reply = NULL;

	if (redisGetReply(redis->context, &reply) == REDIS_OK && reply != NULL)
		return reply;
	lose(task, redis, "Redis did not answer");
	return NULL;
}

/* Reads one answer to each command, also behind one that says "not now": they are in the pipe. */
static bool
receive_all(struct task *task, struct redis *redis, size_t count, struct redis_reply *rets)
{
	bool here = true;

	for (size_t i = 0; i < count; i++) {
		redisReply *reply = receive(task, redis);

		if (reply == NULL)
			return false;
		redis_reply_convert(task->arena, reply, &rets[i]);
		if (reply->type == REDIS_REPLY_ERROR && redis_reply_is_away(reply))
			here = fail(task, "Redis is busy or starting");
		freeReplyObject(reply);
	}
	redis->failed_at = 0;
	atomic_store(&answered_at, clock_monotonic());
	return here;
}

/* Asks the server for the digest, once a process. */
static bool
load(struct task *task, struct redis *redis, struct redis_script *script)
{
	struct redis_command *command = redis_command(task, "SCRIPT");
	struct text source = redis_script_text(task->arena, script);
	struct redis_reply reply;

	redis_add(command, "LOAD");
	redis_add_n(command, source.at, source.len);
	append(redis, command, false);
	if (!receive_all(task, redis, 1, &reply))
		return false;
	if (reply.type != REDIS_TEXT || reply.text.len != sizeof(script->sha) - 1)
		return task_fail(task, ERR_INTERNAL, "Redis refused a script");
	pthread_mutex_lock(&scripts_lock);
	/* Others may read it already. */
	if (script->sha[0] == '\0')
		memcpy(script->sha, reply.text.at, sizeof(script->sha));
	pthread_mutex_unlock(&scripts_lock);
	return true;
}

static bool
is_loaded(const struct redis_script *script)
{
	bool loaded;

	pthread_mutex_lock(&scripts_lock);
	loaded = script->sha[0] != '\0';
	pthread_mutex_unlock(&scripts_lock);
	return loaded;
}

/* The digest is written once, before is_loaded() says so. */
static bool
prepare(struct task *task, struct redis *redis, const struct redis_command *command)
{
	return command->script == NULL || is_loaded(command->script) ||
	       load(task, redis, command->script);
}

static bool
is_unknown_script(const struct redis_command *command, const struct redis_reply *reply)
{
	static const char prefix[] = "NOSCRIPT";

	return command->script != NULL && reply->type == REDIS_ERROR &&
	       strncmp(reply->text.at, prefix, strlen(prefix)) == 0;
}

static bool
ask_run_id(struct task *task, struct redis *redis)
{
	struct redis_command *command = redis_command(task, "INFO");
	struct redis_reply reply;
	const char *at;

	redis_add(command, "server");
	append(redis, command, false);
	if (!receive_all(task, redis, 1, &reply))
		return false;
	at = reply.type == REDIS_TEXT ? strstr(reply.text.at, "\nrun_id:") : NULL;
	if (at == NULL || strlen(at) < strlen("\nrun_id:") + REDIS_RUN_ID_SIZE - 1)
		return lose(task, redis, "Redis does not tell its run id");
	memcpy(redis->run_id, at + strlen("\nrun_id:"), REDIS_RUN_ID_SIZE - 1);
	redis->run_id[REDIS_RUN_ID_SIZE - 1] = '\0';
	return true;
}

/*
 * Who was told a run id acts on it: commands meant for that server must not reach one that started
 * since. They fail once; then the caller asks again.
 */
static bool
connected_as_before(struct task *task, struct redis *redis)
{
	if (!connected(task, redis))
		return false;
	if (redis->told[0] == '\0' || redis->run_id[0] != '\0')
		return true;
	if (!ask_run_id(task, redis))
		return false;
	if (strcmp(redis->told, redis->run_id) == 0)
		return true;
	redis->told[0] = '\0';
	return fail(task, "Redis has started again");
}

static bool
begin(struct task *task, struct redis_command *const *commands, size_t count)
{
	struct redis *redis = task->redis;

	if (!connected_as_before(task, redis))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!prepare(task, redis, commands[i]))
			return false;
	}
	redis->quiet_at = 0;
	for (size_t i = 0; i < count; i++)
		append(redis, commands[i], false);
	return true;
}

static bool
end(struct task *task, struct redis_command *const *commands, size_t count,
    struct redis_reply *rets)
{
	struct redis *redis = task->redis;

	if (!receive_all(task, redis, count, rets))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!is_unknown_script(commands[i], &rets[i]))
			continue;
		/* EVAL also teaches the server the script again. */
		append(redis, commands[i], true);
		if (!receive_all(task, redis, 1, &rets[i]))
			return false;
	}
	return true;
}

bool
redis_run(struct task *task, struct redis_command *const *commands, size_t count,
    struct redis_reply *rets)
{
	return begin(task, commands, count) && end(task, commands, count, rets);
}

bool
redis_send(struct task *task, struct redis_command *const *commands, size_t count)
{
	struct redis *redis = task->redis;
	int done = 0;

	if (!begin(task, commands, count))
		return false;
	while (!done) {
		if (redisBufferWrite(redis->context, &done) != REDIS_OK)
			return lose(task, redis, "Redis does not take commands");
	}
	redis->awaited = true;
	return true;
}

bool
redis_receive(struct task *task, struct redis_command *const *commands, size_t count,
    struct redis_reply *rets)
{
	struct redis *redis = task->redis;

	if (!redis->awaited)
		return fail(task, "Redis was asked something else meanwhile");
	redis->awaited = false;
	return end(task, commands, count, rets);
}

bool
redis_run_id(struct task *task, const char **ret)
{
	struct redis *redis = task->redis;

	if (!connected(task, redis))
		return false;
	if (redis->run_id[0] == '\0' && !ask_run_id(task, redis))
		return false;
	memcpy(redis->told, redis->run_id, sizeof(redis->told));
	*ret = arena_strdup(task->arena, redis->run_id);
	return true;
}
