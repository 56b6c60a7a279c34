/*
 * Redis: one connection, used by one thread at a time, with scripts by digest and pipelines. The
 * only door to hiredis.
 *
 * A connection that fails is closed and reopened at the next use; after a failure further uses fail
 * at once for REDIS_RETRY_FACTOR times as long as it took (a breaker: a slow Redis must not hold
 * every thread for a time-out each).
 */
#ifndef LIB_REDIS_H
#define LIB_REDIS_H

#include "lib/task.h"

#define REDIS_RETRY_FACTOR 4
#define REDIS_RETRY_MS 250 /* at least */
#define REDIS_RETRY_MAX_MS 2000
#define REDIS_RUN_ID_SIZE 41

struct redis;

struct redis_settings {
	const char *url; /* unix:PATH or redis://HOST:PORT */
	int64_t connect_timeout_ms;
	int64_t command_timeout_ms;
};

/* Connects at first use. */
struct redis *redis_new(const struct redis_settings *settings);
void redis_free(struct redis *redis);

/* A script; sha is filled in at first use, so it is a static object. Thread-safe. */
#define REDIS_LIBRARY_MAX 6
struct redis_script {
	/* What the source needs, before it: a literal of C has an end. */
	const char *library[REDIS_LIBRARY_MAX];
	const char *source;
	char sha[41];
};

/*
 * What a command answered. Texts live as long as the task's arena.
 */
struct redis_reply {
	enum { REDIS_NIL, REDIS_INT, REDIS_TEXT, REDIS_ARRAY, REDIS_ERROR } type;
	int64_t integer;
	struct text text; /* REDIS_TEXT, and REDIS_ERROR's message */
	size_t count;
	struct redis_reply *items; /* REDIS_ARRAY */
};

/* Arguments of one command, built in order. */
struct redis_command;
struct redis_command *redis_command(struct task *task, const char *name);
/* EVALSHA of a script with so many keys; the keys are then added before the other arguments. */
struct redis_command *redis_eval(struct task *task, struct redis_script *script, int keys);
void redis_add(struct redis_command *command, const char *value);
void redis_add_n(struct redis_command *command, const void *bytes, size_t len);
void redis_add_int(struct redis_command *command, int64_t value);

struct redis_commands {
	struct redis_command **at;
	size_t count;
};

/*
 * Sends count commands at once and reads their answers, on task->redis. A script that the server
 * does not know is sent again in full. ERR_UNAVAILABLE: no connection, time-out, or the server is
 * loading. An error answer of a command is not a failure: ask the reply's type.
 */
NODISCARD bool redis_run(struct task *task, struct redis_command *const *commands, size_t count,
    struct redis_reply *rets);

/*
 * The two halves of redis_run(), for who has something else to do while Redis works: the commands
 * are kept until their answers have been received. A connection that is used for anything else
 * before that is closed, and the answers are lost.
 */
NODISCARD bool redis_send(struct task *task, struct redis_command *const *commands, size_t count);
NODISCARD bool redis_receive(struct task *task, struct redis_command *const *commands, size_t count,
    struct redis_reply *rets);

/* The server's run id (it changes when the server starts again), asked once a connection; connects
 * if need be. */
NODISCARD bool redis_run_id(struct task *task, const char **ret);

#endif
