/*
 * Sessions, anonymous or of a user. Whoever holds the token is the session; only its SHA-256 is
 * stored. None is deleted before purge does it: one that is revoked or expired has ended. They are
 * not in the audit log, where the addresses of visitors would stay for good.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_SESSION_H
#define LIB_MODEL_SESSION_H

#include "lib/model/resource.h"

#define SESSION_TOKEN_PREFIX "tallys_"
#define SESSION_TOKEN_DIGITS 43 /* base 62: 256 bits */
#define SESSION_TOKEN_SIZE (sizeof SESSION_TOKEN_PREFIX + SESSION_TOKEN_DIGITS)
#define SESSION_USER_AGENT_MAX 1024
#define SESSION_LIFETIME_MAX_S INT64_C(31622400)

struct session {
	struct resource_head head;
	struct id user; /* nil: anonymous */
	const char *ip_address; /* IPv4 or IPv6; NULL where not given, as below */
	const char *user_agent;
	int64_t expires_in_s; /* of one that is being added; not stored */
	int64_t expires_at;
	int64_t revoked_at; /* 0: it was not */
	const char *token; /* of one that has just been added */
	const char *token_hash; /* in hexadecimal digits, of one that has just been added */
};

/* Adding needs expires_in_s. ERR_INVALID naming user_id (no living, active user) or ip_address. */
extern const struct resource session_resource;

/* ERR_UNAUTHENTICATED when unknown, expired or revoked: the same for each. */
NODISCARD bool session_find_by_token(struct task *task, struct text token, struct session *ret);
/* Until expires_in_s from now, never to an earlier time. ERR_CONFLICT when it has ended. */
NODISCARD bool session_extend(
    struct task *task, struct id id, int64_t expires_in_s, struct session *ret);
/* A second time changes nothing. */
NODISCARD bool session_revoke(struct task *task, struct id id);
/* All of a living user that have not ended. ERR_NOT_FOUND: no such user. */
NODISCARD bool session_revoke_user(struct task *task, struct id user, int64_t *ret_revoked);

extern const char *const session_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
