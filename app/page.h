/*
 * Keyset paging: limit and cursor in, {"data":[…],"next_cursor":…} out. A cursor is the last id of
 * the page before, in base64url with a checksum, so that a made-up one is refused (ERR_INVALID on
 * "cursor").
 */
#ifndef APP_PAGE_H
#define APP_PAGE_H

#include "app/request.h"

#define PAGE_LIMIT_MAX 500
#define PAGE_LIMIT_DEFAULT 50

/* Members of a query struct; PAGE_FIELDS puts their rows into its table. */
struct page {
	int64_t limit; /* 0: PAGE_LIMIT_DEFAULT */
	const char *cursor; /* NULL: from the start */
};
#define PAGE_FIELDS(query, page) \
	{ .name = "limit", \
		.type = JSON_INT, \
		.offset = offsetof(query, page.limit), \
		.given = JSON_ALWAYS, \
		.min = 1, \
		.max = PAGE_LIMIT_MAX, \
		.about = "Rows of a page; 50 where not given." }, \
	{ \
		.name = "cursor", .type = JSON_TEXT, .offset = offsetof(query, page.cursor), \
		.given = JSON_ALWAYS, .min = 1, .max = 64, \
		.about = "next_cursor of the page before." \
	}

/* How many rows to show, and the id behind which the page begins: nil at the start. */
NODISCARD bool page_read(
    struct task *task, const struct page *page, int64_t *ret_limit, struct id *ret_after);
/*
 * Asks for limit + 1 rows, shows limit of them: begin, then write each row, then end with the id of
 * the last row shown when there are more.
 */
struct json_out *page_begin(struct reply *reply);
bool page_end(struct reply *reply, struct json_out *out, bool more, struct id last);
/* The same for rows that lie in an array: limit + 1 of them were asked for. */
struct page_rows {
	const void *at;
	size_t count;
	size_t size; /* of a row */
	size_t id; /* where in it its struct id stands */
	void (*write)(struct json_out *out, const void *row);
};
bool page_reply(struct reply *reply, const struct page_rows *rows, int64_t limit);
/* The cursor of the page behind last, for answers that are not JSON. */
const char *page_cursor(struct arena *arena, struct id last);

#endif
