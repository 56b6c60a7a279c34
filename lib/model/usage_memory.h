/*
 * What was read of the rollups, kept from one question about usage to the next: of days that are
 * over until one of them changes, of today until more is rolled up. A revision, read in the
 * snapshot of the question, says whether it still holds (migration "rollup_revision"), so what is
 * kept is never older than what would be read.
 *
 * Thread-safe. Of a process: tallyd has one, jobs have none.
 */
#ifndef LIB_MODEL_USAGE_MEMORY_H
#define LIB_MODEL_USAGE_MEMORY_H

#include "lib/model/usage.h"

struct usage_memory;

/* Holds at most so many bytes: what was not asked for the longest goes first. */
struct usage_memory *usage_memory_new(size_t bytes_max);
/* Nobody reads from it any more. */
void usage_memory_free(struct usage_memory *memory);

/* What one set of sums may take of it. */
#define USAGE_MEMORY_SHARE 4

/* The key is a hash of all that the rows depend on. They are there until the task's arena goes back
 * past this point. */
bool usage_memory_find(
    struct usage_memory *memory, struct task *task, struct id key, struct usage_rows *ret);
/* Keeps a copy, if it is not too large. */
void usage_memory_keep(struct usage_memory *memory, struct id key, const struct usage_rows *rows);

struct usage_memory_state {
	size_t bytes, sets; /* that are held, also by who still reads; that are to be found */
	int64_t found, missed; /* since the process began */
};
struct usage_memory_state usage_memory_look(struct usage_memory *memory);

#endif
