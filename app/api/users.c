#include "app/api/users.h"

#include "app/ingest/ingest.h"
#include "app/ingest/known.h"
#include "app/page.h"
#include "lib/model/user.h"

#define INPUT(member) offsetof(struct user_input, member)
#define EMAIL_FIELD \
	{ \
		.name = "email", .type = JSON_TEXT, .offset = INPUT(email), .given = JSON_ALWAYS, \
		.min = 3, .max = USER_EMAIL_MAX, \
		.about = "Unique among the living, whatever the letters' case." \
	}
#define PASSWORD_HASH_FIELD \
	{ \
		.name = "password_hash", .type = JSON_TEXT, .offset = INPUT(password_hash), \
		.given = JSON_ALWAYS, .min = 1, .max = USER_PASSWORD_HASH_MAX, \
		.about = "Kept for the application; never returned." \
	}
#define TIER_FIELD \
	{ \
		.name = "tier", .type = JSON_CHOICE, .offset = INPUT(tier), \
		.given = INPUT(has_tier), .choices = user_tier_names \
	}
#define EMAIL_VERIFIED_FIELD \
	{ \
		.name = "email_verified", .type = JSON_BOOL, .offset = INPUT(email_verified), \
		.given = INPUT(has_email_verified) \
	}
#define OAUTH_FIELDS \
	{ .name = "oauth_provider", \
		.type = JSON_TEXT, \
		.offset = INPUT(oauth_provider), \
		.given = JSON_ALWAYS, \
		.min = 1, \
		.max = USER_OAUTH_PROVIDER_MAX, \
		.about = "Together with oauth_id." }, \
	{ \
		.name = "oauth_id", .type = JSON_TEXT, .offset = INPUT(oauth_id), \
		.given = JSON_ALWAYS, .min = 1, .max = USER_OAUTH_ID_MAX, \
		.about = "The user's id at the provider." \
	}

const struct json_field users_add_fields[7] = {
	{ .name = "external_id",
	    .type = JSON_TEXT,
	    .offset = INPUT(external_id),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = USER_EXTERNAL_ID_MAX,
	    .about = "The application's own id; records name it as external_user_id." },
	EMAIL_FIELD,
	PASSWORD_HASH_FIELD,
	TIER_FIELD,
	EMAIL_VERIFIED_FIELD,
	OAUTH_FIELDS,
};

const struct json_field users_change_fields[6] = {
	EMAIL_FIELD,
	PASSWORD_HASH_FIELD,
	TIER_FIELD,
	EMAIL_VERIFIED_FIELD,
	OAUTH_FIELDS,
};

struct list_query {
	struct page page;
	int tier;
	const char *email;
	const char *external_id;
	bool deleted;
};

const struct json_field users_list_fields[6] = {
	{ .name = "tier",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct list_query, tier),
	    .given = JSON_ALWAYS,
	    .choices = user_tier_names },
	{ .name = "email",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct list_query, email),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = USER_EMAIL_MAX,
	    .about = "Compared without regard to case." },
	{ .name = "external_id",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct list_query, external_id),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = USER_EXTERNAL_ID_MAX },
	{ .name = "deleted",
	    .type = JSON_BOOL,
	    .offset = offsetof(struct list_query, deleted),
	    .given = JSON_ALWAYS,
	    .about = "The deleted ones instead of the living." },
	PAGE_FIELDS(struct list_query, page),
};

static const char *const groups[] = { "tier", NULL };

struct count_query {
	int by;
	bool has_by;
};

const struct json_field users_count_fields[1] = {
	{ .name = "by",
	    .type = JSON_CHOICE,
	    .offset = offsetof(struct count_query, by),
	    .given = offsetof(struct count_query, has_by),
	    .choices = groups },
};

bool
users_add(struct request *req, struct reply *reply)
{
	struct user_input input = { 0 };
	struct user user;

	if (!request_read_body(req, &input))
		return false;
	if (!user_add(req->task, &input, &user))
		return false;
	return reply_json(reply, 201, user_write, &user);
}

bool
users_list(struct request *req, struct reply *reply)
{
	struct list_query query = { .tier = USER_ANY_TIER };
	struct user_filter filter;
	struct users users;
	struct json_out *out;
	size_t shown;

	if (!request_read_query(req, &query))
		return false;
	filter = (struct user_filter){
		.tier = query.tier,
		.email = query.email,
		.external_id = query.external_id,
		.deleted = query.deleted,
	};
	if (!page_read(req->task, &query.page, &filter.limit, &filter.after))
		return false;
	shown = (size_t)filter.limit++;
	if (!user_list(req->task, &filter, &users))
		return false;
	if (users.count < shown)
		shown = users.count;
	out = page_begin(reply);
	for (size_t i = 0; i < shown; i++)
		user_write(out, &users.at[i]);
	return page_end(reply, out, users.count > shown,
	    shown == 0 ? (struct id){ 0 } : users.at[shown - 1].id);
}

bool
users_count(struct request *req, struct reply *reply)
{
	struct count_query query = { 0 };
	int64_t by_tier[USER_TIERS];
	int64_t sum = 0;
	struct json_out *out = json_out_new(&reply->body);

	if (!request_read_query(req, &query))
		return false;
	if (!user_count(req->task, by_tier))
		return false;
	for (int tier = 0; tier < USER_TIERS; tier++)
		sum += by_tier[tier];
	json_open(out);
	json_int(out, "count", sum);
	if (query.has_by) {
		json_open_at(out, "by_tier");
		for (int tier = 0; tier < USER_TIERS; tier++)
			json_int(out, user_tier_names[tier], by_tier[tier]);
		json_close(out);
	}
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

bool
users_find(struct request *req, struct reply *reply)
{
	struct id id;
	struct user user;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!user_find(req->task, id, &user))
		return false;
	return reply_json(reply, 200, user_write, &user);
}

/* Other processes are told; here it holds for the next record. */
static void
forget_users(struct request *req)
{
	known_forget(ingest_known(req->app->ingest));
}

bool
users_change(struct request *req, struct reply *reply)
{
	struct user_input input = { 0 };
	struct id id;
	struct user user;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!request_read_body(req, &input))
		return false;
	if (!user_change(req->task, id, &input, &user))
		return false;
	req->committed = forget_users;
	return reply_json(reply, 200, user_write, &user);
}

bool
users_remove(struct request *req, struct reply *reply)
{
	struct id id;
	struct user user;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!user_remove(req->task, id, &user))
		return false;
	return reply_empty(reply);
}

bool
users_restore(struct request *req, struct reply *reply)
{
	struct id id;
	struct user user;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!user_restore(req->task, id, &user))
		return false;
	return reply_json(reply, 200, user_write, &user);
}
