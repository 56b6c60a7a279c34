#include "lib/model/budget_scope.h"

#include "lib/model/auth_token_use.h"

#include <assert.h>

const char *const budget_dimension_names[] = {
	[BUDGET_USER_ID] = "user_id",
	[BUDGET_USER_TIER] = "user_tier",
	[BUDGET_API_KEY_ID] = "api_key_id",
	[BUDGET_SESSION_ID] = "session_id",
	[BUDGET_AGENT_SESSION_ID] = "agent_session_id",
	[BUDGET_FEATURE] = "feature",
	[BUDGET_PROVIDER] = "provider",
	[BUDGET_MODEL] = "model",
	[BUDGET_TAG] = "tag",
	[BUDGET_AGENT_ROOT_ID] = "agent_root_id",
	NULL,
};

#define MEMBER(name) offsetof(struct budget_scope, name)

/* The tier is neither an id nor a text. */
static const struct {
	bool id;
	size_t offset;
} dimensions[] = {
	[BUDGET_USER_ID] = { true, MEMBER(user_id) },
	[BUDGET_API_KEY_ID] = { true, MEMBER(api_key_id) },
	[BUDGET_SESSION_ID] = { true, MEMBER(session_id) },
	[BUDGET_AGENT_SESSION_ID] = { true, MEMBER(agent_session_id) },
	[BUDGET_FEATURE] = { false, MEMBER(feature) },
	[BUDGET_PROVIDER] = { false, MEMBER(provider) },
	[BUDGET_MODEL] = { false, MEMBER(model) },
	[BUDGET_TAG] = { false, MEMBER(tag) },
	[BUDGET_AGENT_ROOT_ID] = { true, MEMBER(agent_root_id) },
};
_Static_assert(COUNT(dimensions) == BUDGET_DIMENSIONS, "a dimension without a member");

static const void *
member(const struct budget_scope *scope, size_t dimension)
{
	return (const char *)scope + dimensions[dimension].offset;
}

static struct id
get_id(const struct budget_scope *scope, size_t dimension)
{
	return *(const struct id *)member(scope, dimension);
}

static const char *
get_text(const struct budget_scope *scope, size_t dimension)
{
	return *(const char *const *)member(scope, dimension);
}

static void
set_id(struct budget_scope *scope, size_t dimension, struct id id)
{
	*(struct id *)((char *)scope + dimensions[dimension].offset) = id;
}

static void
set_text(struct budget_scope *scope, size_t dimension, const char *text)
{
	*(const char **)((char *)scope + dimensions[dimension].offset) = text;
}

const char *
budget_scope_get(
    struct task *task, const struct budget_scope *scope, enum budget_dimension dimension)
{
	char text[ID_TEXT_SIZE];

	assert(dimension < BUDGET_DIMENSIONS);
	if (dimension == BUDGET_USER_TIER)
		return scope->has_user_tier ? user_tier_names[scope->user_tier] : NULL;
	if (!dimensions[dimension].id)
		return get_text(scope, dimension);
	if (id_is_nil(get_id(scope, dimension)))
		return NULL;
	return arena_strdup(task->arena, id_format(get_id(scope, dimension), text));
}

void
budget_scope_set(
    struct budget_scope *scope, enum budget_dimension dimension, const struct budget_scope *from)
{
	assert(dimension < BUDGET_DIMENSIONS);
	if (dimension == BUDGET_USER_TIER) {
		scope->user_tier = from->user_tier;
		scope->has_user_tier = from->has_user_tier;
	} else if (dimensions[dimension].id) {
		set_id(scope, dimension, get_id(from, dimension));
	} else {
		set_text(scope, dimension, get_text(from, dimension));
	}
}

bool
budget_scope_resolve(struct task *task, struct budget_scope *scope, bool *ret_known)
{
	struct id key = scope->api_key_id;

	*ret_known = true;
	return id_is_nil(key) || auth_token_find_lineage(task, key, ret_known, &scope->api_key_id);
}

void
budget_scope_add(struct db_params *params, const struct budget_scope *scope)
{
	for (size_t i = 0; i < BUDGET_DIMENSIONS; i++) {
		if (i == BUDGET_USER_TIER)
			db_add_text(params,
			    scope->has_user_tier ? user_tier_names[scope->user_tier] : NULL);
		else if (dimensions[i].id)
			db_add_id(params, get_id(scope, i));
		else
			db_add_text(params, get_text(scope, i));
	}
}

static void
read_tier(const char *name, struct budget_scope *ret)
{
	if (name == NULL)
		return;
	ret->user_tier = (int)user_tier_of(name);
	ret->has_user_tier = true;
}

void
budget_scope_read(const struct db_rows *rows, int row, int column, struct budget_scope *ret)
{
	*ret = (struct budget_scope){ 0 };
	for (size_t i = 0; i < BUDGET_DIMENSIONS; i++) {
		if (i == BUDGET_USER_TIER)
			read_tier(db_text(rows, row, column + (int)i), ret);
		else if (dimensions[i].id)
			set_id(ret, i, db_id(rows, row, column + (int)i));
		else
			set_text(ret, i, db_text(rows, row, column + (int)i));
	}
}

void
budget_scope_write(struct json_out *out, const char *key, const struct budget_scope *scope)
{
	json_open_at(out, key);
	for (size_t i = 0; i < BUDGET_DIMENSIONS; i++) {
		const char *name = budget_dimension_names[i];

		if (i == BUDGET_USER_TIER) {
			if (scope->has_user_tier)
				json_text(out, name, user_tier_names[scope->user_tier]);
		} else if (dimensions[i].id) {
			if (!id_is_nil(get_id(scope, i)))
				json_id(out, name, get_id(scope, i));
		} else if (get_text(scope, i) != NULL) {
			json_text(out, name, get_text(scope, i));
		}
	}
	json_close(out);
}
