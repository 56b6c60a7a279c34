/*
 * The table of a resource: what lib/model/resource.h works by.
 */
#ifndef LIB_MODEL_RESOURCE_TABLE_H
#define LIB_MODEL_RESOURCE_TABLE_H

#include "lib/json_write.h"
#include "lib/task.h"

#define RESOURCE_FIELDS_MAX 32
#define RESOURCE_FILTERS_MAX 7
#define RESOURCE_SELECTS_MAX 4

/*
 * What an absent value is: RESOURCE_NONE for JSON_INT, JSON_CENTS, JSON_RATE and JSON_MILLIONTHS
 * unless the field says otherwise, 0 for JSON_TIME, the place of the NULL behind the names for
 * JSON_CHOICE, else NULL or nil. JSON_BOOL and JSON_INTS are never absent.
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
	RESOURCE_SECRET =
	    16, /* in no answer and not in the audit log, and read only to be changed */
	RESOURCE_ONCE = 32, /* in the answer to adding it, and never read again */
	RESOURCE_OWN = 64, /* changed by what the resource alone does */
	RESOURCE_UNKEPT = 128, /* has no column */
	RESOURCE_UNSHOWN = 256, /* write() tells of it */
	RESOURCE_COUNTED = 512, /* changes by being used, which is no change: not in the ETag */
	RESOURCE_DERIVED = 1024, /* has no column, and is what from says; not in the ETag */
	RESOURCE_SEALED = 2048, /* its column holds it sealed (lib/sealed.h), and the audit log not
				   at all; JSON_OBJECT only */
	RESOURCE_PARENT = 4096 /* with RESOURCE_FILTER: the path names it before the id */
};

/* An object in JSON whose members are fields of the table, one behind the other. Whether the group
 * may be taken away by null, its first field says. */
struct resource_group {
	const char *name;
	const char *about;
	bool sparse; /* shown with what has a value; else, null where nothing has one */
};

struct resource_field {
	/* As it is added. Neither given nor nulled is used. No JSON_GROUP. In a group, required:
	 * wherever the group is given. */
	struct json_field json;
	unsigned use; /* of enum resource_use */
	const char *absent; /* a sentence for who adds one: what it is where not given; or NULL */
	const struct resource_group *group; /* or NULL */
	const int64_t *none; /* of a number, what an absent one is; NULL: RESOURCE_NONE */
	const char *column; /* NULL: it has the field's name */
	const char *into, *from; /* how a value gets into its column, and out of it, ? standing for
				    the value and the column; NULL: as it is */
	const char *filter; /* how the list compares, ? standing for the value; NULL: by = */
};

/* What a violated constraint (unique, foreign key, check) says about the caller's fields. */
struct resource_taken {
	const char *constraint;
	const char *field;
	const char *message;
};

/* Made at the first use of any, and constant from then on; NULL: it has no such. */
#define RESOURCE_STATEMENTS_MAX 320
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
	const struct resource *parent; /* of whose rows one each has its own of these; or NULL */
	const struct resource_taken *taken;
	size_t taken_count;
	struct resource_statements *statements;
	const char *const *selects; /* for resource_select(): what stands behind FROM; NULL behind
				       the last; or NULL */
	const char *only; /* a condition on its rows, for all calls; or NULL */
	int64_t max; /* of a client, living ones where it is soft; 0: no limit */
	bool of_operator; /* the rows have no client */
	bool soft; /* deleting sets deleted_at, and can be taken back */
	bool final; /* with soft: nobody sees what is deleted any more */
	bool stays; /* none is deleted */
	bool quiet; /* its changes are not in the audit log */

	/* What it alone does, each in the transaction of the change; or NULL. before is NULL where
	 * it is added, and has the secrets that after has. A text or texts that are not given are
	 * before's own, at the same place: only what is given is to be checked. */
	bool (*check)(struct task *task, const void *before, void *after);
	/* Before the row is locked: locks that come first. change holds what is given. */
	bool (*lock)(struct task *task, struct id id, const void *change);
	/* Behind reading a row. */
	void (*loaded)(void *object);
	/* Behind the statement. */
	bool (*stored)(
	    struct task *task, const char *action, const void *before, const void *after);
	/* More members of the answer. */
	void (*write)(struct json_out *out, const void *object);
};

extern const struct resource *const resources[]; /* all there are; NULL behind the last */

#endif
