/*
 * API keys. A key reads tally_<public id>_<secret><check digits>, the digits being the CRC-32 of
 * all before them: a mistyped key is told from a guessed one without a look at any table. It is
 * shown once; only its SHA-256 is stored. The nil client's keys
 * are the operators'. A key and those it was rotated into, one after the other, are a line: what is
 * counted of a key is counted of its line, under the id of the first, which purge keeps as long as
 * any other.
 *
 * Every call sees only the keys of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_AUTH_TOKEN_H
#define LIB_MODEL_AUTH_TOKEN_H

#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/model/scope.h"
#include "lib/seal.h"

#define AUTH_TOKEN_PREFIX "tally_"
#define AUTH_TOKEN_PUBLIC_DIGITS 16
#define AUTH_TOKEN_SECRET_DIGITS 43 /* base 62: 256 bits */
#define AUTH_TOKEN_CHECK_DIGITS 6 /* base 62 */
#define AUTH_TOKEN_PUBLIC_SIZE (AUTH_TOKEN_PUBLIC_DIGITS + 1)
#define AUTH_TOKEN_KEY_SIZE \
	(sizeof AUTH_TOKEN_PREFIX + AUTH_TOKEN_PUBLIC_DIGITS + 1 + AUTH_TOKEN_SECRET_DIGITS + \
	    AUTH_TOKEN_CHECK_DIGITS)
/* A key as scanners for secrets look for it: an extended regular expression (POSIX). */
#define AUTH_TOKEN_PATTERN "tally_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}"
#define AUTH_TOKEN_NAME_MAX 80
#define AUTH_TOKEN_GRACE_MAX_S INT64_C(2592000) /* 30 days */

struct auth_token {
	struct id id;
	struct id client; /* nil: an operator's */
	struct id user; /* nil: not bound to a user */
	const char *public_id;
	uint8_t hash[SEAL_HASH_SIZE]; /* of the secret */
	const char *name;
	uint64_t scopes; /* 1 << enum scope */
	int64_t expires_at; /* INT64_MAX: never */
	int64_t rate_limit_per_hour; /* 0: none */
	int64_t last_used_at; /* 0: never; up to a minute late, as is usage_count */
	int64_t usage_count;
	bool active; /* false: revoked */
	struct id rotated_to; /* nil: it was not */
	struct id lineage; /* the first key of its line, which may be itself */
	int64_t created_at;
};

struct auth_tokens {
	const struct auth_token *at;
	size_t count;
};

struct auth_token_input {
	const char *name;
	uint64_t scopes;
	int64_t expires_at; /* INT64_MAX: never */
	int64_t rate_limit_per_hour; /* 0: none; lib/model/rate.h */
};

/* A key's text taken apart. A key that has check digits is none without them. */
struct auth_token_parts {
	char public_id[AUTH_TOKEN_PUBLIC_SIZE];
	/* What is hashed: the whole key; of one from before there were check digits, what stands
	 * behind the public id. */
	char secret[AUTH_TOKEN_KEY_SIZE];
};

enum auth_token_form {
	AUTH_TOKEN_NO_KEY, /* it has not the form of one */
	AUTH_TOKEN_MISTYPED, /* the check digits are wrong */
	AUTH_TOKEN_KEY
};
/* *ret is set where it is a key. */
enum auth_token_form auth_token_parse(struct text key, struct auth_token_parts *ret);
/* Writes the check digits behind the secret, and the terminator. */
void auth_token_add_check(char key[AUTH_TOKEN_KEY_SIZE]);

/* ERR_INVALID naming scopes (none, or not of this kind of client) or expires_at (past). The calls
 * that change write the audit log. */
NODISCARD bool auth_token_add(struct task *task, const struct auth_token_input *input,
    struct auth_token *ret, char ret_key[AUTH_TOKEN_KEY_SIZE]);
NODISCARD bool auth_token_find(struct task *task, struct id id, struct auth_token *ret);
/* By descending id, revoked and expired ones too. */
NODISCARD bool auth_token_list(
    struct task *task, struct id after, int64_t limit, struct auth_tokens *ret);
/* A second time changes nothing. */
NODISCARD bool auth_token_revoke(struct task *task, struct id id, struct auth_token *ret);
/* A new key like the old one, of the same line; the old one works on for grace_s seconds at most.
 * ERR_CONFLICT when it was revoked, rotated or has expired. */
NODISCARD bool auth_token_rotate(struct task *task, struct id id, int64_t grace_s,
    struct auth_token *ret, char ret_key[AUTH_TOKEN_KEY_SIZE]);

/* From text[]: an unknown name, or one not of this kind of client, is no right. */
uint64_t auth_token_scopes(
    const struct db_rows *rows, int row, int column, struct task *task, struct id client);

void auth_token_write(struct json_out *out, const void *token);
/* The answer to add and rotate: what auth_token_write writes, and the key. */
struct auth_token_shown {
	struct auth_token token;
	char key[AUTH_TOKEN_KEY_SIZE];
};
void auth_token_write_shown(struct json_out *out, const void *object);

extern const char *const auth_token_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
