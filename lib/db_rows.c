#include "lib/db_private.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_read.h"

struct db_rows *
db_rows(struct task *task, PGresult *result)
{
	struct db_rows *rows = arena_alloc(task->arena, sizeof(*rows));

	rows->result = result;
	return rows;
}

int
db_count(const struct db_rows *rows)
{
	return PQntuples(rows->result);
}

int64_t
db_changed(const struct db_rows *rows)
{
	return strtoll(PQcmdTuples(rows->result), NULL, 10);
}

bool
db_null(const struct db_rows *rows, int row, int column)
{
	assert(row >= 0 && row < PQntuples(rows->result));
	assert(column >= 0 && column < PQnfields(rows->result));
	return PQgetisnull(rows->result, row, column) == 1;
}

static const char *
at(const struct db_rows *rows, int row, int column)
{
	return PQgetvalue(rows->result, row, column);
}

static uint16_t
read_16(const char *bytes)
{
	uint16_t net;

	memcpy(&net, bytes, sizeof(net));
	return be16toh(net);
}

static uint32_t
read_32(const char *bytes)
{
	uint32_t net;

	memcpy(&net, bytes, sizeof(net));
	return be32toh(net);
}

static uint64_t
read_64(const char *bytes)
{
	uint64_t net;

	memcpy(&net, bytes, sizeof(net));
	return be64toh(net);
}

static bool
is_text(Oid type)
{
	return type == DB_TYPE_TEXT || type == DB_TYPE_VARCHAR || type == DB_TYPE_NAME ||
	       type == DB_TYPE_BPCHAR || type == DB_TYPE_JSON || type == DB_TYPE_CHAR;
}

const char *
db_text(const struct db_rows *rows, int row, int column)
{
	if (db_null(rows, row, column))
		return NULL;
	assert(is_text(PQftype(rows->result, column)));
	return at(rows, row, column);
}

struct text
db_bytes(const struct db_rows *rows, int row, int column)
{
	if (db_null(rows, row, column))
		return (struct text){ 0 };
	assert(PQftype(rows->result, column) == DB_TYPE_BYTES ||
	       is_text(PQftype(rows->result, column)));
	return (struct text){ .at = at(rows, row, column),
		.len = (size_t)PQgetlength(rows->result, row, column) };
}

int64_t
db_int(const struct db_rows *rows, int row, int column)
{
	Oid type = PQftype(rows->result, column);

	if (db_null(rows, row, column))
		return 0;
	if (type == DB_TYPE_INT8)
		return (int64_t)read_64(at(rows, row, column));
	if (type == DB_TYPE_INT4)
		return (int32_t)read_32(at(rows, row, column));
	if (type == DB_TYPE_OID)
		return read_32(at(rows, row, column));
	assert(type == DB_TYPE_INT2);
	return (int16_t)read_16(at(rows, row, column));
}

bool
db_bool(const struct db_rows *rows, int row, int column)
{
	if (db_null(rows, row, column))
		return false;
	assert(PQftype(rows->result, column) == DB_TYPE_BOOL);
	return at(rows, row, column)[0] != 0;
}

struct id
db_id(const struct db_rows *rows, int row, int column)
{
	struct id id = { 0 };

	if (db_null(rows, row, column))
		return id;
	assert(PQftype(rows->result, column) == DB_TYPE_ID);
	memcpy(id.bytes, at(rows, row, column), sizeof(id.bytes));
	return id;
}

int64_t
db_time(const struct db_rows *rows, int row, int column)
{
	int64_t usec;

	if (db_null(rows, row, column))
		return 0;
	assert(PQftype(rows->result, column) == DB_TYPE_TIME);
	usec = (int64_t)read_64(at(rows, row, column));
	/* Infinity stays what it is. */
	return usec > INT64_MAX - DB_EPOCH_USEC || usec == INT64_MIN ? usec : usec + DB_EPOCH_USEC;
}

int32_t
db_date(const struct db_rows *rows, int row, int column)
{
	if (db_null(rows, row, column))
		return 0;
	assert(PQftype(rows->result, column) == DB_TYPE_DATE);
	return (int32_t)read_32(at(rows, row, column)) + DB_EPOCH_DAYS;
}

static bool
is_texts(Oid type)
{
	return type == DB_TYPE_TEXTS || type == DB_TYPE_VARCHARS || type == DB_TYPE_NAMES;
}

void
db_texts(const struct db_rows *rows, int row, int column, struct task *task, struct json_texts *ret)
{
	const char *bytes = at(rows, row, column);
	const char **list;
	uint32_t count;

	*ret = (struct json_texts){ 0 };
	if (db_null(rows, row, column))
		return;
	assert(is_texts(PQftype(rows->result, column)));
	/* The layout is told in db_array.c; no dimension means no elements. */
	if (read_32(bytes) == 0) {
		ret->at = arena_array(task->arena, 1, sizeof(*list));
		return;
	}
	assert(read_32(bytes) == 1);
	count = read_32(bytes + 12);
	list = arena_array(task->arena, count, sizeof(*list));
	bytes += 20;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = read_32(bytes);

		bytes += 4;
		if (len == UINT32_MAX)
			continue;
		list[i] = arena_strndup(task->arena, bytes, len);
		bytes += len;
	}
	*ret = (struct json_texts){ .at = list, .count = count };
}

void
db_ints(const struct db_rows *rows, int row, int column, struct task *task, struct json_ints *ret)
{
	const char *bytes = at(rows, row, column);
	int64_t *list;
	uint32_t count;

	*ret = (struct json_ints){ 0 };
	if (db_null(rows, row, column))
		return;
	assert(PQftype(rows->result, column) == DB_TYPE_INTS);
	/* The layout is told in db_array.c; no dimension means no elements. */
	if (read_32(bytes) == 0)
		return;
	assert(read_32(bytes) == 1 && read_32(bytes + 4) == 0);
	count = read_32(bytes + 12);
	list = arena_array(task->arena, count, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = (int64_t)read_64(bytes + 20 + i * 12 + 4);
	*ret = (struct json_ints){ .at = list, .count = count };
}

void
db_reals(const struct db_rows *rows, int row, int column, float *ret, size_t count)
{
	const char *bytes = at(rows, row, column);

	assert(PQftype(rows->result, column) == DB_TYPE_REALS);
	/* The layout is told in db_array.c. */
	assert(read_32(bytes) == 1 && read_32(bytes + 4) == 0 && read_32(bytes + 12) == count);
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = read_32(bytes + 20 + i * 8 + 4);

		memcpy(&ret[i], &bits, sizeof(bits));
	}
}
