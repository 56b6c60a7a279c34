/*
 * Between the files of the sessions of agents.
 */
#ifndef LIB_MODEL_AGENT_SESSION_PRIVATE_H
#define LIB_MODEL_AGENT_SESSION_PRIVATE_H

#include "lib/model/agent_session.h"

/* For the table: what a new one must be. */
bool agent_session_check(struct task *task, const void *before, void *after);
/* Nobody else changes it before the transaction ends. ERR_CONFLICT when it has ended. */
NODISCARD bool agent_session_find_running(
    struct task *task, struct id id, struct agent_session *ret);

#endif
