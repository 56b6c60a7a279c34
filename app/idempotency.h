/*
 * Idempotency-Key: the answer to a POST is kept for a day under the client and the key, in the
 * transaction of what it did, so a second one with the same key does nothing and gets the same
 * answer. An error keeps nothing: the key is free again.
 */
#ifndef APP_IDEMPOTENCY_H
#define APP_IDEMPOTENCY_H

#include "app/request.h"
#include "lib/clock.h"

#define IDEMPOTENCY_KEY_MAX 255
#define IDEMPOTENCY_KEPT CLOCK_DAY

/*
 * Takes the key in the request's transaction, if the request is a POST with one; waits for another
 * request that has it. *ret_replayed: req->reply is the answer of the first time, and nothing is to
 * be done. ERR_INVALID: not 1 to 255 printable ASCII characters, or used with another request.
 * ERR_CONFLICT: the answer holds a secret that was shown to another key.
 */
NODISCARD bool idempotency_begin(struct request *req, bool *ret_replayed);
/* Keeps req->reply under the key that was taken; before the commit. */
NODISCARD bool idempotency_end(struct request *req);

/* For the write path, which keeps the keys of many requests in one transaction. */

/* ERR_INVALID unless 1 to 255 printable ASCII characters. True where there is no key. */
NODISCARD bool idempotency_check_key(struct request *req);
/* Follows from method, path, query and body; and from the key where the body holds a secret. */
void idempotency_hash(const struct request *req, uint8_t out[32]);

/* A row of idempotency_keys. */
struct idempotency_row {
	struct text request_hash;
	int64_t status;
	const char *content_type;
	bool sealed;
	struct text body;
};
/* The stored answer into req->reply; fails as idempotency_begin does. The row must live as long as
 * the task. */
NODISCARD bool idempotency_replay(struct request *req, const struct idempotency_row *row);

extern const char
    *const idempotency_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
