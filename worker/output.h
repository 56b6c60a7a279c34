/*
 * What commands print on standard output: lines of named values, for people or (--json) as one JSON
 * object a line. Each line is one write.
 */
#ifndef WORKER_OUTPUT_H
#define WORKER_OUTPUT_H

#include "lib/json_write.h"
#include "worker/command.h"

#define OUTPUT_CELLS_MAX 16

struct output_cell {
	const char *name;
	const char *text; /* NULL: null */
	bool number; /* true, false and null too: no quotes in JSON */
};

/* One line while it is put together; what names its kind in a stream of lines. */
struct output_line {
	struct command_context *context;
	const char *what;
	size_t count;
	struct output_cell cells[OUTPUT_CELLS_MAX];
};

struct output_line output_line(struct command_context *context, const char *what);
void output_text(struct output_line *line, const char *name, const char *value);
void output_int(struct output_line *line, const char *name, int64_t value);
void output_bool(struct output_line *line, const char *name, bool value);
void output_cents(struct output_line *line, const char *name, int64_t nanos);
/* Dollars per 1,000,000 tokens; PRICE_NONE gives null. */
void output_rate(struct output_line *line, const char *name, int64_t picos);
void output_seconds(struct output_line *line, const char *name, int64_t usec);
void output_time(struct output_line *line, const char *name, int64_t usec); /* 0 gives null */
void output_date(struct output_line *line, const char *name, int32_t date);
void output_id(struct output_line *line, const char *name, struct id id); /* nil gives null */
/* For people: "what: name value, name value". */
void output_print(const struct output_line *line);

/* With --json the object as the API shows it, else the line. */
void output_object(const struct output_line *line,
    void (*write)(struct json_out *out, const void *object), const void *object);

/* Lines with the same names: for people a table with a head. */
struct output_table;
struct output_table *output_table(struct command_context *context);
/* The line's texts are copied. */
void output_table_add(struct output_table *table, const struct output_line *line);
void output_table_print(const struct output_table *table);

/*
 * How far a long work is: redrawn in place on standard error where that is a terminal and --json
 * was not given; nothing else otherwise. total 0: not known. output_progress_end() clears it.
 */
void output_progress(
    const struct command_context *context, const char *what, int64_t done, int64_t total);
void output_progress_end(const struct command_context *context);

#endif
