/*
 * The transaction of the write path: records of many clients, the users they name, what they do to
 * credits, the idempotency keys of their requests and the batch's own mark, all or nothing.
 */
#ifndef LIB_MODEL_BATCH_H
#define LIB_MODEL_BATCH_H

#include "lib/model/authorization.h"
#include "lib/model/chat_log.h"

struct credit_book;

/* SQLSTATE of counter_guard(): another epoch was opened. */
#define BATCH_EPOCH_OVER "TL001"

enum batch_outcome {
	BATCH_DUPLICATE, /* the id was stored before, or stands earlier in the batch */
	BATCH_STORED,
	/* Given by the caller, to leave the row out: it names what is not there. */
	BATCH_NO_USER,
	BATCH_NO_SESSION
};

struct batch_row {
	struct id client;
	const struct chat_log *log;
	/* The user log->user_id is made under this name; NULL: it is there. */
	const char *external_user_id;
	enum batch_outcome outcome; /* BATCH_DUPLICATE until batch_store() has stored it */
};

struct batch_client {
	struct id client;
	int64_t epoch;
	int32_t day;
	bool announced; /* else the client's count is declared broken */
	const char *late_days; /* days for flush to sum again, "{2026-01-31,…}"; NULL: none */
};

struct batch_key {
	struct id client;
	const char *key;
	uint8_t request_hash[32];
	bool taken; /* set by batch_take_keys(): false when another request has it */
	int status; /* the answer, for batch_keep_answers() */
	const char *content_type;
	struct text body;
};

struct batch {
	struct id id;
	struct batch_row *rows;
	size_t row_count;
	struct batch_client *clients;
	size_t client_count;
	struct batch_key *keys; /* no two of them alike */
	size_t key_count;
	const struct authorization_row *authorizations;
	size_t authorization_count;
	const struct authorization_settle *settles; /* what the rows settle */
	size_t settle_count;
	struct id *payers; /* clients of postings, who may have nothing else here */
	size_t payer_count;
	struct credit_book *credits; /* lib/model/credit_book.h; NULL: there are none */
	size_t over_count; /* set by batch_store(): authorizations that cost more than was held */
};

/* Begins the transaction for the batch's clients. */
void batch_begin(struct task *task, const struct batch *batch);
/* Waits for whoever holds one of the keys in a transaction of its own. */
NODISCARD bool batch_take_keys(struct task *task, struct batch *batch);
/*
 * Stores the rows and sets their outcome; ERR_INVALID with SQLSTATE 23503 when the user or session
 * of one has gone. With commit the transaction ends in the same round trip;
 * *ret_unknown: it may have been committed although this failed. ERR_CONFLICT with BATCH_EPOCH_OVER
 * when an epoch is over.
 */
NODISCARD bool batch_store(struct task *task, struct batch *batch, bool commit, bool *ret_unknown);
/* Keeps the answers of the keys taken, and commits. */
NODISCARD bool batch_keep_answers(struct task *task, struct batch *batch, bool *ret_unknown);

/* The answer that another request of task->client kept under the key within the last day. */
struct batch_answer {
	struct text request_hash;
	int64_t status;
	const char *content_type;
	struct text body;
};
NODISCARD bool batch_find_answer(struct task *task, const char *key, struct batch_answer *ret);

/* Their SQL, for the tests; NULL behind the last. */
extern const char *const batch_statements[];
extern const char *const batch_key_statements[];

#endif
