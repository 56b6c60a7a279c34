/*
 * The users, sessions and agent sessions that the records of many clients name, for the write path.
 */
#ifndef LIB_MODEL_REFERENCE_H
#define LIB_MODEL_REFERENCE_H

#include "lib/model/user.h"

enum reference_kind { REFERENCE_USER, REFERENCE_SESSION, REFERENCE_AGENT_SESSION };

struct reference {
	struct id client;
	struct id id;
	enum reference_kind kind;
	bool found; /* set by reference_find(); true of every agent session */
	bool erased; /* the same: the user was, not long ago */
	enum user_tier tier; /* of a user that was found */
	/* Of an agent session; nil: there is none of this id, nor will be, as ids are given here.
	 */
	struct id root;
};

/* In a transaction of its own. */
NODISCARD bool reference_find(struct task *task, struct reference *const *list, size_t count);

extern const char *const reference_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
