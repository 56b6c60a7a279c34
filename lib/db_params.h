/*
 * Parameters of a statement, built in order: $1, $2, ...
 */
#ifndef LIB_DB_PARAMS_H
#define LIB_DB_PARAMS_H

#include "lib/task.h"

#define DB_PARAMS_MAX 48

struct db_params {
	struct arena *arena;
	int count;
	struct db_param {
		uint32_t type; /* OID of the PostgreSQL type */
		const void *at; /* binary form; NULL is NULL */
		int len;
	} list[DB_PARAMS_MAX];
};

/* An empty list in the task's arena. */
struct db_params *db_params(struct task *task);
struct db_params *db_params_of(struct task *task, struct id id); /* $1: task->client, $2: id */
void db_add_null(struct db_params *params); /* of type unknown: cast it in the SQL */
void db_add_text(struct db_params *params, const char *value); /* NULL is NULL; not copied */
void db_add_text_n(struct db_params *params, struct text value); /* at NULL is NULL */
void db_add_bytes(struct db_params *params, struct text value); /* bytea */
void db_add_int(struct db_params *params, int64_t value); /* int8 */
void db_add_bool(struct db_params *params, bool value);
void db_add_flag(struct db_params *params, int flag); /* 1, 0, or -1 for db_add_null() */
void db_add_id(struct db_params *params, struct id value); /* uuid; nil is NULL */
void db_add_client(struct db_params *params, struct id value); /* uuid; nil: the operators */
void db_add_time(struct db_params *params, int64_t usec); /* timestamptz */
void db_add_date(struct db_params *params, int32_t date);
void db_add_texts(struct db_params *params, const char *const *values, size_t count); /* text[] */
void db_add_reals(struct db_params *params, const float *values, size_t count); /* real[] */

/*
 * Columns of many rows for INSERT ... SELECT FROM unnest($1, $2, ...): one array parameter for each
 * column, all filled to the same length. NULLs behind the last element of an array are not sent:
 * unnest() fills up the shorter ones.
 */
struct db_array;
/* type is one of the DB_ARRAY_ kinds; the array becomes the next parameter. */
enum db_array_type {
	DB_ARRAY_ID,
	DB_ARRAY_INT,
	DB_ARRAY_BOOL,
	DB_ARRAY_TEXT,
	DB_ARRAY_TIME,
	DB_ARRAY_DATE
};
struct db_array *db_add_array(struct db_params *params, enum db_array_type type);
void db_array_null(struct db_array *array);
void db_array_id(struct db_array *array, struct id value); /* nil is NULL */
void db_array_int(struct db_array *array, int64_t value); /* int8[] */
void db_array_bool(struct db_array *array, bool value);
void db_array_text(struct db_array *array, struct text value); /* at NULL is NULL */
void db_array_time(struct db_array *array, int64_t usec);
void db_array_date(struct db_array *array, int32_t date);
/* A list as one text, for there are no arrays of arrays of different lengths: cast it to text[]. at
 * NULL is NULL. */
struct json_texts;
void db_array_texts(struct db_array *array, const struct json_texts *texts);

#endif
