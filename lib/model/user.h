/*
 * Users of a client. A deleted user keeps its row until purge removes it; "living" below means: not
 * deleted. E-mail addresses and user names are compared without regard to case and are unique among
 * the living. A user whose account is not active has no sessions, no session or refresh tokens, and
 * cannot log in.
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
#define USER_NAME_MAX 64
#define USER_DISPLAY_NAME_MAX 255
#define USER_AVATAR_URL_MAX 2048
#define USER_BILLING_ID_MAX 255
#define USER_PREFERENCES_MAX 16384 /* bytes of JSON */
#define USER_ADDRESS_MAX 45

enum user_tier {
	USER_ANONYMOUS,
	USER_FREE,
	USER_PREMIUM,
	USER_ENTERPRISE,
	USER_TIERS,
};
extern const char *const user_tier_names[]; /* in the order of the enum, NULL behind the last */
enum user_tier user_tier_of(const char *name); /* one of these names */

enum user_status { USER_ACTIVE, USER_SUSPENDED, USER_CLOSED };

struct user {
	struct resource_head head;
	const char *external_id; /* NULL where not given, as for the texts below */
	const char *email;
	const char *password_hash; /* written only: in no answer */
	int tier; /* enum user_tier */
	bool email_verified;
	const char *oauth_provider;
	const char *oauth_id;
	const char *username;
	const char *display_name;
	const char *avatar_url;
	int subscription_tier;
	int subscription_status;
	const char *billing_customer_id;
	int account_status; /* enum user_status */
	const char *timezone;
	struct text preferences; /* a JSON object */
	bool mfa_enabled;
	int64_t last_login_at; /* 0: never */
	const char *last_login_ip;
};

/* Deleting or suspending one ends its sessions and tokens, and so does another password_hash. */
extern const struct resource user_resource;

/* Sessions, but not the one whose token is kept (NULL: none), and tokens, but not keys: these are
 * the application's. */
NODISCARD bool user_end_sessions(struct task *task, struct id user, const char *kept);

/* The id of the user whom a client names by external_id: records find it without a look-up. */
struct id user_id_from_external(struct id client, struct text external_id);

/* The tier of a user, also a deleted one; *ret_found false: there is none with this id. */
NODISCARD bool user_find_tier(
    struct task *task, struct id id, bool *ret_found, enum user_tier *ret_tier);

extern const char *const user_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
