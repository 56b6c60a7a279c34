/*
 * Entity tags (RFC 9110, 8.8.3) of what two people may edit.
 */
#ifndef APP_ETAG_H
#define APP_ETAG_H

#include "app/request.h"

/* A tag, in its quotes: of a row's version, or of what an answer says. */
const char *etag_of_version(struct arena *arena, int64_t version);
const char *etag_of_text(struct arena *arena, struct text text);

void etag_set(struct reply *reply, const char *tag);

/*
 * ERR_PRECONDITION when there is an If-Match and it names neither this tag nor "*". Weak tags count
 * as strong ones: nginx makes a tag weak when it compresses the answer.
 */
NODISCARD bool etag_check(const struct request *req, const char *tag);

#endif
