/*
 * The rows that a statement gave. They live as long as the task's arena.
 *
 * Asking for the wrong type is a mistake of ours and aborts. A NULL gives 0, nil, false, NULL: ask
 * db_null().
 */
#ifndef LIB_DB_ROWS_H
#define LIB_DB_ROWS_H

#include "lib/task.h"

struct db_rows;

int db_count(const struct db_rows *rows);
int64_t db_changed(const struct db_rows *rows); /* rows inserted, updated or deleted */
bool db_null(const struct db_rows *rows, int row, int column);
const char *db_text(const struct db_rows *rows, int row,
    int column); /* text, varchar, name, inet::text, jsonb::text */
struct text db_bytes(const struct db_rows *rows, int row, int column); /* text or bytea */
int64_t db_int(const struct db_rows *rows, int row, int column); /* int2, int4, int8 */
bool db_bool(const struct db_rows *rows, int row, int column);
struct id db_id(const struct db_rows *rows, int row, int column);
int64_t db_time(
    const struct db_rows *rows, int row, int column); /* timestamptz, microseconds since 1970 */
int32_t db_date(const struct db_rows *rows, int row, int column);
struct json_ints;
struct json_texts;
void db_texts(const struct db_rows *rows, int row, int column, struct task *task,
    struct json_texts *ret); /* text[] */
void db_ints(const struct db_rows *rows, int row, int column, struct task *task,
    struct json_ints *ret); /* int8[] without NULL */

/* real[] of exactly count elements, none NULL. */
void db_reals(const struct db_rows *rows, int row, int column, float *ret, size_t count);

#endif
