/*
 * Settings: defaults, then tally.conf (key = value), then the files of CREDENTIALS_DIRECTORY (named
 * like the key), then the environment (the key in upper case), in that order. The table of settings
 * in conf.c is the only list; tally.conf(5) and conf/tally.conf are checked against it.
 */
#ifndef LIB_CONF_H
#define LIB_CONF_H

#include "lib/task.h"

struct conf {
	/* PostgreSQL: libpq URLs or conninfo strings. */
	const char *database_url; /* tallyd's, role tally_app */
	const char *database_worker_url; /* jobs', role tally_worker; database_url where empty */
	const char
	    *database_owner_url; /* migrations', role tally_owner; database_url where empty */
	int64_t database_pool_max;
	int64_t database_pool_min;
	int64_t database_idle_timeout_ms;
	int64_t database_connect_timeout_ms;
	int64_t database_acquire_timeout_ms;
	int64_t database_statement_timeout_ms;
	/* Redis: unix:PATH or redis://HOST:PORT. */
	const char *redis_url;
	int64_t redis_connect_timeout_ms;
	int64_t redis_command_timeout_ms;
	/* tallyd */
	const char *listen; /* unix:PATH, or empty for file descriptor 0 */
	int64_t threads;
	int64_t committers; /* how many batches may be committed at once */
	int64_t connections_max;
	int64_t listeners_max; /* of events */
	int64_t listeners_per_client_max;
	int64_t usage_memory_mb; /* of what was read of the rollups; 0: it is not kept */
	int64_t queue_max; /* records waiting for a commit before new ones get 503 */
	int64_t body_max_bytes;
	int64_t io_timeout_ms; /* for a half-sent request or a reader that does not read */
	int64_t stop_timeout_ms;
	int64_t key_failures_per_minute; /* from one address before it gets 429; 0: any number */
	const char *log_level;
	const char *tool_redact_keys; /* names of members whose values are not logged */
	const char *seal_key; /* closes secrets in the database; empty: none can be kept there */
	const char *seal_key_previous; /* opens what is not sealed with seal_key yet */
	/* passwords (argon2id) */
	int64_t password_ops;
	int64_t password_memory_kib;
	int64_t password_hashes_at_once;
	/* jobs */
	int64_t log_retention_days; /* of chat_logs where the client sets none */
	int64_t message_retention_days; /* of messages, in the same way */
	int64_t tool_executions_retention_days;
	int64_t hour_retention_days; /* of the rollups by hour and quarter-hour */
	int64_t session_lifetime_s;
	int64_t access_token_lifetime_s;
	int64_t refresh_token_lifetime_s;
	int64_t user_grace_days; /* soft-deleted users are removed after it */
	int64_t partitions_ahead;
	int64_t webhook_timeout_ms;
	bool webhook_allow_private; /* addresses that are not public, and http */
	const char *migrations_dir;
	bool development; /* allows db drop and reset */
};

/*
 * path NULL: the default file, which may be missing. ERR_INVALID names file, line and key; unknown
 * keys and values out of range are refused. Texts live as long as the task's arena.
 */
NODISCARD bool conf_read(struct task *task, const char *path, struct conf *ret);

/* How many of the threads may commit. One is left where there are two, or requests would come in
 * only while nobody commits, and batches would stay small. */
int64_t conf_committers(const struct conf *conf);

/* For the tests and the manual: the i-th setting's key, or NULL behind the last. */
const char *conf_key(size_t i);

#endif
