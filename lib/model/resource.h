/*
 * The pattern of resources: a const table says what one consists of, and adding, finding, listing,
 * changing, deleting and restoring follow from it, each change with its row in the audit log. A
 * resource has code only for what it alone does.
 *
 * An object is a struct that begins with a resource_head; the fields lie in it where the table
 * says. Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_RESOURCE_H
#define LIB_MODEL_RESOURCE_H

#include "lib/db.h"
#include "lib/model/resource_table.h"

/* Adds the object; the id is new unless check() sets one. *object is then what was stored.
 * ERR_CONFLICT naming the field whose value another one has, or where there are max. */
NODISCARD bool resource_add(struct task *task, const struct resource *resource, void *object);
/* The living one, without its secrets. ERR_NOT_FOUND. */
NODISCARD bool resource_find(
    struct task *task, const struct resource *resource, struct id id, void *ret);
/* Those of resource->selects[which] with these parameters, without secrets; *ret: so many objects
 * in a row. */
NODISCARD bool resource_select(struct task *task, const struct resource *resource, unsigned which,
    const struct db_params *params, void **ret, size_t *ret_count);
/* The living one with its secrets, which nobody else changes before the end of the transaction.
 * change: what will be given; or NULL. */
NODISCARD bool resource_find_to_change(struct task *task, const struct resource *resource,
    struct id id, const void *change, void *ret);
/* Stores after, a changed copy of before, which is locked. Nothing is done where they are the same.
 * action: for the audit log. */
NODISCARD bool resource_change(struct task *task, const struct resource *resource,
    const char *action, const void *before, void *after);
/* Deletes what is locked. */
NODISCARD bool resource_remove(
    struct task *task, const struct resource *resource, const void *before);
/* Of a deleted one. ERR_CONFLICT when it lives, or when a value of its was taken meanwhile. */
NODISCARD bool resource_restore(
    struct task *task, const struct resource *resource, struct id id, void *ret);

struct resource_filter {
	const void *values; /* an object with what the rows must have */
	unsigned given; /* which of the filters of the table, in their order: a bit each */
	bool deleted; /* the deleted ones instead of the living */
	struct id after; /* the last id of the page before; nil: from the start */
	int64_t limit;
};
/* By descending id, without secrets; *ret: so many objects in a row. */
NODISCARD bool resource_list(struct task *task, const struct resource *resource,
    const struct resource_filter *filter, void **ret, size_t *ret_count);

/* Whether a resource's rows are counted by the field. */
bool resource_counts(const struct resource_field *field);
/* How many are alive, by each choice of such a field. */
NODISCARD bool resource_count(struct task *task, const struct resource *resource,
    const struct resource_field *by, int64_t *ret);

/* How many fields from this one on are of its group; 1 without one. */
size_t resource_group_size(const struct resource *resource, size_t first);

struct id resource_id(const void *object);
/* A new object with the defaults. */
void *resource_new(struct task *task, const struct resource *resource);
/* Copies the values that are given for this use, and takes away those that are nulled. */
void resource_apply(const struct resource *resource, const bool *given, const bool *nulled,
    const void *from, void *to);
/* added: with what is shown only once. */
void resource_write(
    struct json_out *out, const struct resource *resource, const void *object, bool added);

/* What whoever changes it must have seen: for its ETag. */
void resource_write_version(
    struct json_out *out, const struct resource *resource, const void *object);

/* A statement of the resource, for the tests: from 0, NULL behind the last. */
const char *resource_statement(const struct resource *resource, unsigned number);

#endif
