/*
 * A batch's share in the counters: which record counts in its client's open day, and which asks
 * flush to sum a day again.
 */
#ifndef APP_INGEST_COUNTS_H
#define APP_INGEST_COUNTS_H

#include "lib/model/batch.h"
#include "lib/model/counter.h"
#include "lib/zone.h"

/* The clients of a batch; parts[i] and clients[i] are the same client. */
struct counts {
	struct counter_book *book;
	struct counter_part *parts;
	struct batch_client *clients;
	const struct zone **zones;
	size_t count;
};

/* A row of the batch as the counters see it. */
struct count_row {
	size_t part; /* index into counts */
	int32_t day;
	struct totals totals;
	struct id user;
};

/*
 * Announces the rows' sums and fills counts->clients for the transaction: a client whose counters
 * are away is committed without being announced, and its count is declared broken. False when
 * PostgreSQL fails.
 */
NODISCARD bool counts_announce(struct task *task, struct counts *counts, struct id batch,
    const struct count_row *rows, size_t row_count);
/* After the commit: what was stored counts, and nothing else. */
void counts_confirm(struct task *task, struct counts *counts, struct id batch,
    const struct count_row *rows, const struct batch_row *outcomes, size_t row_count);
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
