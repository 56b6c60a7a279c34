/*
 * CSV by RFC 4180: cells between commas, quoted where they hold commas, quotes or line ends. Line
 * ends may be CRLF or LF, also within a file.
 */
#ifndef WORKER_CSV_H
#define WORKER_CSV_H

#include <stdio.h>

#include "lib/task.h"

#define CSV_CELLS_MAX 128 /* of a row */
#define CSV_ROW_MAX_BYTES ((size_t)1 << 20)

struct csv_row {
	int64_t line; /* on which it begins, from 1 */
	size_t count;
	struct text cells[CSV_CELLS_MAX]; /* terminated; as long as the task */
};

struct csv {
	FILE *file;
	int64_t line; /* of the next row; starts as 1 */
};

/* Empty lines are passed over. *ret_end: there was no row left. ERR_SYNTAX names the line. */
NODISCARD bool csv_next(struct task *task, struct csv *csv, struct csv_row *ret, bool *ret_end);

#endif
