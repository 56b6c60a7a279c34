/*
 * A row of a table, as CSV (RFC 4180) or as a line of NDJSON: the columns are named once, by the
 * code that writes a row, in whatever form it is written.
 */
#ifndef LIB_ROW_H
#define LIB_ROW_H

#include "lib/buf.h"
#include "lib/id.h"

/* ROW_HEAD: the names of the columns, as the first line of CSV; the values are not looked at. */
enum row_form { ROW_HEAD, ROW_CSV, ROW_JSON };

struct json_out;

struct row {
	struct buf *buf;
	enum row_form form;
	struct json_out *json;
	bool begun;
};

/* Appends to the end of buf. */
void row_begin(struct row *row, enum row_form form, struct buf *buf);
/* null in JSON, nothing in CSV. */
void row_null(struct row *row, const char *name);
/* NULL and the nil id: the same. */
void row_text(struct row *row, const char *name, const char *value);
void row_id(struct row *row, const char *name, struct id value);
void row_int(struct row *row, const char *name, int64_t value);
/* value / 10^scale, without trailing zeros. */
void row_decimal(struct row *row, const char *name, int64_t value, int scale);
void row_time(struct row *row, const char *name, int64_t usec);
/* Valid JSON: in CSV a text. */
void row_json(struct row *row, const char *name, struct text json);
void row_end(struct row *row);

#endif
