/*
 * Posting to credit accounts, of many clients and accounts at once: the only way to change a
 * balance.
 *
 * The caller's transaction is one of db_set_clients() or of task->client. credit_decide() locks the
 * accounts and decides; credit_steps() gives the statements that store what was decided, for the
 * pipeline that commits. Between the two nothing is stored, and a rollback leaves no trace but new
 * accounts' absence. Whoever fails with SQLSTATE 23505, 40P01 or 40001 decides anew.
 */
#ifndef LIB_MODEL_CREDIT_BOOK_H
#define LIB_MODEL_CREDIT_BOOK_H

#include "lib/model/credit_account.h"
#include "lib/model/credit_transaction.h"

/* Holds of an account past their time that are settled with one posting; the rest waits for the
 * next. Of grants all are, as they are money that cannot be spent any more. */
#define CREDIT_OVERDUE_MAX 200

struct credit_posting {
	struct id client;
	struct id user; /* nil: the client's own account; to be there, or made in this transaction,
			   unless a hold is refused */
	struct id account_id; /* instead of user, whoever's it is; or nil */
	enum credit_type type;
	int64_t amount_nanos; /* above 0; of an adjustment also below; of a usage also 0: only its
				 hold is released; of a release 0: all of the hold, always */
	struct id id; /* of the transaction to be */
	struct id source; /* the record or authorization; nil */
	int64_t source_created_at; /* of the record of a usage: chat_logs is partitioned by it */
	/*
	 * The open hold that a usage or release closes; nil. The account that holds pays, whatever
	 * user says, if there is a source; else it has to be this account. A usage with clip whose
	 * hold is not open is posted without.
	 */
	struct id hold;
	struct id refunded; /* nil */
	int64_t expires_at; /* of a hold, or of the grant that a credit makes; 0: never */
	int64_t priority; /* of a grant: 0 to LEDGER_PRIORITY_MAX */
	bool clip; /* the money is spent: see lib/core/ledger.h */
	const char *description; /* or NULL */
	struct text metadata; /* a JSON object; at NULL: none */
	const char *address; /* or NULL */
	struct id api_key; /* or nil */

	/* Set by credit_decide(). */
	enum credit_verdict verdict;
	/* As it will be stored, of a usage that closes a hold the usage. Its id is nil where
	 * nothing is: refused, known, a usage of nothing. */
	struct credit_transaction transaction;
	struct credit_account account; /* behind it; its id is nil where there is none */
};

struct credit_book;

/*
 * Makes the accounts that are missing (not for a hold, a release or an expiry), locks all of them
 * in the order of (client, account), and decides the postings in their order. A hold's id is its
 * source, or else its transaction's id. A usage whose source stands in the log or was posted before
 * is CREDIT_KNOWN, as is each source that was posted with its type; of two of the same source the
 * first is posted. Two round trips.
 *
 * Holds and grants of these accounts whose time is over are released and expired on the way. A
 * posting of type CREDIT_EXPIRY and amount 0 does that and no more.
 */
NODISCARD bool credit_decide(
    struct task *task, struct credit_posting *postings, size_t count, struct credit_book **ret);

/* The steps that store what was decided; returns how many, 0 where nothing is to be stored. */
#define CREDIT_STEPS_MAX 7
size_t credit_steps(
    struct task *task, const struct credit_book *book, struct db_step steps[CREDIT_STEPS_MAX]);
/* Transactions that credit_steps() stores. */
size_t credit_book_count(const struct credit_book *book);

/* Their SQL, for the tests; NULL behind the last. */
extern const char *const credit_book_statements[];
extern const char *const credit_grant_statements[];
extern const char *const credit_read_statements[];

#endif
