/*
 * Between the files of the book, which holds a batch of postings from its decision to its storing.
 */
#ifndef LIB_MODEL_CREDIT_BOOK_PRIVATE_H
#define LIB_MODEL_CREDIT_BOOK_PRIVATE_H

#include "lib/model/credit_book.h"
#include "lib/model/credit_private.h"

struct book_hold;

struct book_account {
	struct credit_account account;
	struct book_hold *overdue; /* what no posting names, oldest first */
	struct ledger_burn *burned; /* room for what one hold takes; NULL until there is one */
	int64_t posted_at; /* of what is posted now */
	size_t posting_count, hold_count; /* of the batch */
	int64_t demand; /* what the postings may take at most */
	size_t grant_room, grants_read, expired_read;
	bool changed;
};

struct book_hold {
	struct id client;
	struct book_account *account; /* NULL: of one that is not in the book */
	struct ledger_hold ledger;
	struct id source;
	int64_t expires_at;
	struct book_hold *next_overdue;
	bool stored; /* in the database */
	bool open;
};

struct book_transaction {
	struct id client;
	struct credit_transaction transaction;
};

/* Something that postings name, and what was found of it. */
struct book_name {
	struct id client, id;
	enum credit_type type; /* of a source */
	struct book_account *account; /* of a user, of a usage */
	struct book_hold *hold;
	int64_t left; /* of a usage: what is not refunded yet */
	bool known; /* a source: it was posted */
};

/* Sorted, each once. */
struct book_names {
	struct book_name *at;
	size_t count;
};

struct credit_book {
	struct credit_posting *postings;
	struct book_account **posting_accounts; /* NULL: there is none */
	size_t posting_count;
	struct book_account *accounts; /* by client and id, as they are locked */
	size_t account_count;
	struct book_hold **holds;
	size_t hold_count;
	struct book_transaction *transactions;
	size_t transaction_count, transaction_capacity;
	struct book_names users, named_accounts, holds_by_id, usages, sources;
};

/* NULL: it is not there. */
struct book_name *credit_name_find(
    const struct book_names *names, struct id client, struct id id, enum credit_type type);
struct book_account *credit_book_account(
    const struct credit_book *book, struct id client, struct id id);

/* Makes and locks the accounts. */
NODISCARD bool credit_book_lock(struct task *task, struct credit_book *book);
/* Reads what the postings need of the accounts locked. */
NODISCARD bool credit_book_read(struct task *task, struct credit_book *book);

/* The holds AS h that are named, and those of the accounts whose time is over. */
#define CREDIT_BOOK_HOLDS \
	"FROM (\n" \
	"SELECT h.*\n" \
	"FROM unnest($1::uuid[], $2::uuid[]) AS n (client_id, id)\n" \
	"JOIN credit_holds AS h ON h.client_id = n.client_id AND h.id = n.id\n" \
	"UNION\n" \
	"SELECT h.*\n" \
	"FROM unnest($3::uuid[], $4::uuid[]) AS w (client_id, account_id)\n" \
	"CROSS JOIN LATERAL (SELECT * FROM credit_holds WHERE client_id = w.client_id " \
	"AND expires_at <= $5 AND account_id = w.account_id ORDER BY expires_at LIMIT $6) AS h" \
	") AS h\n"
const struct db_params *credit_book_hold_params(struct task *task, const struct credit_book *book);
/* Clients and ids of the accounts. */
void credit_book_add_accounts(struct db_params *params, const struct credit_book *book);

/* The grants of the accounts and of those holds; taken when the holds are. */
void credit_book_grant_steps(
    struct task *task, const struct credit_book *book, struct db_step steps[2]);
NODISCARD bool credit_book_take_grants(
    struct task *task, struct credit_book *book, struct db_rows *const rows[2]);

/* Releases and expires what is over. */
NODISCARD bool credit_book_begin(
    struct task *task, struct credit_book *book, struct book_account *account);
/* Decides one posting. */
void credit_book_post(struct task *task, struct credit_book *book, size_t i);

#endif
