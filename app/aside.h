/*
 * A transaction of its own beside the request's: what it does stands whatever becomes of the
 * request, and it is over before something slow begins.
 */
#ifndef APP_ASIDE_H
#define APP_ASIDE_H

#include "app/request.h"

/* A task for the same client and actor, with the memory of the request's. */
struct task aside_begin(const struct request *req);
/* Commits, or rolls back where ok is false; a failure becomes the request's. */
NODISCARD bool aside_end(struct task *aside, struct request *req, bool ok);

#endif
