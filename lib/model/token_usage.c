#include "lib/model/token_usage.h"

#include "lib/model/cents_sql.h"
#include "lib/model/conversation.h"
#include "lib/model/totals_write.h"

/* The sum over all groups comes first. By the index on client_id, conversation_id, id. */
static const char find_sql[] =
    "SELECT agent_type, model,\n"
    "least(coalesce(sum(coalesce(verified_cost_cents, estimated_cost_cents)), 0) * 10000000, " SUM_NANOS_MAX
    ")::bigint AS cost,\n"
    "count(*), add_up(tokens_used), add_up(input_tokens), add_up(output_tokens),\n"
    "add_up(cached_input_tokens), add_up(cache_write_tokens), add_up(reasoning_tokens),\n"
    "count(*) FILTER (WHERE NOT success),\n"
    "count(*) FILTER (WHERE estimated_cost_cents IS NULL AND verified_cost_cents IS NULL)\n"
    "FROM chat_logs\n"
    "WHERE client_id = $1 AND conversation_id = $2\n"
    "GROUP BY GROUPING SETS ((), (agent_type, model))\n"
    "ORDER BY grouping(agent_type) DESC, cost DESC, agent_type, model\n"
    "LIMIT $3";

enum column { AGENT_TYPE, MODEL, SUMS };

const char *const token_usage_statements[] = { find_sql, NULL };

static struct totals
read_totals(const struct db_rows *rows, int row)
{
	struct totals totals;

	for (int i = 0; i < TOTAL_COUNT; i++)
		totals.at[i] = db_int(rows, row, SUMS + i);
	return totals;
}

static void
read_groups(struct task *task, const struct db_rows *rows, struct token_usage *ret)
{
	struct token_usage_group *groups;

	ret->totals = read_totals(rows, 0);
	ret->count = (size_t)db_count(rows) - 1;
	ret->more = ret->count > TOKEN_USAGE_GROUPS_MAX;
	if (ret->more)
		ret->count = TOKEN_USAGE_GROUPS_MAX;
	groups = arena_array(task->arena, ret->count, sizeof(*groups));
	for (size_t i = 0; i < ret->count; i++)
		groups[i] = (struct token_usage_group){
			.agent_type = db_text(rows, (int)i + 1, AGENT_TYPE),
			.model = db_text(rows, (int)i + 1, MODEL),
			.totals = read_totals(rows, (int)i + 1),
		};
	ret->groups = groups;
}

bool
token_usage_find(struct task *task, struct id id, struct token_usage *ret)
{
	struct db_params *params = db_params(task);
	struct conversation conversation = { 0 };
	struct db_rows *rows;

	if (!resource_find(task, &conversation_resource, id, &conversation))
		return false;
	db_add_id(params, task->client);
	db_add_id(params, id);
	db_add_int(params, TOKEN_USAGE_GROUPS_MAX + 2);
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	*ret = (struct token_usage){ .conversation = id };
	read_groups(task, rows, ret);
	return true;
}

void
token_usage_write(struct json_out *out, const void *object)
{
	const struct token_usage *usage = object;

	json_open(out);
	json_id(out, "conversation_id", usage->conversation);
	json_open_at(out, "total");
	totals_write(out, &usage->totals);
	json_close(out);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < usage->count; i++) {
		json_open(out);
		json_text(out, "agent_type", usage->groups[i].agent_type);
		json_text(out, "model", usage->groups[i].model);
		totals_write(out, &usage->groups[i].totals);
		json_close(out);
	}
	json_close_array(out);
	json_bool(out, "more", usage->more);
	json_close(out);
}
