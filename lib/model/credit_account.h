/*
 * Credit accounts: money paid ahead by a client or one of its users, from which calls are paid.
 * What is posted to them goes through lib/model/credit_book.h.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_CREDIT_ACCOUNT_H
#define LIB_MODEL_CREDIT_ACCOUNT_H

#include "lib/core/ledger.h"
#include "lib/db.h"
#include "lib/json_write.h"

#define CREDIT_SCALE 9 /* digits of a credit, which is a dollar */
#define CREDIT_AMOUNT_MAX INT64_C(1000000000000000000) /* of a posting: a thousand million */

enum credit_owner { CREDIT_OF_USER, CREDIT_OF_CLIENT };
extern const char *const credit_owner_names[]; /* in the order of the enum, NULL behind the last */

struct credit_account {
	struct id client;
	struct id id;
	enum credit_owner owner;
	struct id user; /* nil: the client's own, or of a user who is gone */
	struct ledger ledger; /* without grants */
	const char *timezone; /* NULL: the client's */
	const char *zone_name; /* the one that counts */
	int64_t recharge_amount;
	int64_t last_sequence;
	uint8_t last_hash[32];
	int64_t last_posted_at; /* 0: nothing was posted yet */
	int64_t created_at;
	int64_t updated_at; /* of the settings; postings leave it */
};

/*
 * user nil: the client's own account. Makes the account at its first use; ERR_NOT_FOUND where the
 * client has no such living user. The day and month are those of the last posting: see
 * credit_account_begin_day().
 */
NODISCARD bool credit_account_find(struct task *task, struct id user, struct credit_account *ret);
/* The same, and nobody else changes it until the transaction ends. */
NODISCARD bool credit_account_find_to_change(
    struct task *task, struct id user, struct credit_account *ret);
/*
 * Stores the settings (overdraft, limits, timezone, recharge) of one found to change, and sets
 * updated_at and recharge_due_at. ERR_INVALID naming the field: an overdraft below what is owed, a
 * zone that is none. Writes no audit log.
 */
NODISCARD bool credit_account_change(struct task *task, struct credit_account *account);
/*
 * The rest of the transaction sees all of the client's accounts, although task->user has a key
 * bound to one of them: for what another account pays. Whether the user may do it is known before,
 * as row-level security does not tell any more.
 */
NODISCARD bool credit_account_see_all(struct task *task);
/* Makes the numbers of day and month those of task->now. */
NODISCARD bool credit_account_begin_day(struct task *task, struct credit_account *account);

/* An object; amounts in credits. */
void credit_account_write(struct json_out *out, const void *object); /* struct credit_account */

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const credit_account_statements[];

#endif
