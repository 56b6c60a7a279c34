#include "lib/model/chat_log_private.h"

#include "lib/clock.h"
#include "lib/model/keyset.h"

/* No record is as far in the future, whichever clock it was stored by. */
#define AHEAD CLOCK_DAY

/*
 * A plan for any values is of every partition, and a connection that makes it reads what the
 * catalogue has of each and of its indexes, fifty times as long as a page takes. So a page is
 * looked for in the day that it begins in, and where that is young in the one before it, by a plan
 * of these alone; only what it lacks is looked for in the rest.
 */
#define NEWEST (CLOCK_DAY / 4)

/*
 * Records come out of an index in their order. By the planner's reckoning a user has few, so that
 * it would read and sort all that there are.
 */
static const char plans_sql[] = "SELECT set_config('plan_cache_mode', $1, true), "
				"set_config('enable_sort', 'off', true)";
#define GIVEN_VALUES "force_custom_plan"
#define ANY_VALUES "force_generic_plan"

/*
 * A statement for each index that can lead; the other conditions are applied to what it gives. The
 * bounds of created_at spare the partitions; those of id are the same bounds for the index. Where
 * another index leads, the lower one is left out: a range of ids looks as good as any index to a
 * generic plan.
 */
#define BELOW \
	"SELECT " CHAT_LOG_COLUMNS "\n" \
	"FROM chat_logs\n" \
	"WHERE client_id = $1 AND id < $2\n" \
	"AND created_at >= $3 AND created_at < $4\n"
/*
 * CASE, as each OR would be tried with each index of each partition: the plan took three times as
 * long to make.
 */
#define WHERE_GIVEN(param, type, is) \
	"AND CASE WHEN " param "::" type " IS NULL THEN true ELSE " is " END\n"
#define REST \
	WHERE_GIVEN("$6", "uuid", "id >= $6") \
	WHERE_GIVEN("$7", "uuid", "user_id = $7") \
	WHERE_GIVEN("$8", "uuid", "session_id = $8") \
	WHERE_GIVEN("$9", "uuid", "conversation_id = $9") \
	WHERE_GIVEN("$10", "uuid", "agent_session_id = $10") \
	WHERE_GIVEN("$11", "text", "trace_id = $11") \
	WHERE_GIVEN("$12", "text", "feature = $12") \
	WHERE_GIVEN("$13", "text", "agent_type = $13") \
	WHERE_GIVEN("$14", "text", "provider = $14") \
	WHERE_GIVEN("$15", "text", "model = $15") \
	WHERE_GIVEN("$16", "text", "$16 = ANY (tags)") \
	WHERE_GIVEN("$17", "boolean", "success = $17") \
	WHERE_GIVEN("$18", "boolean", \
	    "$18 = (estimated_cost_cents IS NULL AND verified_cost_cents IS NULL)") \
	"ORDER BY id DESC\n" \
	"LIMIT $5"

/* By a plan for the given values it needs none of the others. */
static const char list_sql[] = BELOW "AND id >= $6\n" REST;
static const char list_by_user_sql[] = BELOW "AND user_id = $7\n" REST;
static const char list_by_session_sql[] = BELOW "AND session_id = $8\n" REST;
static const char list_by_conversation_sql[] = BELOW "AND conversation_id = $9\n" REST;
static const char list_by_agent_session_sql[] = BELOW "AND agent_session_id = $10\n" REST;
static const char list_by_trace_sql[] = BELOW "AND trace_id = $11\n" REST;
static const char list_unpriced_sql[] =
    BELOW "AND id >= $6\n"
	  "AND estimated_cost_cents IS NULL AND verified_cost_cents IS NULL\n" REST;
static const char list_failed_sql[] = BELOW "AND id >= $6\n"
					    "AND NOT success\n" REST;

const char *const chat_log_list_statements[] = { plans_sql, list_sql, list_by_user_sql,
	list_by_session_sql, list_by_conversation_sql, list_by_agent_session_sql, list_by_trace_sql,
	list_unpriced_sql, list_failed_sql, NULL };

static void
append(struct task *task, struct chat_logs *logs, const struct chat_logs *more)
{
	size_t count = logs->count + more->count;
	struct chat_log *list = arena_array(task->arena, count, sizeof *list);

	for (size_t i = 0; i < count; i++)
		list[i] = i < logs->count ? logs->at[i] : more->at[i - logs->count];
	*logs = (struct chat_logs){ list, count };
}

static const char *
choose_list(const struct chat_log_filter *filter)
{
	if (filter->trace_id != NULL)
		return list_by_trace_sql;
	if (!id_is_nil(filter->session_id))
		return list_by_session_sql;
	if (!id_is_nil(filter->conversation_id))
		return list_by_conversation_sql;
	if (!id_is_nil(filter->agent_session_id))
		return list_by_agent_session_sql;
	if (!id_is_nil(filter->user_id))
		return list_by_user_sql;
	if (filter->unpriced == 1)
		return list_unpriced_sql;
	return filter->success == 0 ? list_failed_sql : list_sql;
}

static bool
read_list(struct task *task, const char *plans, const char *sql,
    const struct chat_log_filter *filter, struct chat_logs *ret)
{
	struct db_params *mode = db_params(task), *params = db_params(task);
	struct db_step steps[] = { { plans_sql, mode }, { sql, params } };
	struct db_rows *rows[COUNT(steps)];

	db_add_text(mode, plans);
	keyset_add_bounds(task, params,
	    &(struct keyset_bounds){ filter->after, filter->since, filter->until, filter->limit });
	db_add_id(params, filter->user_id);
	db_add_id(params, filter->session_id);
	db_add_id(params, filter->conversation_id);
	db_add_id(params, filter->agent_session_id);
	db_add_text(params, filter->trace_id);
	db_add_text(params, filter->feature);
	db_add_text(params, filter->agent_type);
	db_add_text(params, filter->provider);
	db_add_text(params, filter->model);
	db_add_text(params, filter->tag);
	db_add_flag(params, filter->success);
	db_add_flag(params, filter->unpriced);
	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	chat_log_read(task, rows[1], ret);
	return true;
}

/* What is asked for as what is left of it to read. */
static struct chat_log_filter
begin(const struct task *task, const struct chat_log_filter *filter)
{
	struct chat_log_filter rest = *filter;

	if (rest.until > task->now + AHEAD)
		rest.until = task->now + AHEAD;
	if (!id_is_nil(rest.after) && id_time(rest.after) < rest.until)
		rest.until = id_time(rest.after) + 1;
	return rest;
}

static bool
is_left(const struct chat_log_filter *rest)
{
	return rest->limit > 0 && rest->since < rest->until;
}

/* From since on; what is left lies before it. */
static bool
read_from(struct task *task, int64_t since, const char *plans, const char *sql,
    struct chat_log_filter *rest, struct chat_logs *logs)
{
	struct chat_log_filter part = *rest;
	struct chat_logs found;

	part.since = since > rest->since ? since : rest->since;
	if (!read_list(task, plans, sql, &part, &found))
		return false;
	if (logs->count == 0)
		*logs = found;
	else
		append(task, logs, &found);
	rest->until = part.since;
	rest->limit -= (int64_t)found.count;
	return true;
}

bool
chat_log_list(struct task *task, const struct chat_log_filter *filter, struct chat_logs *ret)
{
	struct chat_log_filter rest = begin(task, filter);
	struct chat_logs logs = { NULL, 0 };
	int64_t newest = (rest.until > task->now ? task->now : rest.until - 1) - NEWEST;

	if (is_left(&rest) &&
	    !read_from(task, newest - newest % CLOCK_DAY, GIVEN_VALUES, list_sql, &rest, &logs))
		return false;
	if (is_left(&rest) &&
	    !read_from(task, rest.since, ANY_VALUES, choose_list(filter), &rest, &logs))
		return false;
	*ret = logs;
	return true;
}
