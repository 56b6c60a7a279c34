#include "lib/model/usage.h"

#include "lib/core/histogram.h"
#include "lib/model/chat_log.h"
#include "lib/model/rollup_private.h"
#include "lib/model/usage_private.h"

const char *const usage_dimension_names[] = { "feature", "agent_type", "provider", "model", "user",
	"tag", NULL };

/* Of these statements a plan for any values is as good as one for the given, which took longer to
 * make than to run. */
static const char plans_sql[] = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)";

static const char client_sql[] = "SELECT nullif(whole_from, '-infinity'), "
				 "CASE WHEN timezone = $2 THEN days_until END, "
				 "nullif(days_from, '-infinity'), "
				 "nullif(hours_from, '-infinity'), "
				 "CASE WHEN timezone = $2 THEN users_until END, "
				 "revision, open_revision "
				 "FROM rollup_clients "
				 "WHERE client_id = $1";

/* Spans that are collected and not summed, and those that are to be collected. */
static const char changed_sql[] =
    "WITH fresh AS MATERIALIZED ("
    "SELECT id::text COLLATE \"C\" AS id, coalesce(late_days, summed_days) AS days "
    "FROM ingest_batches "
    "WHERE client_id = $1 "
    "AND " ROLLUP_NEW(
	"stored_by") ") "
		     "SELECT since, until "
		     "FROM rollup_pending "
		     "WHERE client_id = $1 "
		     "UNION ALL "
		     "SELECT id_time(min(id)::uuid) - batch_recent(), id_time(max(id)::uuid) + batch_ahead() "
		     "FROM fresh "
		     "GROUP BY left(id, 7) "
		     "UNION ALL "
		     "SELECT day::timestamp AT TIME ZONE $2 - rollup_margin($1), "
		     "(day + 1)::timestamp AT TIME ZONE $2 + rollup_margin($1) "
		     "FROM (SELECT DISTINCT unnest(days) AS day FROM fresh) AS d";

const char *const usage_statements[] = { plans_sql, client_sql, changed_sql, NULL };

void
usage_add_params(struct task *task, struct db_params *params, struct span span)
{
	struct db_array *bounds;

	db_add_id(params, task->client);
	db_add_id(params, chat_log_first_id(span.since));
	db_add_id(params, chat_log_first_id(span.until));
	db_add_time(params, span.since);
	db_add_time(params, span.until);
	bounds = db_add_array(params, DB_ARRAY_INT);
	for (size_t i = 1; i < HISTOGRAM_SLOTS; i++)
		db_array_int(bounds, histogram_bound(i));
}

static struct span
range_of(const struct usage_query *query)
{
	return (
	    struct span){ query->buckets[0].since, query->buckets[query->bucket_count - 1].until };
}

bool
usage_find_changed(struct task *task, const struct usage_query *query, struct usage_changed *ret)
{
	struct db_params *params = db_params(task);
	struct db_step steps[] = { { plans_sql, NULL }, { client_sql, params },
		{ changed_sql, params } };
	struct db_rows *rows[COUNT(steps)];
	struct span range = range_of(query);
	int count;

	db_add_id(params, task->client);
	db_add_text(params, query->timezone);
	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	count = db_count(rows[2]);
	*ret = (struct usage_changed){
		.at = arena_array(task->arena, (size_t)count + 1, sizeof(*ret->at)),
	};
	if (db_count(rows[1]) == 0) {
		ret->at[ret->count++] = range;
	} else {
		ret->whole_from = db_time(rows[1], 0, 0);
		ret->days_until = db_time(rows[1], 0, 1);
		ret->days_from = db_time(rows[1], 0, 2);
		ret->hours_from = db_time(rows[1], 0, 3);
		ret->users_until = db_time(rows[1], 0, 4);
		ret->revision = db_id(rows[1], 0, 5);
		ret->open_revision = db_id(rows[1], 0, 6);
	}
	for (int i = 0; i < count; i++)
		ret->at[ret->count++] =
		    (struct span){ db_time(rows[2], i, 0), db_time(rows[2], i, 1) };
	usage_clip(ret, range);
	return true;
}

/* What the question is about. */
static size_t
find_dimensions(const struct usage_query *query, bool ret_named[USAGE_DIMENSIONS])
{
	size_t count = 0;

	for (int i = 0; i < USAGE_DIMENSIONS; i++)
		ret_named[i] = query->only[i] != NULL;
	for (size_t i = 0; i < query->by_count; i++)
		ret_named[query->by[i]] = true;
	for (int i = 0; i < USAGE_DIMENSIONS; i++)
		count += ret_named[i];
	return count;
}

bool
usage_fits(const struct usage_query *query, enum usage_dimension *ret_beside)
{
	bool named[USAGE_DIMENSIONS];

	if (find_dimensions(query, named) <= 1)
		return true;
	*ret_beside = named[USAGE_TAG] ? USAGE_TAG : USAGE_USER;
	return !named[USAGE_TAG] && !named[USAGE_USER];
}

enum usage_dimension
usage_dimension_of(const struct usage_query *query)
{
	bool named[USAGE_DIMENSIONS];
	size_t count = find_dimensions(query, named);
	int found = 0;

	if (count == 0)
		return USAGE_PROVIDER;
	if (count > 1)
		return USAGE_DIMENSIONS;
	while (!named[found])
		found++;
	return (enum usage_dimension)found;
}

bool
usage_fail(struct task *task, const struct usage_query *query, const char *message)
{
	const char *name = query->since_name;

	return task_fail_field(task, name == NULL ? "since" : name, message);
}

/* What has not changed, from the rollups. */
static bool
read_parts(struct task *task, const struct usage_query *query, const struct usage_changed *changed,
    const struct usage_parts *parts, struct usage_rows *rows)
{
	bool more = false;

	if (parts->count == 0)
		return true;
	if (usage_can_choose(query))
		return usage_choose(task, query, changed, parts, rows);
	if (!usage_read_parts(task, query, changed, parts, NULL, rows, &more))
		return false;
	return !more || usage_fail(task, query, "has too many groups in this time");
}

bool
usage_read_changed(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct usage_rows *rows)
{
	for (size_t i = 0; i < changed->count; i++) {
		if (!usage_read_log(task, query, changed->at[i], rows))
			return false;
	}
	return true;
}

bool
usage_find(struct task *task, const struct usage_query *query, struct usage_rows *ret)
{
	struct usage_changed changed;
	struct usage_parts parts;

	*ret = (struct usage_rows){ 0 };
	return usage_find_changed(task, query, &changed) &&
	       usage_divide(task, query, &changed, &parts) &&
	       usage_read_changed(task, query, &changed, ret) &&
	       read_parts(task, query, &changed, &parts, ret);
}

bool
usage_find_in_log(struct task *task, const struct usage_query *query, struct usage_rows *ret)
{
	*ret = (struct usage_rows){ 0 };
	return usage_read_log(task, query, range_of(query), ret);
}

bool
usage_read(struct task *task, const struct usage_query *query, struct usage_rows *ret)
{
	db_set_snapshot(task);
	return usage_find(task, query, ret) && db_commit(task);
}
