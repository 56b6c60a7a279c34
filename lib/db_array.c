#include "lib/db_private.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_read.h"

/*
 * The binary form of a one-dimensional array: dimensions, whether it has NULLs, the elements' type,
 * their number, the first index; then length and bytes of each. Without elements it has no
 * dimension, and the last two are missing.
 */
struct header {
	uint32_t dimensions;
	uint32_t has_nulls;
	uint32_t type;
	uint32_t count;
	uint32_t first;
};

#define EMPTY_SIZE offsetof(struct header, count)

struct db_array {
	struct db_params *params;
	int index;
	struct buf buf;
	uint32_t count;
	uint32_t nulls; /* behind the last element, not in buf */
};

static const struct {
	uint32_t array, element;
} types[] = {
	[DB_ARRAY_ID] = { DB_TYPE_IDS, DB_TYPE_ID },
	[DB_ARRAY_INT] = { DB_TYPE_INTS, DB_TYPE_INT8 },
	[DB_ARRAY_BOOL] = { DB_TYPE_BOOLS, DB_TYPE_BOOL },
	[DB_ARRAY_TEXT] = { DB_TYPE_TEXTS, DB_TYPE_TEXT },
	[DB_ARRAY_TIME] = { DB_TYPE_TIMES, DB_TYPE_TIME },
	[DB_ARRAY_DATE] = { DB_TYPE_DATES, DB_TYPE_DATE },
};

struct db_array *
db_add_array(struct db_params *params, enum db_array_type type)
{
	struct db_array *array = arena_alloc(params->arena, sizeof(*array));
	struct header header = { .type = htobe32(types[type].element), .first = htobe32(1) };

	assert(params->count < DB_PARAMS_MAX);
	array->params = params;
	array->index = params->count++;
	array->buf.arena = params->arena;
	buf_add(&array->buf, &header, sizeof(header));
	params->list[array->index] =
	    (struct db_param){ .type = types[type].array, .at = array->buf.at, .len = EMPTY_SIZE };
	return array;
}

static void
add_nulls(struct db_array *array, struct header *header)
{
	const uint32_t null = htobe32(UINT32_MAX);

	for (; array->nulls > 0; array->nulls--, array->count++) {
		buf_add(&array->buf, &null, sizeof(null));
		header->has_nulls = htobe32(1);
	}
}

/* The parameter is whole after each element: nobody has to say which one is the last. */
static void
add(struct db_array *array, const void *bytes, size_t len)
{
	uint32_t size = htobe32((uint32_t)len);
	struct header header;

	assert(array->buf.len + len + array->nulls * sizeof(size) < INT_MAX - sizeof(size));
	memcpy(&header, array->buf.at, sizeof(header));
	add_nulls(array, &header);
	buf_add(&array->buf, &size, sizeof(size));
	buf_add(&array->buf, bytes, len);
	header.dimensions = htobe32(1);
	header.count = htobe32(++array->count);
	memcpy(array->buf.at, &header, sizeof(header));
	array->params->list[array->index].at = array->buf.at;
	array->params->list[array->index].len = (int)array->buf.len;
}

void
db_array_null(struct db_array *array)
{
	array->nulls++;
}

void
db_array_id(struct db_array *array, struct id value)
{
	if (id_is_nil(value))
		db_array_null(array);
	else
		add(array, value.bytes, sizeof(value.bytes));
}

void
db_array_int(struct db_array *array, int64_t value)
{
	uint64_t net = htobe64((uint64_t)value);

	add(array, &net, sizeof(net));
}

void
db_array_bool(struct db_array *array, bool value)
{
	char byte = value ? 1 : 0;

	add(array, &byte, sizeof(byte));
}

void
db_array_text(struct db_array *array, struct text value)
{
	if (value.at == NULL)
		db_array_null(array);
	else
		add(array, value.at, value.len);
}

void
db_array_time(struct db_array *array, int64_t usec)
{
	uint64_t net = htobe64((uint64_t)db_time_out(usec));

	add(array, &net, sizeof(net));
}

void
db_array_date(struct db_array *array, int32_t date)
{
	uint32_t net = htobe32((uint32_t)(date - DB_EPOCH_DAYS));

	add(array, &net, sizeof(net));
}

void
db_add_reals(struct db_params *params, const float *values, size_t count)
{
	const uint32_t len = htobe32(sizeof(*values));
	struct header header = {
		.dimensions = htobe32(1),
		.type = htobe32(DB_TYPE_REAL),
		.count = htobe32((uint32_t)count),
		.first = htobe32(1),
	};
	struct buf buf = { .arena = params->arena };

	assert(params->count < DB_PARAMS_MAX);
	assert(count > 0 && count < INT_MAX / (2 * sizeof(len)) - sizeof(header));
	buf_add(&buf, &header, sizeof(header));
	for (size_t i = 0; i < count; i++) {
		uint32_t net;

		memcpy(&net, &values[i], sizeof(net));
		net = htobe32(net);
		buf_add(&buf, &len, sizeof(len));
		buf_add(&buf, &net, sizeof(net));
	}
	params->list[params->count++] =
	    (struct db_param){ .type = DB_TYPE_REALS, .at = buf.at, .len = (int)buf.len };
}

/* {"a","b"}: quotes and backslashes escaped, as PostgreSQL reads the text of an array. */
void
db_array_texts(struct db_array *array, const struct json_texts *texts)
{
	struct buf buf = { .arena = array->params->arena };

	if (texts->at == NULL) {
		db_array_null(array);
		return;
	}
	buf_putc(&buf, '{');
	for (size_t i = 0; i < texts->count; i++) {
		buf_puts(&buf, i == 0 ? "\"" : ",\"");
		for (const char *c = texts->at[i]; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				buf_putc(&buf, '\\');
			buf_putc(&buf, *c);
		}
		buf_putc(&buf, '"');
	}
	buf_putc(&buf, '}');
	db_array_text(array, buf_text(&buf));
}
