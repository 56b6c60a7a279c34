/*
 * Conversations of a client, of a user and in a session where these are given. They count their
 * messages (lib/model/message.h) and the tokens of those, ever: what purge removes stays counted.
 * A record of the log may name one by its id, whether it is there or not.
 *
 * They are not in the audit log, where what somebody wrote would stay for good; that one was erased
 * is. Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_CONVERSATION_H
#define LIB_MODEL_CONVERSATION_H

#include "lib/model/resource.h"

#define CONVERSATION_TITLE_MAX 200

enum conversation_status { CONVERSATION_ACTIVE, CONVERSATION_ENDED };
extern const char *const conversation_status_names[];

struct conversation {
	struct resource_head head;
	struct id user; /* nil: none, as below */
	struct id session;
	const char *title; /* never NULL */
	int status; /* enum conversation_status: one that has ended takes no more messages */
	int64_t current_version; /* RESOURCE_NONE: none */
	int64_t message_count;
	int64_t token_count;
	int64_t last_message_at; /* 0: none, as below */
	int64_t ended_at;
	int64_t since, until; /* of a list: it began not before, and before */
};

/* The user is the session's where only that is given. ERR_INVALID naming user_id (no living user)
 * or session_id (no session, or another user's). */
extern const struct resource conversation_resource;

/* A second time changes nothing. ERR_NOT_FOUND. */
NODISCARD bool conversation_end(struct task *task, struct id id, struct conversation *ret);

extern const char *const conversation_statements[]; /* for the tests; NULL behind the last */

#endif
