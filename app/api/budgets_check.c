/* What is left of budgets, from the counters; from the log while they are away. */
#include "app/api/budgets.h"

#include <string.h>

#include "app/auth.h"
#include "app/ingest/ingest.h"
#include "app/metrics.h"
#include "lib/model/agent_session_tree.h"
#include "lib/model/counter_use.h"

struct check_query {
	struct budget_scope scope;
	const char *external_user_id;
};

const struct json_field budgets_check_fields[11] = {
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
write_end(struct json_out *out, const struct task *task, bool counted)
{
	if (!counted)
		metrics_add(METRIC_COUNTER_FALLBACKS, 1);
	json_text(out, "source", counted ? "redis" : "postgres");
	json_time(out, "as_of", task->now);
	json_close(out);
}

/* The counters' uses instead of the log's sums, for all of the statuses or for none. */
static bool
count_status(struct request *req, struct budget_status *status, struct budget_buckets buckets,
    struct budget_bucket *ret_buckets, bool *ret_counted)
{
	size_t count = status->budget->each == BUDGET_NO_DIMENSION ? 1 : buckets.count;
	struct budget_status *list = arena_array(req->task->arena, count, sizeof *list);

	for (size_t i = 0; i < count; i++) {
		list[i] = *status;
		if (status->budget->each != BUDGET_NO_DIMENSION)
			list[i].bucket = buckets.at[i].value;
	}
	if (!counter_use_buckets(req->task, ingest_book(req->app->ingest), req->identity->zone,
		list, count, ret_counted))
		return false;
	for (size_t i = 0; i < buckets.count; i++) {
		ret_buckets[i] = buckets.at[i];
		if (*ret_counted)
			ret_buckets[i].use = list[i].use;
	}
	if (*ret_counted && status->budget->each == BUDGET_NO_DIMENSION)
		status->use = list[0].use;
	return true;
}

bool
budgets_status(struct request *req, struct reply *reply)
{
	struct task *task = req->task;
	struct budget_buckets buckets;
	struct budget_status status;
	struct budget_bucket *counts;
	struct budget budget;
	struct json_out *out;
	bool counted;
	struct id id;

	if (!request_id_param(req, 0, &id))
		return false;
	/* The sum and its buckets are of one instant. */
	db_set_snapshot(task);
	if (!resource_find(task, &budget_resource, id, &budget) ||
	    !budget_status_find(task, &budget, &status) ||
	    !budget_status_list_buckets(task, &status, &buckets) || !db_commit(task))
		return false;
	counts = arena_array(task->arena, buckets.count, sizeof *counts);
	if (!count_status(req, &status, buckets, counts, &counted))
		return false;
	out = json_out_new(&reply->body);
	json_open(out);
	budget_status_write(out, &status, task->now);
	json_open_array_at(out, "buckets");
	for (size_t i = 0; i < buckets.count; i++)
		budget_status_write_bucket(out, &status, &counts[i], task->now);
	json_close_array(out);
	write_end(out, task, counted);
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
find_key(struct task *task, struct budget_scope *scope)
{
	bool known;

	if (!budget_scope_resolve(task, scope, &known))
		return false;
	return known || task_fail_field(task, "api_key_id", "names no key of this client");
}

/* A call of an agent session is one of its tree. */
static bool
find_tree(struct task *task, struct budget_scope *scope)
{
	return id_is_nil(scope->agent_session_id) || !id_is_nil(scope->agent_root_id) ||
	       agent_session_find_root(task, scope->agent_session_id, &scope->agent_root_id);
}

/* From the log, at one instant. */
static bool
sum_statuses(struct task *task, const struct budget_scope *call, struct budget_statuses *ret)
{
	struct budgets budgets;

	db_set_snapshot(task);
	if (!budget_list_applying(task, call, &budgets))
		return false;
	ret->count = budgets.count;
	ret->at = arena_array(task->arena, budgets.count, sizeof *ret->at);
	for (size_t i = 0; i < budgets.count; i++)
		if (!budget_status_find_call(task, &budgets.at[i], call, &ret->at[i]))
			return false;
	return db_commit(task);
}

static bool
find_statuses(struct request *req, const struct budget_scope *scope, struct budget_statuses *ret)
{
	struct task *task = req->task;
	struct budget_call call = { .scope = *scope, .cost_nanos = 0 };

	if (scope->tag != NULL)
		call.tags = (struct json_texts){ .at = &scope->tag, .count = 1 };
	if (!counter_use_call(task, ingest_book(req->app->ingest), req->identity->zone, &call, ret))
		return false;
	if (!ret->counted && !sum_statuses(task, scope, ret))
		return false;
	budget_status_sort(task, ret->at, ret->count);
	return true;
}

static void
write_statuses(struct json_out *out, const struct budget_statuses *list, int64_t now)
{
	json_bool(out, "allowed", list->count == 0 || budget_status_allows(&list->at[0], now));
	json_open_array_at(out, "budgets");
	for (size_t i = 0; i < list->count; i++) {
		json_open(out);
		json_text(out, "bucket", list->at[i].bucket);
		json_bool(out, "allowed", budget_status_allows(&list->at[i], now));
		budget_status_write(out, &list->at[i], now);
		json_close(out);
	}
	json_close_array(out);
}

bool
budgets_check(struct request *req, struct reply *reply)
{
	struct check_query query = { 0 };
	struct budget_statuses list;
	struct json_out *out;

	if (!request_read_query(req, &query) || !find_user(req->task, &query) ||
	    !find_key(req->task, &query.scope) || !find_tree(req->task, &query.scope) ||
	    !db_commit(req->task) || !find_statuses(req, &query.scope, &list))
		return false;
	out = json_out_new(&reply->body);
	json_open(out);
	write_statuses(out, &list, req->task->now);
	write_end(out, req->task, list.counted);
	return reply_done(reply, 200, "application/json");
}
