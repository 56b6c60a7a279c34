/*
 * Users of a client. A deleted user keeps its row until purge removes it; "living" below means: not
 * deleted. E-mail addresses are compared without regard to case and are unique among the living.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_USER_H
#define LIB_MODEL_USER_H

#include "lib/db.h"
#include "lib/json_write.h"

#define USER_EMAIL_MAX 255
#define USER_EXTERNAL_ID_MAX 255
#define USER_PASSWORD_HASH_MAX 255
#define USER_OAUTH_PROVIDER_MAX 50
#define USER_OAUTH_ID_MAX 255

enum user_tier {
	USER_ANONYMOUS,
	USER_FREE,
	USER_PREMIUM,
	USER_ENTERPRISE,
	USER_TIERS,
	USER_ANY_TIER = USER_TIERS
};
extern const char *const user_tier_names[]; /* in the order of the enum, NULL behind the last */
enum user_tier user_tier_of(const char *name); /* one of these names */

/* The password hash is written only: no call returns it. */
struct user {
	struct id id;
	const char *external_id; /* NULL where not given, as for the texts below */
	const char *email;
	enum user_tier tier;
	bool email_verified;
	const char *oauth_provider;
	const char *oauth_id;
	int64_t created_at;
	int64_t updated_at;
	int64_t deleted_at; /* 0: living */
};

struct users {
	const struct user *at;
	size_t count;
};

/* What user_add and user_change take; has_ says whether the value before it was given. */
struct user_input {
	const char *external_id; /* user_add only */
	const char *email; /* NULL: not given, as for the texts below */
	const char *password_hash;
	const char *oauth_provider;
	const char *oauth_id;
	int tier; /* enum user_tier */
	bool has_tier;
	bool email_verified;
	bool has_email_verified;
};

struct user_filter {
	int tier; /* enum user_tier; USER_ANY_TIER: all */
	const char *email; /* NULL: any, as below */
	const char *external_id;
	bool deleted; /* the deleted ones instead of the living */
	struct id after; /* the last id of the page before; nil: from the start */
	int64_t limit;
};

/* The id of the user whom a client names by external_id: records find it without a look-up. */
struct id user_id_from_external(struct id client, struct text external_id);

/* ERR_CONFLICT naming the field whose value another user has; ERR_INVALID naming bad fields. The
 * calls that change write the audit log. */
NODISCARD bool user_add(struct task *task, const struct user_input *input, struct user *ret);
/* ERR_NOT_FOUND for a deleted user too, also in the calls below. */
NODISCARD bool user_find(struct task *task, struct id id, struct user *ret);
/* The tier of a user, also a deleted one; *ret_found false: there is none with this id. */
NODISCARD bool user_find_tier(
    struct task *task, struct id id, bool *ret_found, enum user_tier *ret_tier);
/* By descending id. */
NODISCARD bool user_list(struct task *task, const struct user_filter *filter, struct users *ret);
NODISCARD bool user_change(
    struct task *task, struct id id, const struct user_input *input, struct user *ret);
/* Marks the living user as deleted and revokes its sessions. */
NODISCARD bool user_remove(struct task *task, struct id id, struct user *ret);
/* Of a deleted user. ERR_CONFLICT when it lives, or when its e-mail address was taken meanwhile. */
NODISCARD bool user_restore(struct task *task, struct id id, struct user *ret);

/* The living, by tier. */
NODISCARD bool user_count(struct task *task, int64_t ret_by_tier[USER_TIERS]);

void user_write(struct json_out *out, const void *object); /* struct user */

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const user_statements[];
extern const char *const user_list_statements[];

#endif
