#include "lib/db_private.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <string.h>

struct db_params *
db_params(struct task *task)
{
	struct db_params *params = arena_alloc(task->arena, sizeof(*params));

	params->arena = task->arena;
	return params;
}

struct db_params *
db_params_of(struct task *task, struct id id)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, id);
	return params;
}

static void
add(struct db_params *params, uint32_t type, const void *at, size_t len)
{
	assert(params->count < DB_PARAMS_MAX);
	assert(len <= INT_MAX);
	params->list[params->count++] =
	    (struct db_param){ .type = type, .at = at, .len = (int)len };
}

static void
add_copy(struct db_params *params, uint32_t type, const void *bytes, size_t len)
{
	void *copy = arena_alloc(params->arena, len);

	memcpy(copy, bytes, len);
	add(params, type, copy, len);
}

void
db_add_null(struct db_params *params)
{
	add(params, 0, NULL, 0);
}

void
db_add_text(struct db_params *params, const char *value)
{
	add(params, DB_TYPE_TEXT, value, value == NULL ? 0 : strlen(value));
}

/* libpq takes NULL for SQL's NULL, so an empty text must point somewhere: any text does. */
void
db_add_text_n(struct db_params *params, struct text value)
{
	add(params, DB_TYPE_TEXT, value.at, value.len);
}

void
db_add_bytes(struct db_params *params, struct text value)
{
	add(params, DB_TYPE_BYTES, value.at, value.len);
}

void
db_add_int(struct db_params *params, int64_t value)
{
	uint64_t net = htobe64((uint64_t)value);

	add_copy(params, DB_TYPE_INT8, &net, sizeof(net));
}

void
db_add_bool(struct db_params *params, bool value)
{
	char byte = value ? 1 : 0;

	add_copy(params, DB_TYPE_BOOL, &byte, sizeof(byte));
}

void
db_add_flag(struct db_params *params, int flag)
{
	if (flag < 0)
		db_add_null(params);
	else
		db_add_bool(params, flag == 1);
}

void
db_add_id(struct db_params *params, struct id value)
{
	if (id_is_nil(value))
		add(params, DB_TYPE_ID, NULL, 0);
	else
		add_copy(params, DB_TYPE_ID, value.bytes, sizeof(value.bytes));
}

void
db_add_client(struct db_params *params, struct id value)
{
	add_copy(params, DB_TYPE_ID, value.bytes, sizeof(value.bytes));
}

/* INT64_MAX and INT64_MIN are infinity on both sides. */
int64_t
db_time_out(int64_t usec)
{
	return usec == INT64_MAX || usec < INT64_MIN + DB_EPOCH_USEC ? usec : usec - DB_EPOCH_USEC;
}

void
db_add_time(struct db_params *params, int64_t usec)
{
	uint64_t net = htobe64((uint64_t)db_time_out(usec));

	add_copy(params, DB_TYPE_TIME, &net, sizeof(net));
}

void
db_add_date(struct db_params *params, int32_t date)
{
	uint32_t net = htobe32((uint32_t)(date - DB_EPOCH_DAYS));

	add_copy(params, DB_TYPE_DATE, &net, sizeof(net));
}

void
db_add_texts(struct db_params *params, const char *const *values, size_t count)
{
	struct db_array *array = db_add_array(params, DB_ARRAY_TEXT);

	for (size_t i = 0; i < count; i++)
		db_array_text(array, (struct text){ .at = values[i], .len = strlen(values[i]) });
}
