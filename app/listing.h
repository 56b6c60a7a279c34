/*
 * A list that is answered as a page of JSON, or by Accept as CSV or NDJSON of many rows, with the
 * cursor of the next page in the header X-Next-Cursor.
 */
#ifndef APP_LISTING_H
#define APP_LISTING_H

#include "app/accept.h"
#include "app/page.h"

struct listing {
	/* What read() reads by; the next two lie in it. */
	void *filter;
	int64_t *limit;
	struct id *after;
	/* At most *limit rows behind *after. */
	bool (*read)(struct task *task, const void *filter, struct page_rows *ret);
	void (*csv_head)(struct buf *buf);
	void (*csv_row)(struct buf *buf, const void *row);
	size_t bytes_max; /* no portion of CSV or NDJSON begins behind so many */
};

/* Shows *limit rows. */
bool listing_reply(
    struct request *req, struct reply *reply, enum accept accept, const struct listing *listing);

#endif
