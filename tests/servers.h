/*
 * Real servers for a test program, started by it: PostgreSQL, Redis, tallyd and nginx in a new
 * folder of their own, on Unix sockets and one loopback port for nginx. Everything is stopped by
 * process id, also when the test fails or is killed (the children die with their parent). A server
 * that does not start ends the test program with its log.
 *
 * As root, PostgreSQL runs as the user "postgres". The database is migrated and has roles
 * tally_owner, tally_app, tally_worker.
 */
#ifndef TESTS_SERVERS_H
#define TESTS_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct servers;

enum server_part {
	SERVER_POSTGRES,
	SERVER_REDIS,
	SERVER_TALLYD,
	SERVER_NGINX,
	SERVER_TALLYD_2, /* behind the same nginx */
	SERVER_PARTS
};

/* Starts all parts below and including the last named: SERVER_REDIS gives PostgreSQL and Redis. */
struct servers *servers_start(enum server_part last);
/* The same on small disks: PostgreSQL and Redis each have a file system of that size, which only
 * this process and its children see. Without the right to mount they have not. */
struct servers *servers_start_small(enum server_part last, int disk_mib);
void servers_stop(struct servers *servers);

const char *servers_folder(const struct servers *servers);
/* role: "tally_owner", "tally_app", "tally_worker" or "postgres" (the superuser). */
const char *servers_database_url(const struct servers *servers, const char *role);
const char *servers_redis_url(const struct servers *servers);
const char *servers_http_url(const struct servers *servers); /* http://127.0.0.1:PORT */
/* A tally.conf with these servers, for tallyd and tally. */
const char *servers_conf(const struct servers *servers);
/* One more line for that file, before the part that reads it is started (again). */
void servers_setting(struct servers *servers, const char *key, const char *value);

/* Whether Redis, from its next start on, keeps an append-only file; not where nothing is said. */
void servers_redis_appends(struct servers *servers, bool appends);
/* NAME=value for the environment of a tallyd from its next start on; NULL: none. */
void servers_tallyd_environment(struct servers *servers, const char *variable);
/* Where the part keeps its data; free it. */
char *servers_data(const struct servers *servers, enum server_part part);
bool servers_disk_is_small(const struct servers *servers);

pid_t servers_pid(const struct servers *servers, enum server_part part);
/* Sends the signal to the part's main process; SIGSTOP and SIGCONT also to its children. */
void servers_signal(struct servers *servers, enum server_part part, int signal);
/* SIGKILL to the part and its children; returns when the part is gone. */
void servers_kill_tree(struct servers *servers, enum server_part part);
/* Whether its process is there. */
bool servers_runs(struct servers *servers, enum server_part part);
/* Waits until the process is gone; its wait status. */
int servers_wait(struct servers *servers, enum server_part part);
/* Starts a part that ended, on the same socket and data; returns when it answers. From the thread
 * that called servers_start(): the part dies with it. */
void servers_restart(struct servers *servers, enum server_part part);

/* Runs the worker: tally -c CONF ARGUMENTS... (NULL behind the last); its exit status, output into
 * *ret_output (free). */
int servers_tally(struct servers *servers, char **ret_output, ...);

/* Starts tally with one word and does not wait for it. */
pid_t servers_start_tally(struct servers *servers, const char *word);

/* One value from SQL as the superuser, as text; aborts the test on an error. Free it. */
char *servers_sql(struct servers *servers, const char *sql);
/* One Redis command given as one line, its answer as text (redis-cli). Free it. */
char *servers_redis(struct servers *servers, const char *command);

/* A time zone in which it is about noon: no day ends while a test runs. One thread at a time. */
const char *servers_noon(void);

/* A client with a key of all client scopes; an operator key when client_name is NULL. The
 * key's text; free it. */
char *servers_key(struct servers *servers, const char *client_name);
/* The same for a new client whose zone is servers_noon(). */
char *servers_key_at_noon(struct servers *servers, const char *client_name);

/* Waits until test(context) is true, at most 30 s: no test sleeps for a fixed time. */
bool servers_await(bool (*test)(void *context), void *context);

#endif
