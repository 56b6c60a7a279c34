/*
 * The tiers of many users of many clients, for the write path.
 */
#ifndef LIB_MODEL_USER_TIERS_H
#define LIB_MODEL_USER_TIERS_H

#include "lib/model/user.h"

struct user_tier_row {
	struct id client;
	struct id user;
	const char *unknown; /* the tier of a user that is not there; NULL: none */
	const char **ret; /* one of user_tier_names, or NULL */
};

/* In a transaction of its own. */
NODISCARD bool user_tiers_find(struct task *task, struct user_tier_row *rows, size_t count);

extern const char *const user_tiers_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
