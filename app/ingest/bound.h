/*
 * Keys that are bound to a user, in the write path. Its transactions are for many clients and users
 * at once, so that row-level security cannot hold a record to its user: this does, before.
 */
#ifndef APP_INGEST_BOUND_H
#define APP_INGEST_BOUND_H

#include "app/auth.h"
#include "lib/model/chat_log.h"

/*
 * Gives the record to the user to whom the key is bound, if it is. ERR_INVALID where it names
 * another user, or a session, an agent session or an authorization that is not the user's. What was
 * wrong with the record before stays named.
 */
NODISCARD bool bound_check(
    struct task *task, const struct identity *identity, struct chat_log *log);

/* Whether what was stored before may be shown to the key. */
bool bound_may_see(const struct identity *identity, const struct chat_log *log);

#endif
