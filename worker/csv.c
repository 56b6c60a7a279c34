#include "worker/csv.h"

#include "lib/buf.h"

struct reader {
	struct task *task;
	struct csv *csv;
	struct csv_row *row;
	struct buf cell;
	size_t bytes;
};

static bool
broken(struct reader *reader, const char *why)
{
	return task_fail(reader->task, ERR_SYNTAX, "line %lld of the file %s",
	    (long long)reader->row->line, why);
}

static int
next(struct reader *reader)
{
	int c = getc(reader->csv->file);

	reader->bytes++;
	if (c == '\n')
		reader->csv->line++;
	return c;
}

/* CR before LF belongs to the line end. */
static int
next_outside(struct reader *reader)
{
	int c = next(reader);

	if (c != '\r')
		return c;
	c = next(reader);
	if (c == '\n' || c == EOF)
		return c;
	ungetc(c, reader->csv->file);
	return '\r';
}

static bool
end_cell(struct reader *reader)
{
	struct csv_row *row = reader->row;

	if (row->count == CSV_CELLS_MAX)
		return broken(reader, "has too many cells");
	buf_puts(&reader->cell, "");
	row->cells[row->count++] = buf_text(&reader->cell);
	reader->cell = (struct buf){ .arena = reader->task->arena };
	return true;
}

/* Behind the opening quote; *ret is what stands behind the closing one. */
static bool
read_quoted(struct reader *reader, int *ret)
{
	for (;;) {
		int c = next(reader);

		if (c == '"') {
			c = next_outside(reader);
			if (c != '"') {
				*ret = c;
				return true;
			}
		}
		if (c == EOF)
			return broken(reader, "has a quote that does not end");
		if (reader->bytes > CSV_ROW_MAX_BYTES)
			return broken(reader, "is too long");
		buf_putc(&reader->cell, (char)c);
	}
}

static bool
read_cell(struct reader *reader, int c, int *ret)
{
	if (c == '"') {
		if (!read_quoted(reader, &c))
			return false;
		if (c != ',' && c != '\n' && c != EOF)
			return broken(reader, "has something behind a closing quote");
	}
	for (; c != ',' && c != '\n' && c != EOF; c = next_outside(reader)) {
		if (reader->bytes > CSV_ROW_MAX_BYTES)
			return broken(reader, "is too long");
		buf_putc(&reader->cell, (char)c);
	}
	*ret = c;
	return end_cell(reader);
}

bool
csv_next(struct task *task, struct csv *csv, struct csv_row *ret, bool *ret_end)
{
	struct reader reader = {
		.task = task, .csv = csv, .row = ret, .cell = { .arena = task->arena }
	};
	int c;

	ret->count = 0;
	do {
		ret->line = csv->line;
		c = next_outside(&reader);
	} while (c == '\n');
	*ret_end = c == EOF;
	if (*ret_end)
		return true;
	while (read_cell(&reader, c, &c)) {
		if (c != ',')
			return true;
		c = next_outside(&reader);
	}
	return false;
}
