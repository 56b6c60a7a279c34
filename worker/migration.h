/*
 * The files of a migrations folder: YYYYMMDDHHMMSS_name.sql, with the lines
 *
 *	-- migrate:up
 *	-- migrate:down
 *
 * before the statements that go there and back. A line "-- migrate:no-transaction" says that the
 * file runs outside of a transaction, as CREATE INDEX CONCURRENTLY must: each part is then one
 * statement that may be repeated.
 */
#ifndef WORKER_MIGRATION_H
#define WORKER_MIGRATION_H

#include "lib/seal.h"
#include "lib/task.h"

#define MIGRATIONS_MAX 4096
#define MIGRATION_MAX_BYTES 1048576
#define MIGRATION_VERSION_DIGITS 14

struct migration {
	int64_t version;
	const char *file; /* without the folder */
	const char *up, *down;
	bool no_transaction;
	uint8_t checksum[SEAL_HASH_SIZE]; /* SHA-256 of the file */
};

struct migrations {
	struct migration *list; /* in the order of their versions */
	size_t count;
};

/* ERR_INVALID names the file that is not as it should be. */
NODISCARD bool migrations_read(struct task *task, const char *folder, struct migrations *ret);
/* NULL: there is no such file. */
const struct migration *migrations_find(const struct migrations *migrations, int64_t version);

#endif
