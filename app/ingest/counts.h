/*
 * A batch's share in the counters: into which buckets its records fall, and which days flush is
 * asked to sum again.
 */
#ifndef APP_INGEST_COUNTS_H
#define APP_INGEST_COUNTS_H

#include "lib/model/batch.h"
#include "lib/model/counter.h"
#include "lib/zone.h"

/* The clients of a batch; parts[i] and the others at i are the same client. */
struct counts {
	struct counter_book *book;
	struct counter_part *parts;
	const struct zone **zones;
	bool *used; /* has something to commit; on the way in: has records */
	size_t count;
};

/* A row of the batch as the counters see it. */
struct count_row {
	size_t part; /* index into counts */
	int32_t day;
	struct totals totals;
	const struct chat_log *log;
};

/* The states of the clients. False when PostgreSQL fails, as below. */
NODISCARD bool counts_find(struct task *task, struct counts *counts);
/* Announces the rows' sums. A client whose counters are away is left with COUNTER_AWAY. */
NODISCARD bool counts_announce(struct task *task, struct counts *counts, struct id batch,
    const struct count_row *rows, size_t row_count);
/* After an answer that was COUNTER_OVER or COUNTER_LOST: the state to try again with. */
NODISCARD bool counts_replace(
    struct task *task, struct counts *counts, size_t part, enum counter_answer answer);
/*
 * The used clients for the transaction: one whose counters are away is committed without being
 * announced, and its count is declared broken.
 */
void counts_mark(struct task *task, const struct counts *counts, const struct count_row *rows,
    size_t row_count, struct batch *batch);
/* After the commit: what was stored counts, and nothing else. more: what else Redis is told, in the
 * same round trip. */
void counts_confirm(struct task *task, struct counts *counts, struct id batch,
    const struct count_row *rows, const struct batch_row *outcomes, size_t row_count,
    struct redis_commands more);
/* When the transaction certainly did not commit. */
void counts_drop(struct task *task, struct counts *counts, struct id batch);
/*
 * When it is not known whether the transaction committed: the announcement stays, and the count is
 * mended from the log before it is next relied on.
 */
void counts_doubt(struct counts *counts);
/* When an epoch was over: what is known of the clients is old. */
void counts_forget(struct counts *counts);

#endif
