/*
 * Keys as they are presented: whose key is it, of which line, from where may it come, and how often
 * was it used. Texts live as long as the task.
 */
#ifndef LIB_MODEL_AUTH_TOKEN_USE_H
#define LIB_MODEL_AUTH_TOKEN_USE_H

#include "lib/address.h"
#include "lib/db.h"
#include "lib/model/client.h"
#include "lib/seal.h"

/* The first key of the line that the key is of. */
NODISCARD bool auth_token_find_lineage(
    struct task *task, struct id id, bool *ret_found, struct id *ret_lineage);

/* What decides about a key that somebody presents. */
struct auth_token_presented {
	struct id id;
	struct id lineage; /* as of struct auth_token */
	struct id client; /* nil: an operator's */
	struct id user; /* nil: not bound to a user */
	uint8_t hash[SEAL_HASH_SIZE];
	uint64_t scopes;
	int64_t expires_at; /* INT64_MAX: never */
	int64_t rate_limit_per_hour; /* 0: none */
	const struct address_range *allowed; /* it may come from; NULL: from anywhere */
	size_t allowed_count;
	bool active; /* neither revoked nor of a client that is deactivated or deleted */
	const char *timezone; /* of the client, as below */
	int64_t log_retention_days; /* 0: as the settings say */
	enum client_credits credits;
};
/* In a transaction of its own. ERR_NOT_FOUND takes the same work as finding one. */
NODISCARD bool auth_token_find_presented(
    struct task *task, const char *public_id, struct auth_token_presented *ret);

/* Uses of any clients' keys, each key once, in a transaction of its own. */
#define AUTH_TOKEN_USES_MAX 500
struct auth_token_use {
	struct id client;
	struct id id;
	int64_t count;
	int64_t last_used_at;
	char last_used_ip[ADDRESS_TEXT_SIZE]; /* empty: not known */
};
NODISCARD bool auth_token_count_uses(
    struct task *task, const struct auth_token_use *uses, size_t count);

extern const char *const auth_token_use_statements[]; /* its SQL, for the tests; NULL behind the
							 last */

#endif
