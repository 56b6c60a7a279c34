#include "worker/output.h"

#include "lib/clock.h"
#include "lib/core/price.h"
#include "lib/money.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 30
#define RATE_SCALE 6 /* pico-dollars a token are millionths of a dollar per 1,000,000 tokens */

struct output_line
output_line(struct command_context *context, const char *what)
{
	return (struct output_line){ .context = context, .what = what };
}

static void
add(struct output_line *line, const char *name, const char *text, bool number)
{
	assert(line->count < OUTPUT_CELLS_MAX);
	line->cells[line->count++] = (struct output_cell){ name, text, number || text == NULL };
}

static void
add_copy(struct output_line *line, const char *name, const char *text, bool number)
{
	add(line, name, arena_strdup(line->context->task->arena, text), number);
}

void
output_text(struct output_line *line, const char *name, const char *value)
{
	add(line, name, value, false);
}

void
output_int(struct output_line *line, const char *name, int64_t value)
{
	struct arena *arena = line->context->task->arena;

	add(line, name, arena_printf(arena, "%lld", (long long)value), true);
}

void
output_bool(struct output_line *line, const char *name, bool value)
{
	add(line, name, value ? "true" : "false", true);
}

void
output_cents(struct output_line *line, const char *name, int64_t nanos)
{
	char text[MONEY_TEXT_SIZE];

	add_copy(line, name, money_format_cents(nanos, text), true);
}

void
output_rate(struct output_line *line, const char *name, int64_t picos)
{
	char text[MONEY_TEXT_SIZE];

	if (picos == PRICE_NONE)
		add(line, name, NULL, true);
	else
		add_copy(line, name, money_format_scaled(picos, RATE_SCALE, text), true);
}

void
output_seconds(struct output_line *line, const char *name, int64_t usec)
{
	char text[MONEY_TEXT_SIZE];

	add_copy(line, name, money_format_scaled(usec / 1000, 3, text), true);
}

void
output_time(struct output_line *line, const char *name, int64_t usec)
{
	char text[CLOCK_TEXT_SIZE];

	if (usec == 0)
		add(line, name, NULL, true);
	else
		add_copy(line, name, clock_format(usec, text), false);
}

void
output_date(struct output_line *line, const char *name, int32_t date)
{
	char text[DATE_TEXT_SIZE];

	add_copy(line, name, date_format(date, text), false);
}

void
output_id(struct output_line *line, const char *name, struct id id)
{
	char text[ID_TEXT_SIZE];

	if (id_is_nil(id))
		add(line, name, NULL, true);
	else
		add_copy(line, name, id_format(id, text), false);
}

/* Standard output may be a pipe that closed: nothing to be done about it here. */
static void
write_out(const struct buf *buf)
{
	fwrite(buf->at, 1, buf->len, stdout);
	fflush(stdout);
}

static void
print_json(const struct output_line *line)
{
	struct buf buf = { .arena = line->context->task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	if (line->what != NULL)
		json_text(out, "event", line->what);
	for (size_t i = 0; i < line->count; i++) {
		const struct output_cell *cell = &line->cells[i];

		if (cell->number && cell->text != NULL)
			json_raw(out, cell->name, (struct text){ cell->text, strlen(cell->text) });
		else
			json_text(out, cell->name, cell->text);
	}
	json_close(out);
	buf_putc(&buf, '\n');
	write_out(&buf);
}

static const char *
shown(const struct output_cell *cell)
{
	return cell->text != NULL ? cell->text : "-";
}

void
output_print(const struct output_line *line)
{
	struct buf buf = { .arena = line->context->task->arena };

	if (line->context->json) {
		print_json(line);
		return;
	}
	if (line->what != NULL)
		buf_printf(&buf, "%s: ", line->what);
	for (size_t i = 0; i < line->count; i++)
		buf_printf(&buf, "%s%s %s", i == 0 ? "" : ", ", line->cells[i].name,
		    shown(&line->cells[i]));
	buf_putc(&buf, '\n');
	write_out(&buf);
}

void
output_object(const struct output_line *line,
    void (*write)(struct json_out *out, const void *object), const void *object)
{
	struct buf buf = { .arena = line->context->task->arena };

	if (!line->context->json) {
		output_print(line);
		return;
	}
	write(json_out_new(&buf), object);
	buf_putc(&buf, '\n');
	write_out(&buf);
}

struct output_row {
	struct output_line line;
	struct output_row *next;
};

struct output_table {
	struct command_context *context;
	struct arena *arena; /* its own: rows outlive the steps that made them */
	struct output_row *first, **last;
	size_t widths[OUTPUT_CELLS_MAX];
};

static void
free_arena(void *arena)
{
	arena_free(arena);
}

struct output_table *
output_table(struct command_context *context)
{
	struct output_table *table = arena_alloc(context->task->arena, sizeof(*table));

	table->context = context;
	table->arena = arena_new();
	arena_defer(context->task->arena, free_arena, table->arena);
	table->last = &table->first;
	return table;
}

/* Columns as they show on a terminal, near enough: characters, not bytes. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
widen(size_t *to, size_t n)
{
	if (*to < n)
		*to = n;
}

void
output_table_add(struct output_table *table, const struct output_line *line)
{
	struct output_row *row = arena_alloc(table->arena, sizeof(*row));

	row->line = *line;
	*table->last = row;
	table->last = &row->next;
	for (size_t i = 0; i < line->count; i++) {
		if (line->cells[i].text != NULL)
			row->line.cells[i].text = arena_strdup(table->arena, line->cells[i].text);
		widen(&table->widths[i], width(line->cells[i].name));
		widen(&table->widths[i], width(shown(&line->cells[i])));
	}
}

/* Numbers to the right, so that they can be compared; nothing behind the last column. */
static void
add_padded(struct buf *buf, const char *text, size_t size, bool number, bool last)
{
	int blanks = (int)(size - width(text));

	if (number)
		buf_printf(buf, "%*s", blanks, "");
	buf_puts(buf, text);
	if (!number && !last)
		buf_printf(buf, "%*s", blanks, "");
	buf_puts(buf, last ? "\n" : "  ");
}

static void
add_row(
    const struct output_table *table, const struct output_line *line, bool head, struct buf *buf)
{
	for (size_t i = 0; i < line->count; i++) {
		const struct output_cell *cell = &line->cells[i];

		add_padded(buf, head ? cell->name : shown(cell), table->widths[i], cell->number,
		    i + 1 == line->count);
	}
}

void
output_table_print(const struct output_table *table)
{
	struct buf buf = { .arena = table->context->task->arena };

	if (table->first == NULL)
		return;
	if (!table->context->json)
		add_row(table, &table->first->line, true, &buf);
	for (const struct output_row *row = table->first; row != NULL; row = row->next) {
		if (table->context->json)
			print_json(&row->line);
		else
			add_row(table, &row->line, false, &buf);
	}
	if (!table->context->json)
		write_out(&buf);
}

static bool
shows_progress(const struct command_context *context)
{
	return !context->json && isatty(STDERR_FILENO);
}

void
output_progress(
    const struct command_context *context, const char *what, int64_t done, int64_t total)
{
	char bar[BAR_WIDTH + 1];
	size_t filled;

	if (!shows_progress(context))
		return;
	if (total <= 0) {
		fprintf(stderr, "\r%s %lld\033[K", what, (long long)done);
		return;
	}
	filled = done >= total ? BAR_WIDTH : (size_t)(done * BAR_WIDTH / total);
	memset(bar, '-', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %lld/%lld\033[K", what, bar, (long long)done, (long long)total);
}

void
output_progress_end(const struct command_context *context)
{
	if (shows_progress(context))
		fputs("\r\033[K", stderr);
}
