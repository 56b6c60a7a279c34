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
#include "lib/json_write.h"

#define RESOURCE_FIELDS_MAX 32
#define RESOURCE_FILTERS_MAX 4

/*
 * What an absent value is: RESOURCE_NONE for JSON_INT and JSON_CENTS, 0 for JSON_TIME, else NULL or
 * nil. JSON_BOOL and JSON_CHOICE are never absent.
 */
#define RESOURCE_NONE INT64_MIN

struct resource_head {
	struct id id;
	int64_t created_at;
	int64_t updated_at;
	int64_t deleted_at; /* 0: living, or the resource is deleted for good */
};

enum resource_use {
	RESOURCE_ADD = 1, /* may be given when it is added */
	RESOURCE_CHANGE = 2, /* may be changed */
	RESOURCE_FILTER = 4, /* a parameter of the list */
	RESOURCE_CLEAR = 8, /* null takes it away */
	RESOURCE_SECRET = 16, /* in no answer and not in the audit log */
	RESOURCE_ONCE = 32, /* in the answer to adding it, and never read again */
	RESOURCE_OWN = 64 /* changed by what the resource alone does */
};

struct resource_field {
	/* As it is added; the name is the column's. Neither given nor nulled is used. No
	 * JSON_GROUP. */
	struct json_field json;
	unsigned use; /* of enum resource_use */
	const char *filter; /* how the list compares, ? standing for the value; NULL: by = */
};

/* What a violated constraint says about the caller's fields. */
struct resource_taken {
	const char *constraint;
	const char *field;
	const char *message;
};

/* Made at the first use of any, and constant from then on; NULL: it has no such. */
#define RESOURCE_STATEMENTS_MAX 80
struct resource_statements {
	const char *sql[RESOURCE_STATEMENTS_MAX];
};

struct resource {
	const char *table; /* also the entity of the audit log */
	const char *one; /* what a person calls it: "user" */
	size_t size; /* of an object */
	const void *defaults; /* an object as it is before anything is given; NULL: all zero */
	const struct resource_field *fields;
	size_t count;
	const struct resource_taken *taken;
	size_t taken_count;
	struct resource_statements *statements;
	const char *only; /* a condition on its rows, for all calls; or NULL */
	int64_t max; /* of a client; 0: no limit */
	bool of_operator; /* the rows have no client */
	bool soft; /* deleting sets deleted_at, and can be taken back */
	bool stays; /* none is deleted */

	/* What it alone does, each in the transaction of the change; or NULL. before is NULL where
	 * it is added, and has the secrets that after has. */
	bool (*check)(struct task *task, const void *before, void *after);
	/* Before the row is locked: locks that come first. change holds what is given. */
	bool (*lock)(struct task *task, struct id id, const void *change);
	/* Behind the statement. */
	bool (*stored)(
	    struct task *task, const char *action, const void *before, const void *after);
	/* More members of the answer. */
	void (*write)(struct json_out *out, const void *object);
};

/* Adds the object; the id is new unless check() sets one. *object is then what was stored.
 * ERR_CONFLICT naming the field whose value another one has, or where there are max. */
NODISCARD bool resource_add(struct task *task, const struct resource *resource, void *object);
/* The living one. ERR_NOT_FOUND. */
NODISCARD bool resource_find(
    struct task *task, const struct resource *resource, struct id id, void *ret);
/* The same, which nobody else changes before the end of the transaction. change: what will be
 * given; or NULL. */
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
/* By descending id; *ret: so many objects in a row. */
NODISCARD bool resource_list(struct task *task, const struct resource *resource,
    const struct resource_filter *filter, void **ret, size_t *ret_count);

/* Whether a resource's rows are counted by the field. */
bool resource_counts(const struct resource_field *field);
/* How many are alive, by each choice of such a field. */
NODISCARD bool resource_count(struct task *task, const struct resource *resource,
    const struct resource_field *by, int64_t *ret);

struct id resource_id(const void *object);
/* A new object with the defaults. */
void *resource_new(struct task *task, const struct resource *resource);
/* Copies the values that are given for this use, and takes away those that are nulled. */
void resource_apply(const struct resource *resource, const bool *given, const bool *nulled,
    const void *from, void *to);
/* added: with what is shown only once. */
void resource_write(
    struct json_out *out, const struct resource *resource, const void *object, bool added);

extern const struct resource *const resources[]; /* all there are; NULL behind the last */
/* A statement of the resource, for the tests: from 0, NULL behind the last. */
const char *resource_statement(const struct resource *resource, unsigned number);

#endif
