/*
 * Between the files of resources: their SQL, and one value of a field on its ways.
 */
#ifndef LIB_MODEL_RESOURCE_PRIVATE_H
#define LIB_MODEL_RESOURCE_PRIVATE_H

#include "lib/model/resource.h"

enum resource_kind {
	RESOURCE_SQL_ADD,
	RESOURCE_SQL_FIND,
	RESOURCE_SQL_LOCK,
	RESOURCE_SQL_LOCK_DELETED,
	RESOURCE_SQL_CHANGE,
	RESOURCE_SQL_REMOVE,
	RESOURCE_SQL_RESTORE,
	RESOURCE_SQL_QUEUE, /* until the transaction ends, for who adds another of the client's */
	RESOURCE_SQL_HELD, /* how many the client has */
	RESOURCE_SQL_LIST, /* and so on, one for each choice of filters; then those of the deleted
			    */
	RESOURCE_SQL_COUNT = RESOURCE_SQL_LIST + (2 << RESOURCE_FILTERS_MAX),
	RESOURCE_SQL_MORE = RESOURCE_SQL_COUNT + RESOURCE_FIELDS_MAX,
	RESOURCE_SQL_END = RESOURCE_SQL_MORE + RESOURCE_SELECTS_MAX
};

_Static_assert((int)RESOURCE_SQL_END <= RESOURCE_STATEMENTS_MAX, "each has its place");

/* What is only shown is read without its secrets. kind: of enum resource_kind, as below. */
bool resource_reads(const struct resource_field *field, unsigned kind);
/* Whether it has a column. */
bool resource_keeps(const struct resource_field *field);
/* Whether a change stores it. */
bool resource_changes(const struct resource_field *field);
void resource_write_sql(struct buf *out, const struct resource *resource, unsigned kind);
const char *resource_sql(const struct resource *resource, unsigned kind);
const char *resource_list_sql(
    const struct resource *resource, const struct resource_filter *filter);

union resource_value {
	const char *text;
	int64_t number;
	bool truth;
	int choice;
	struct id id;
	struct json_texts texts;
	struct json_ints ints;
	struct text object;
};
union resource_value resource_load(const struct resource_field *field, const void *object);

/* The value at the field's place in the object. What cannot be sealed or opened is an error of the
 * task, which is to be looked at behind the last field. */
void resource_bind(struct task *task, const struct resource *resource, struct db_params *params,
    const struct resource_field *field, const void *object);
void resource_take(struct task *task, const struct resource *resource, const struct db_rows *rows,
    int row, int column, const struct resource_field *field, void *object);
/* All but what has one of these uses. */
void resource_write_members(
    struct json_out *out, const struct resource *resource, const void *object, unsigned without);
void resource_show(struct json_out *out, const struct resource_field *field, const void *object);
bool resource_is_absent(const struct resource_field *field, const void *object);
/* The table's check admits no name that is not a choice. */
int resource_choice(const struct resource_field *field, const char *name);
void resource_clear(const struct resource_field *field, void *object);
size_t resource_value_size(const struct resource_field *field);

#endif
