#include "lib/model/budget.h"

/* What a call falls under: $2 to $11 in the order of the dimensions. */
static const char applying[] = "WHERE client_id = $1 AND deleted_at IS NULL\n"
			       "AND (user_id IS NULL OR user_id = $2)\n"
			       "AND (user_tier IS NULL OR user_tier = $3)\n"
			       "AND (api_key_id IS NULL OR api_key_id = $4)\n"
			       "AND (session_id IS NULL OR session_id = $5)\n"
			       "AND (agent_session_id IS NULL OR agent_session_id = $6)\n"
			       "AND (feature IS NULL OR feature = $7)\n"
			       "AND (provider IS NULL OR provider = $8)\n"
			       "AND (model IS NULL OR model = $9)\n"
			       "AND (tag IS NULL OR tag = $10)\n"
			       "AND (agent_root_id IS NULL OR agent_root_id = $11)\n"
			       "AND CASE each_by\n"
			       "WHEN 'user_id' THEN $2::uuid IS NOT NULL\n"
			       "WHEN 'user_tier' THEN $3::text IS NOT NULL\n"
			       "WHEN 'api_key_id' THEN $4::uuid IS NOT NULL\n"
			       "WHEN 'session_id' THEN $5::uuid IS NOT NULL\n"
			       "WHEN 'agent_session_id' THEN $6::uuid IS NOT NULL\n"
			       "WHEN 'feature' THEN $7::text IS NOT NULL\n"
			       "WHEN 'provider' THEN $8::text IS NOT NULL\n"
			       "WHEN 'model' THEN $9::text IS NOT NULL\n"
			       "WHEN 'tag' THEN $10::text IS NOT NULL\n"
			       "WHEN 'agent_root_id' THEN $11::uuid IS NOT NULL\n"
			       "ELSE true END\n"
			       "ORDER BY id";

enum { APPLYING, BY_NAME };
const char *const budget_selects[] = {
	[APPLYING] = applying,
	[BY_NAME] = "WHERE client_id = $1 AND name = $2 AND deleted_at IS NULL",
	NULL,
};

static bool
select_rows(struct task *task, unsigned which, const struct db_params *params, struct budgets *ret)
{
	void *found;

	if (!resource_select(task, &budget_resource, which, params, &found, &ret->count))
		return false;
	ret->at = found;
	return true;
}

bool
budget_find_by_name(struct task *task, const char *name, struct budget *ret)
{
	struct db_params *params = db_params(task);
	struct budgets found;

	db_add_id(params, task->client);
	db_add_text(params, name);
	if (!select_rows(task, BY_NAME, params, &found))
		return false;
	if (found.count == 0)
		return task_fail(task, ERR_NOT_FOUND, "There is no budget of this name.");
	*ret = found.at[0];
	return true;
}

bool
budget_list(struct task *task, struct id after, int64_t limit, struct budgets *ret)
{
	struct resource_filter filter = { .after = after, .limit = limit };
	void *found;

	if (!resource_list(task, &budget_resource, &filter, &found, &ret->count))
		return false;
	ret->at = found;
	return true;
}

bool
budget_list_applying(struct task *task, const struct budget_scope *call, struct budgets *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	budget_scope_add(params, call);
	return select_rows(task, APPLYING, params, ret);
}
