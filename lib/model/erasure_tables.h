/*
 * What the tables say of persons: one row for each table of tenants, and in it every column. The
 * erasure and the export of a person work by it, and a test holds it against the catalogue: a new
 * column fails the build until it is told here what it is.
 */
#ifndef LIB_MODEL_ERASURE_TABLES_H
#define LIB_MODEL_ERASURE_TABLES_H

#include "lib/base.h"

#define ERASURE_WAYS_MAX 3

struct erasure_table {
	const char *name;
	/* Its columns, with blanks between the names. */
	const char *plain; /* say nothing of a person; NULL: none, as below */
	const char *personal; /* go or are emptied with the person */
	const char *secret; /* the same, and in no export */
	/*
	 * Statements that take the person out of at most $3 rows; $1 is the client, $2 the user.
	 * They find nothing more when all is done, and say how many rows they changed or, where
	 * they give a row, in its first column. NULL: none.
	 */
	const char *erase[ERASURE_WAYS_MAX];
	bool booked; /* the statements need day_lock() */
	bool last; /* by its rows others are found: only the last step, which keeps out what comes
		      meanwhile, changes it */
	/* A JSON object for each row of the person, without the columns of $3; or NULL. */
	const char *find;
};

/* In the order in which they are erased: what is found by way of others comes before them. NULL
 * behind the last. */
const struct erasure_table *erasure_table_at(size_t i);

/* The names of a list, for a parameter of the type text[]. */
struct json_texts;
struct task;
struct json_texts erasure_names(struct task *task, const char *list);

/* For the tests; NULL behind the last. */
extern const char *const erasure_table_statements[];
extern const char *const erasure_work_statements[];

#endif
