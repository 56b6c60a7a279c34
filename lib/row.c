#include "lib/row.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/csv.h"
#include "lib/json_write.h"
#include "lib/money.h"

void
row_begin(struct row *row, enum row_form form, struct buf *buf)
{
	*row = (struct row){ .buf = buf, .form = form };
	if (form != ROW_JSON)
		return;
	row->json = json_out_new(buf);
	json_open(row->json);
}

/* True where the value is to be written as CSV, and it is its turn. */
static bool
is_csv(struct row *row, const char *name)
{
	if (row->form == ROW_JSON)
		return false;
	if (row->begun)
		buf_putc(row->buf, ',');
	row->begun = true;
	if (row->form == ROW_HEAD)
		buf_puts(row->buf, name);
	return row->form == ROW_CSV;
}

void
row_null(struct row *row, const char *name)
{
	(void)is_csv(row, name);
	if (row->form == ROW_JSON)
		json_null(row->json, name);
}

void
row_text(struct row *row, const char *name, const char *value)
{
	if (row->form == ROW_JSON)
		json_text(row->json, name, value);
	else if (is_csv(row, name) && value != NULL)
		csv_add(row->buf, (struct text){ value, strlen(value) });
}

void
row_id(struct row *row, const char *name, struct id value)
{
	char text[ID_TEXT_SIZE];

	row_text(row, name, id_is_nil(value) ? NULL : id_format(value, text));
}

void
row_int(struct row *row, const char *name, int64_t value)
{
	row_decimal(row, name, value, 0);
}

void
row_decimal(struct row *row, const char *name, int64_t value, int scale)
{
	char text[MONEY_TEXT_SIZE];

	money_format_scaled(value, scale, text);
	if (row->form == ROW_JSON)
		json_number(row->json, name, text);
	else if (is_csv(row, name))
		buf_puts(row->buf, text);
}

void
row_time(struct row *row, const char *name, int64_t usec)
{
	char text[CLOCK_TEXT_SIZE];

	row_text(row, name, clock_format(usec, text));
}

void
row_json(struct row *row, const char *name, struct text json)
{
	if (row->form == ROW_JSON)
		json_raw(row->json, name, json);
	else if (is_csv(row, name))
		csv_add(row->buf, json);
}

void
row_end(struct row *row)
{
	if (row->form == ROW_JSON) {
		json_close(row->json);
		buf_putc(row->buf, '\n');
	} else {
		buf_puts(row->buf, "\r\n");
	}
}
