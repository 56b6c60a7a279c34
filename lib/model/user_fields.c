/* The fields of a user, and what they must be beside their types. */
#include "lib/model/user_private.h"

#include <string.h>

#include "lib/model/webhook.h"
#include "lib/zone.h"

const char *const user_tier_names[] = { "anonymous", "free", "premium", "enterprise", NULL };

static const char *const subscription_tiers[] = { "individual", "pro", "team", "enterprise", NULL };

static const char *const subscription_statuses[] = { "active", "trialing", "past_due", "paused",
	"unpaid", "incomplete", "expired", "canceled", NULL };

static const char *const account_statuses[] = {
	[USER_ACTIVE] = "active",
	[USER_SUSPENDED] = "suspended",
	[USER_CLOSED] = "closed",
	NULL,
};

#define AT(member) offsetof(struct user, member)
#define GIVEN (RESOURCE_ADD | RESOURCE_CHANGE)
#define TEXT(column, most) \
	.name = #column, .type = JSON_TEXT, .offset = AT(column), .min = 1, .max = (most)
#define CHOICE(column, names) \
	.name = #column, .type = JSON_CHOICE, .offset = AT(column), .choices = (names)

/* The folding's collation must not become that of the comparison: the index has the default one. */
#define FOLDED_IS(column) column " = lower(? COLLATE \"und-x-icu\") COLLATE \"default\""

const struct resource_field user_fields[USER_FIELDS] = {
	{ { TEXT(external_id, USER_EXTERNAL_ID_MAX),
	      .about = "The application's own id; records name it as external_user_id." },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "email",
	      .type = JSON_TEXT,
	      .offset = AT(email),
	      .min = 3,
	      .max = USER_EMAIL_MAX,
	      .about = "Unique among the living, whatever the letters' case; a new one is not "
		       "verified." },
	    .use = GIVEN | RESOURCE_FILTER, .filter = FOLDED_IS("email_folded") },
	{ { TEXT(username, USER_NAME_MAX),
	      .about = "Unique among the living, whatever the letters' case; without blanks." },
	    .use = GIVEN | RESOURCE_FILTER | RESOURCE_CLEAR,
	    .filter = FOLDED_IS("username_folded") },
	{ { TEXT(password_hash, USER_PASSWORD_HASH_MAX),
	      .about = "Kept for the application; never returned." },
	    .use = GIVEN | RESOURCE_SECRET },
	{ { TEXT(display_name, USER_DISPLAY_NAME_MAX) }, .use = GIVEN | RESOURCE_CLEAR },
	{ { TEXT(avatar_url, USER_AVATAR_URL_MAX), .about = "https only." },
	    .use = GIVEN | RESOURCE_CLEAR },
	{ { CHOICE(tier, user_tier_names) }, .use = GIVEN | RESOURCE_FILTER,
	    .absent = "free where not given." },
	{ { CHOICE(subscription_tier, subscription_tiers) }, .use = GIVEN | RESOURCE_FILTER,
	    .absent = "individual where not given." },
	{ { CHOICE(subscription_status, subscription_statuses) }, .use = GIVEN,
	    .absent = "active where not given." },
	{ { TEXT(billing_customer_id, USER_BILLING_ID_MAX),
	      .about = "The customer's id at the payment provider." },
	    .use = GIVEN | RESOURCE_CLEAR },
	{ { CHOICE(account_status, account_statuses),
	      .about = "Only an active user can log in; the sessions, session and refresh "
		       "tokens of any other end." },
	    .use = GIVEN, .absent = "active where not given." },
	{ { .name = "email_verified", .type = JSON_BOOL, .offset = AT(email_verified) },
	    .use = GIVEN },
	{ { TEXT(oauth_provider, USER_OAUTH_PROVIDER_MAX), .with = "oauth_id",
	      .about = "Together with oauth_id." },
	    .use = GIVEN | RESOURCE_FILTER | RESOURCE_CLEAR },
	{ { TEXT(oauth_id, USER_OAUTH_ID_MAX), .with = "oauth_provider",
	      .about = "The user's id at the provider." },
	    .use = GIVEN | RESOURCE_FILTER | RESOURCE_CLEAR },
	{ { TEXT(timezone, ZONE_NAME_MAX), .about = "IANA name." }, .use = GIVEN,
	    .absent = "UTC where not given." },
	{ { .name = "preferences",
	      .type = JSON_OBJECT,
	      .offset = AT(preferences),
	      .max = USER_PREFERENCES_MAX,
	      .about = "What the application keeps for the user, at most 16384 bytes; replaced as "
		       "a whole." },
	    .use = GIVEN, .absent = "Empty where not given." },
	{ { .name = "mfa_enabled", .type = JSON_BOOL, .offset = AT(mfa_enabled) },
	    .use = RESOURCE_OWN },
	{ { .name = "last_login_at", .type = JSON_TIME, .offset = AT(last_login_at) }, .use = 0 },
	{ { TEXT(last_login_ip, USER_ADDRESS_MAX) }, .use = 0, .into = "?::inet",
	    .from = "host(?)" },
};

static bool
is_plain(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

/* One @ with something before and behind it, and nothing that could break a header or a line. */
static bool
is_email(const char *email)
{
	const char *at = strchr(email, '@');

	return at != NULL && at != email && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
	       is_plain(email);
}

static bool
is_another(const char *before, const char *after)
{
	return before == NULL ? after != NULL : after == NULL || strcmp(before, after) != 0;
}

/* What the rules of another day allowed stays as it is. */
static bool
check_timezone(struct task *task, const struct user *before, const struct user *user)
{
	const struct zone *zone;

	if (before != NULL && user->timezone == before->timezone)
		return true;
	if (zone_find(task, user->timezone, &zone))
		return true;
	if (task->err.code != ERR_INVALID)
		return false;
	task_clear_error(task);
	return task_fail_field(task, "timezone", "is not the name of an IANA time zone");
}

static void
check_texts(struct task *task, const struct user *before, const struct user *user)
{
	const char *trouble = NULL;

	if (user->email != NULL && !is_email(user->email))
		task_fail_field(task, "email", "must be an e-mail address");
	if (user->username != NULL && !is_plain(user->username))
		task_fail_field(task, "username", "must not hold blanks or control characters");
	if (user->avatar_url != NULL && (before == NULL || user->avatar_url != before->avatar_url))
		trouble = webhook_url_trouble(user->avatar_url, false);
	if (trouble != NULL)
		task_fail_field(task, "avatar_url", trouble);
}

static void
check_new(struct task *task, struct user *user)
{
	if (user->email == NULL && user->username == NULL && user->external_id == NULL &&
	    user->oauth_id == NULL && user->tier != USER_ANONYMOUS)
		task_fail_field(task, "email",
		    "must be given, unless username, external_id, oauth_id or the tier anonymous "
		    "is");
	if (user->external_id != NULL)
		user->head.id = user_id_from_external(
		    task->client, (struct text){ user->external_id, strlen(user->external_id) });
}

bool
user_check(struct task *task, const void *before, void *after)
{
	const struct user *old = before;
	struct user *user = after;

	if (!check_timezone(task, old, user) && task->err.code != ERR_INVALID)
		return false;
	check_texts(task, old, user);
	if (old == NULL)
		check_new(task, user);
	else if (is_another(old->email, user->email))
		user->email_verified = false;
	return task->err.code == ERR_NONE;
}
