/*
 * Tokens: API keys, which a client's services have, and what its users' programs have instead:
 * session tokens, which live for minutes and are presented like keys, and refresh tokens, which are
 * good for one thing: to get the next of both (lib/model/auth_token_refresh.h).
 *
 * A token is shown once; only its SHA-256 is stored. The nil client's are the operators'. A key and
 * those it was rotated into, one after the other, are a line, as are a refresh token and all that
 * came of it: what is counted of a token is counted of its line, under the id of the first, which
 * purge keeps as long as any other.
 *
 * Every call sees only the tokens of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_AUTH_TOKEN_H
#define LIB_MODEL_AUTH_TOKEN_H

#include "lib/address.h"
#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/model/resource.h"
#include "lib/model/scope.h"

#define AUTH_TOKEN_NAME_MAX 80
#define AUTH_TOKEN_ADDRESSES_MAX 16
#define AUTH_TOKEN_USER_AGENT_MAX 1024
#define AUTH_TOKEN_GRACE_MAX_S INT64_C(2592000) /* 30 days */

enum auth_token_type {
	AUTH_TOKEN_API_KEY,
	AUTH_TOKEN_SESSION,
	AUTH_TOKEN_JWT_REFRESH,
	AUTH_TOKEN_TYPES
};
extern const char *const auth_token_type_names[]; /* NULL behind the last */

/* What whoever makes or changes a token may give, of the key that asks. */
struct auth_token_grant {
	struct id user; /* nil: for any user and for none */
	uint64_t scopes; /* 1 << enum scope */
	int64_t expires_at; /* INT64_MAX: never */
	int64_t rate_limit_per_hour; /* 0: none */
	const struct address_range *allowed; /* NULL: from anywhere */
	size_t allowed_count;
};

struct auth_token {
	struct resource_head head;
	int type; /* enum auth_token_type */
	const char *name;
	struct id user; /* nil: not bound to a user */
	struct json_texts scopes; /* in the order of scope_names */
	struct json_texts allowed_addresses; /* ranges; at NULL: from anywhere */
	int64_t expires_at; /* 0: never */
	int64_t rate_limit_per_hour; /* RESOURCE_NONE: none; lib/model/rate.h */
	const char *user_agent; /* of whom it was made for; NULL: not said */
	const char *public_id;
	bool active; /* false: revoked, or a refresh token that was used */
	struct id rotated_to; /* nil: it was not */
	struct id lineage; /* the first of its line, which may be itself */
	struct id maker; /* the key that asked for it; nil: an operator did */
	int64_t last_used_at; /* 0: never; up to a minute late, as are the two below */
	const char *last_used_ip;
	int64_t usage_count;
	const char *created_ip;
	const char *token; /* of one that has just been added */
	const char *token_hash; /* in hexadecimal digits, of one that has just been added */
	const struct auth_token_grant *grant; /* not stored; NULL: the service itself asks */
};

/* ERR_FORBIDDEN when the one to be changed may do more than the grant. */
extern const struct resource auth_token_resource;

/* API keys by descending id, revoked and expired ones too. */
NODISCARD bool auth_token_list_keys(struct task *task, struct id after, int64_t limit,
    const struct auth_token **ret, size_t *ret_count);
/* ERR_NOT_FOUND also for a token that is no API key. */
NODISCARD bool auth_token_find_key(struct task *task, struct id id, struct auth_token *ret);
/* A second time changes nothing. With a refresh token all of its line ends, with a key all that was
 * made with it, and with what was made with it. */
NODISCARD bool auth_token_revoke(struct task *task, struct id id, struct auth_token *ret);
/* A new key like the old one, of the same line; the old one works on for grace_s seconds at most.
 * ERR_CONFLICT when it was revoked, rotated or has expired. */
NODISCARD bool auth_token_rotate(
    struct task *task, struct id id, int64_t grace_s, struct auth_token *ret);
/* Revokes all of a line that are active. */
NODISCARD bool auth_token_revoke_line(struct task *task, struct id lineage, int64_t *ret_revoked);

/* Bits 1 << enum scope; a name that is unknown, or not for this kind of client, is no right. */
uint64_t auth_token_scopes(struct json_texts names, struct id client);
/* The names of the scopes. */
struct json_texts auth_token_scope_names(struct task *task, uint64_t scopes);

/* A key as operators see it; the same with the key where it has just been made. */
void auth_token_write(struct json_out *out, const void *token);
void auth_token_write_shown(struct json_out *out, const void *token);

extern const char *const auth_token_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
