/*
 * Records of an NDJSON or CSV file, one at a time, as JSON objects that tallyd takes. A CSV file
 * has a first row that names fields of a record.
 *
 * A record without an id is given one that follows from its line and what stands there, so that a
 * file sent twice is stored once. It then needs created_at, which is a part of its identity.
 */
#ifndef WORKER_SOURCE_H
#define WORKER_SOURCE_H

#include "lib/task.h"

#define SOURCE_LINE_MAX_BYTES ((size_t)1 << 20)

struct source;

/* path "-" is standard input. ERR_SYNTAX: a CSV file whose first row names no fields of ours. */
NODISCARD bool source_open(struct task *task, const char *path, struct source **ret);
void source_close(struct source *source);

struct source_record {
	int64_t line; /* from 1 */
	struct text json; /* on one line; as long as the task. Not checked: tallyd does that */
	const char *problem; /* why it cannot be sent; NULL: it can */
};

/* *ret_end: there was no record left. */
NODISCARD bool source_next(
    struct task *task, struct source *source, struct source_record *ret, bool *ret_end);
/* Bytes read, and of the whole file (0: not known). */
void source_progress(const struct source *source, int64_t *ret_done, int64_t *ret_total);

#endif
