/*
 * The write path: the records of many requests are committed together, and each request is answered
 * after that commit.
 *
 * A request's records, its authorization or its posting of credits become a submission, which waits
 * in one queue. The thread that brings one leads when fewer than conf.committers threads do: it
 * takes all that waits, commits it, answers those requests, and goes on until nothing waits. So a
 * lone request waits for nobody, and under load a batch grows while the one before it is committed.
 */
#ifndef APP_INGEST_INGEST_H
#define APP_INGEST_INGEST_H

#include "app/ingest/record.h"
#include "app/ingest/rejection.h"

#define INGEST_ARRAY_MAX 1000 /* records in one array */
#define INGEST_LINES_MAX 10000 /* lines in one NDJSON body */
#define INGEST_BATCH_MAX \
	5000 /* records committed together; a larger submission makes a batch of its own */

struct authorize;
struct credit_posting;
struct counter_book;
struct ingest;
struct known;
struct posting;

enum submission_form {
	SUBMISSION_SINGLE,
	SUBMISSION_MANY,
	SUBMISSION_OTLP_PROTOBUF,
	SUBMISSION_OTLP_JSON,
	SUBMISSION_AUTHORIZE,
	SUBMISSION_POSTING
};

/* One request's records, its authorization, or its posting to a credit account. Lives in the
 * request's arena, which is the leader's from ingest_submit() on. */
struct submission {
	struct submission *next;
	struct request *req;
	enum submission_form form;
	struct record *records;
	size_t *indexes; /* of each record, as in rejection */
	size_t count;
	struct rejection *rejections; /* room for all of them */
	size_t rejection_count;
	size_t unreadable; /* how many of them were refused before the commit */
	size_t ignored; /* spans that are no record's */
	size_t stored, duplicates, unpriced; /* unpriced: of those stored */
	uint8_t request_hash[32]; /* where req->idempotency_key is not NULL */
	struct authorize *authorize; /* app/ingest/authorize.h; NULL unless SUBMISSION_AUTHORIZE */
	struct posting *posting; /* app/ingest/posting.h; NULL unless SUBMISSION_POSTING */
	struct credit_posting *credit; /* of the posting or authorization, as it was decided; NULL:
					  it has none */
};

struct ingest *ingest_new(struct app *app);
/* Once every request is finished, and before the server is freed: no thread of its own is left. */
void ingest_stop(struct ingest *ingest);
void ingest_free(struct ingest *ingest);

/* Takes the request over; it is finished after the commit, or at once with 503 when too much waits.
 */
void ingest_submit(struct ingest *ingest, struct submission *submission);

/* Readable when somebody has waited long. A server thread that reads it then looks whether the
 * queue needs another leader, and is it. */
int ingest_timer(struct ingest *ingest);
void ingest_look(struct ingest *ingest, struct redis *redis);

/* For the loader. A submission that waited for its counters joins the queue again: */
void ingest_return(struct ingest *ingest, struct submission *submission);
/*
 * and where nobody leads, one batch is committed, and no more, for meanwhile others may wait to be
 * loaded. False: nothing waits, or others lead. True: it has to be called again.
 */
bool ingest_help(struct ingest *ingest, struct redis *redis, struct arena *arena);

/* What is known of the counters' epochs. */
struct counter_book *ingest_book(struct ingest *ingest);
/* Which users and sessions are there. */
struct known *ingest_known(struct ingest *ingest);
/* Records, authorizations and postings waiting. */
int64_t ingest_waiting(struct ingest *ingest);

#endif
