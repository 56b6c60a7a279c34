/*
 * A posting to a credit account that a request asks for, on its way through the write path.
 */
#ifndef APP_INGEST_POSTING_H
#define APP_INGEST_POSTING_H

#include "app/ingest/ingest.h"
#include "lib/model/credit_book.h"

struct posting {
	struct credit_posting asked; /* read by the handler */
	bool user_is_missing; /* set by work_refer() */
};

/* Makes the 201 reply: the transaction. Always true. */
bool posting_answer(struct submission *submission);
/* Finishes the request with its refusal: of a posting, or of an authorization whose account does
 * not have what it may cost. */
void posting_refuse(struct submission *submission);

#endif
