/*
 * A body of many elements, an array or lines, made into one submission: the good ones are stored
 * whatever the bad ones.
 */
#ifndef APP_INGEST_ELEMENTS_H
#define APP_INGEST_ELEMENTS_H

#include "app/ingest/ingest.h"
#include "app/request.h"

/* What the elements are. */
struct element_kind {
	/* ERR_SYNTAX and ERR_INVALID refuse the element, anything else the request. */
	bool (*read)(struct request *req, struct text json, struct record *ret);
	size_t array_max;
	bool skips_null;
};

/* Room for most elements. */
struct submission *elements_submission(struct request *req, enum submission_form form, size_t most);

/*
 * False when the request as a whole fails: ERR_TOO_LARGE, ERR_SYNTAX when the array is none, or
 * PostgreSQL was asked for a price and is away.
 */
NODISCARD bool elements_read_array(
    struct request *req, const struct element_kind *kind, struct submission **ret);
/* At most INGEST_LINES_MAX; blank ones count, and are nothing else. */
NODISCARD bool elements_read_lines(
    struct request *req, const struct element_kind *kind, struct submission **ret);

/*
 * The same for what is no record. They count first: a body that is no array as a whole, or too
 * long, stores nothing. ERR_TOO_LARGE, ERR_SYNTAX.
 */
NODISCARD bool elements_count_items(struct request *req, size_t most, size_t *ret);
NODISCARD bool elements_count_lines(struct request *req, size_t *ret);
/* The line that the rest begins with, which it then goes on behind. */
NODISCARD bool elements_next_line(struct text *rest, struct text *ret);
bool elements_is_blank(struct text line);

/* The body is the only element: one that is no JSON fails the request. */
NODISCARD bool elements_read_one(
    struct request *req, const struct element_kind *kind, struct submission **ret);

/* Takes the request over; ok false: it failed, and submission is not looked at. Always true. */
bool elements_submit(struct request *req, bool ok, struct submission *submission);

#endif
