/*
 * What a budget counts, and what a call is: values of the same dimensions. Texts live as long as
 * the task.
 */
#ifndef LIB_MODEL_BUDGET_SCOPE_H
#define LIB_MODEL_BUDGET_SCOPE_H

#include "lib/db.h"
#include "lib/json_write.h"
#include "lib/model/pricing.h"
#include "lib/model/user.h"

/* Also the order of the columns and of BUDGET_SCOPE_FIELDS. */
enum budget_dimension {
	BUDGET_USER_ID,
	BUDGET_USER_TIER,
	BUDGET_API_KEY_ID,
	BUDGET_SESSION_ID,
	BUDGET_AGENT_SESSION_ID,
	BUDGET_FEATURE,
	BUDGET_PROVIDER,
	BUDGET_MODEL,
	BUDGET_TAG,
	BUDGET_AGENT_ROOT_ID,
	BUDGET_DIMENSIONS,
	BUDGET_NO_DIMENSION = BUDGET_DIMENSIONS
};
extern const char *const budget_dimension_names[]; /* in the order of the enum, NULL behind the
						      last */

#define BUDGET_FEATURE_MAX 80
#define BUDGET_TAG_MAX 64

struct budget_scope {
	struct id user_id; /* nil: none, as for the ids below */
	int user_tier; /* enum user_tier */
	bool has_user_tier;
	struct id api_key_id; /* the first of its line: lib/model/auth_token.h */
	struct id session_id;
	struct id agent_session_id;
	const char *feature; /* NULL: none, as for the texts below */
	const char *provider;
	const char *model;
	const char *tag;
	struct id agent_root_id; /* of the tree in which the agent session is */
};

/* Rows for a table of fields: holder is a struct with a member of this type. */
#define BUDGET_SCOPE_ROW(holder, member, kind, ...) \
	{ \
		.name = #member, .type = (kind), .offset = offsetof(holder, scope.member), \
		.given = JSON_ALWAYS, __VA_ARGS__ \
	}
#define BUDGET_SCOPE_FIELDS(holder) \
	BUDGET_SCOPE_ROW(holder, user_id, JSON_ID, .min = 0), \
	    { .name = "user_tier", \
		    .type = JSON_CHOICE, \
		    .offset = offsetof(holder, scope.user_tier), \
		    .given = offsetof(holder, scope.has_user_tier), \
		    .choices = user_tier_names }, \
	    BUDGET_SCOPE_ROW(holder, api_key_id, JSON_ID, \
		.about = "Any key of a line: a key, and those it was rotated into, are one."), \
	    BUDGET_SCOPE_ROW(holder, session_id, JSON_ID, .min = 0), \
	    BUDGET_SCOPE_ROW(holder, agent_session_id, JSON_ID, .min = 0), \
	    BUDGET_SCOPE_ROW(holder, feature, JSON_TEXT, .min = 1, .max = BUDGET_FEATURE_MAX), \
	    BUDGET_SCOPE_ROW(holder, provider, JSON_TEXT, .min = 1, .max = PRICE_PROVIDER_MAX), \
	    BUDGET_SCOPE_ROW(holder, model, JSON_TEXT, .min = 1, .max = PRICE_MODEL_MAX), \
	    BUDGET_SCOPE_ROW(holder, tag, JSON_TEXT, .min = 1, .max = BUDGET_TAG_MAX), \
	    BUDGET_SCOPE_ROW(holder, agent_root_id, JSON_ID, \
		.about = "A whole tree of agent sessions, by its root.")

/* The value of a dimension as text; NULL: none. */
const char *budget_scope_get(
    struct task *task, const struct budget_scope *scope, enum budget_dimension dimension);
/* Sets a dimension to its value in another scope. */
void budget_scope_set(
    struct budget_scope *scope, enum budget_dimension dimension, const struct budget_scope *from);

/* A key becomes the first of its line, as calls have it. *ret_known false: the client has no such
 * key. */
NODISCARD bool budget_scope_resolve(struct task *task, struct budget_scope *scope, bool *ret_known);

/* A parameter for each dimension, NULL where it has no value. */
void budget_scope_add(struct db_params *params, const struct budget_scope *scope);
/* As many columns from this one on. */
void budget_scope_read(const struct db_rows *rows, int row, int column, struct budget_scope *ret);
/* An object of the values that are given. */
void budget_scope_write(struct json_out *out, const char *key, const struct budget_scope *scope);

#endif
