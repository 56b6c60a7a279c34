/*
 * What was posted to a credit account: transactions, for ever; and what is open: holds, grants.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_CREDIT_TRANSACTION_H
#define LIB_MODEL_CREDIT_TRANSACTION_H

#include "lib/core/ledger.h"
#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/seal.h"

#define CREDIT_DESCRIPTION_MAX 500

extern const char *const credit_type_names[]; /* in the order of the enum, NULL behind the last */

struct credit_transaction {
	struct id id; /* nil: none */
	struct id account;
	int64_t sequence; /* in the account, from 1, without gaps */
	enum credit_type type;
	int64_t amount_nanos; /* what it added to the balance */
	int64_t balance_after;
	int64_t created_at;
	struct id source; /* the record of a usage, the authorization of a hold or release */
	struct id hold; /* opened by a hold, closed by a release and the usage behind it */
	struct id refunded; /* the usage of a refund */
	struct id grant; /* what an expiry ended */
	uint8_t hash[SEAL_HASH_SIZE];
	/* What may name a person, and can be erased; NULL, nil where it is not there. */
	const char *description;
	struct text metadata; /* a JSON object */
	const char *address;
	struct id api_key;
};

struct credit_transactions {
	const struct credit_transaction *at;
	size_t count;
};

NODISCARD bool credit_transaction_find(
    struct task *task, struct id account, struct id id, struct credit_transaction *ret);
/* Newest first, by sequence. after: the id of the last one of the page before; nil: from the
 * newest. */
NODISCARD bool credit_transaction_list(struct task *task, struct id account, struct id after,
    int64_t limit, struct credit_transactions *ret);

/* The link of the chain behind previous, from all but hash and what can be erased. */
void credit_transaction_hash(const struct credit_transaction *transaction,
    const uint8_t previous[SEAL_HASH_SIZE], uint8_t ret[SEAL_HASH_SIZE]);

void credit_transaction_write(struct json_out *out, const void *object);

struct credit_grant {
	struct id id; /* its transaction's */
	int64_t amount_nanos;
	int64_t remaining_nanos;
	int64_t priority;
	int64_t expires_at; /* 0: never */
	int64_t created_at;
};

struct credit_grants {
	const struct credit_grant *at;
	size_t count;
};

/* Those that are not used up, in the order in which they burn; after nil: from the first. */
NODISCARD bool credit_grant_list(struct task *task, struct id account, struct id after,
    int64_t limit, struct credit_grants *ret);
void credit_grant_write(struct json_out *out, const void *object);

struct credit_hold {
	struct id id;
	struct id source; /* the authorization; nil: held by hand */
	int64_t amount_nanos;
	int64_t expires_at; /* 0: never */
	int64_t created_at;
};

struct credit_holds {
	const struct credit_hold *at;
	size_t count;
};

/* The open ones, newest first; after nil: from the newest. */
NODISCARD bool credit_hold_list(
    struct task *task, struct id account, struct id after, int64_t limit, struct credit_holds *ret);
void credit_hold_write(struct json_out *out, const void *object);

/* Their SQL, for the tests; NULL behind the last. */
extern const char *const credit_transaction_statements[];

#endif
