/*
 * Sealing anew: every value that is sealed in the database, of all clients, with the key that is
 * current (task->seal_keys). For the operator, in portions: who is interrupted begins again and
 * passes over what is done.
 */
#ifndef LIB_MODEL_RESEALING_H
#define LIB_MODEL_RESEALING_H

#include "lib/db.h"

#define RESEALING_PORTION 100 /* values in a transaction */

/* One column: begins as all zero but its number. */
struct resealing {
	size_t column; /* below RESEALING_COLUMNS */
	struct id client, row; /* the last that was looked at */
	int64_t values; /* looked at */
	int64_t sealed; /* of those, sealed with the previous key */
	int64_t left; /* with neither */
	bool over;
};

#define RESEALING_COLUMNS 3
/* "user_mfa.secret" */
const char *resealing_name(size_t column);

/*
 * The next values, which nobody changes before the end of the transaction; change: those of the
 * previous key are sealed anew. *ret_sealed: so many of them are the previous key's.
 */
NODISCARD bool resealing_next(
    struct task *task, struct resealing *at, bool change, int64_t *ret_sealed);

extern const char *const resealing_statements[]; /* NULL behind the last */

#endif
