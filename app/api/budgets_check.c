/* What is left of budgets, from sums over the log. */
#include "app/api/budgets.h"

#include <string.h>

#include "lib/model/budget_status.h"

struct check_query {
	struct budget_scope scope;
	const char *external_user_id;
};

const struct json_field budgets_check_fields[10] = {
	BUDGET_SCOPE_FIELDS(struct check_query),
	{ .name = "external_user_id",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct check_query, external_user_id),
	    .given = JSON_ALWAYS,
	    .min = 1,
	    .max = USER_EXTERNAL_ID_MAX,
	    .about = "Instead of user_id." },
};

static void
write_end(struct json_out *out, const struct task *task)
{
	json_text(out, "source", "postgres");
	json_time(out, "as_of", task->now);
	json_close(out);
}

bool
budgets_status(struct request *req, struct reply *reply)
{
	struct task *task = req->task;
	struct budget_buckets buckets;
	struct budget_status status;
	struct budget budget;
	struct json_out *out;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	/* The sum and its buckets are of one instant. */
	db_set_snapshot(task);
	if (!budget_find(task, id, &budget) || !budget_status_find(task, &budget, &status) ||
	    !budget_status_list_buckets(task, &status, &buckets))
		return false;
	out = json_out_new(&reply->body);
	json_open(out);
	budget_status_write(out, &status, task->now);
	json_open_array_at(out, "buckets");
	for (size_t i = 0; i < buckets.count; i++)
		budget_status_write_bucket(out, &status, &buckets.at[i], task->now);
	json_close_array(out);
	write_end(out, task);
	return reply_done(reply, 200, "application/json");
}

/* Who calls: a user that is not there yet would be made with its first record. */
static bool
find_user(struct task *task, struct check_query *query)
{
	struct budget_scope *scope = &query->scope;
	const char *name = query->external_user_id;
	enum user_tier tier;
	bool found;

	if (name != NULL && !id_is_nil(scope->user_id))
		return task_fail_field(task, "external_user_id", "cannot be given with user_id");
	if (name != NULL)
		scope->user_id =
		    user_id_from_external(task->client, (struct text){ name, strlen(name) });
	if (id_is_nil(scope->user_id))
		return true;
	if (!user_find_tier(task, scope->user_id, &found, &tier))
		return false;
	if (!found && name == NULL)
		return task_fail_field(task, "user_id", "names no user of this client");
	if (!scope->has_user_tier) {
		scope->user_tier = (int)(found ? tier : USER_ANONYMOUS);
		scope->has_user_tier = true;
	}
	return true;
}

static bool
find_statuses(struct task *task, const struct budget_scope *call, struct budget_status **ret,
    size_t *ret_count)
{
	struct budget_status *list;
	struct budgets budgets;

	if (!budget_list_applying(task, call, &budgets))
		return false;
	list = arena_array(task->arena, budgets.count, sizeof *list);
	for (size_t i = 0; i < budgets.count; i++)
		if (!budget_status_find_call(task, &budgets.at[i], call, &list[i]))
			return false;
	budget_status_sort(task, list, budgets.count);
	*ret = list;
	*ret_count = budgets.count;
	return true;
}

bool
budgets_check(struct request *req, struct reply *reply)
{
	struct check_query query = { 0 };
	struct task *task = req->task;
	struct budget_status *list;
	struct json_out *out;
	size_t count;

	if (!request_read_query(req, &query))
		return false;
	db_set_snapshot(task);
	if (!find_user(task, &query) || !find_statuses(task, &query.scope, &list, &count))
		return false;
	out = json_out_new(&reply->body);
	json_open(out);
	json_bool(out, "allowed", count == 0 || budget_status_allows(&list[0], task->now));
	json_open_array_at(out, "budgets");
	for (size_t i = 0; i < count; i++) {
		json_open(out);
		json_text(out, "bucket", list[i].bucket);
		json_bool(out, "allowed", budget_status_allows(&list[i], task->now));
		budget_status_write(out, &list[i], task->now);
		json_close(out);
	}
	json_close_array(out);
	write_end(out, task);
	return reply_done(reply, 200, "application/json");
}
