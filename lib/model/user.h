/*
 * Users of a client. A deleted user keeps its row until purge removes it; "living" below means: not
 * deleted. E-mail addresses are compared without regard to case and are unique among the living.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_USER_H
#define LIB_MODEL_USER_H

#include "lib/model/resource.h"

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
};
extern const char *const user_tier_names[]; /* in the order of the enum, NULL behind the last */
enum user_tier user_tier_of(const char *name); /* one of these names */

struct user {
	struct resource_head head;
	const char *external_id; /* NULL where not given, as for the texts below */
	const char *email;
	const char *password_hash; /* written only: in no answer */
	int tier; /* enum user_tier */
	bool email_verified;
	const char *oauth_provider;
	const char *oauth_id;
};

extern const struct resource user_resource; /* deleting one ends its sessions */

/* The id of the user whom a client names by external_id: records find it without a look-up. */
struct id user_id_from_external(struct id client, struct text external_id);

/* The tier of a user, also a deleted one; *ret_found false: there is none with this id. */
NODISCARD bool user_find_tier(
    struct task *task, struct id id, bool *ret_found, enum user_tier *ret_tier);

extern const char *const user_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
