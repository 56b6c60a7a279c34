/*
 * Sessions, anonymous or of a user. Whoever holds the token is the session; only its SHA-256 is
 * stored.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_SESSION_H
#define LIB_MODEL_SESSION_H

#include "lib/db.h"
#include "lib/json_write.h"

#define SESSION_TOKEN_PREFIX "tallys_"
#define SESSION_TOKEN_DIGITS 43 /* base 62: 256 bits */
#define SESSION_TOKEN_SIZE (sizeof SESSION_TOKEN_PREFIX + SESSION_TOKEN_DIGITS)
#define SESSION_USER_AGENT_MAX 1024
#define SESSION_LIFETIME_MAX_S INT64_C(31622400)

struct session {
	struct id id;
	struct id user; /* nil: anonymous */
	const char *ip_address; /* NULL where not given, as below */
	const char *user_agent;
	int64_t expires_at;
	int64_t revoked_at; /* 0: it was not */
	int64_t created_at;
};

struct sessions {
	const struct session *at;
	size_t count;
};

struct session_input {
	struct id user; /* nil: anonymous */
	const char *ip_address; /* an IPv4 or IPv6 address; NULL: not given, as below */
	const char *user_agent;
	int64_t expires_in_s;
};

/* The token is to be shown once. ERR_INVALID naming user_id (no living user) or ip_address. */
NODISCARD bool session_add(struct task *task, const struct session_input *input,
    struct session *ret, char ret_token[SESSION_TOKEN_SIZE]);
/* ERR_UNAUTHENTICATED when unknown, expired or revoked: the same for each. */
NODISCARD bool session_find_by_token(struct task *task, struct text token, struct session *ret);
/* By descending id, ended ones too. user nil: all; after nil: from the start. */
NODISCARD bool session_list(
    struct task *task, struct id user, struct id after, int64_t limit, struct sessions *ret);
/* Until expires_in_s from now, never to an earlier time. ERR_CONFLICT when it has ended. */
NODISCARD bool session_extend(
    struct task *task, struct id id, int64_t expires_in_s, struct session *ret);
/* A second time changes nothing. */
NODISCARD bool session_revoke(struct task *task, struct id id);
/* All of a living user that have not ended. ERR_NOT_FOUND: no such user. */
NODISCARD bool session_revoke_user(struct task *task, struct id user, int64_t *ret_revoked);

/* The members of a session, within an object that is open. */
void session_write(struct json_out *out, const struct session *session);

extern const char *const session_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
