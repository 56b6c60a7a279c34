/*
 * Entity tags (RFC 9110, 8.8.3) of what two people may edit: the version of the row.
 */
#ifndef APP_ETAG_H
#define APP_ETAG_H

#include "app/request.h"

void etag_set(struct reply *reply, int64_t version);

/*
 * ERR_PRECONDITION when there is an If-Match and it names neither this version nor "*". Weak tags
 * count as strong ones: nginx makes a tag weak when it compresses the answer.
 */
NODISCARD bool etag_check(const struct request *req, int64_t version);

#endif
