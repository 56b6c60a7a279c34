/*
 * expire: drops holds past their time from the counters, settles the holds and grants of credit
 * accounts that are past theirs, ends WebSocket connections that are silent, and measures what is
 * held and spent.
 *
 * In PostgreSQL an authorization expires by its time alone. In Redis a hold is dropped by the next
 * reservation of its client; this is for clients that make none.
 */
#include "lib/clock.h"
#include "lib/model/authorization.h"
#include "lib/model/counter_hold.h"
#include "lib/model/counter_peek.h"
#include "lib/model/credit_due.h"
#include "lib/model/daily_cost.h"
#include "lib/model/websocket_connection.h"
#include "worker/commands.h"
#include "worker/job.h"
#include "worker/tenants.h"

static const char figures_sql[] =
    "UPDATE job_runs "
    "SET open_holds = $2, held_nanos = $3, oldest_hold_ms = $4, spent_nanos = $5 "
    "WHERE job = $1";

/* Over all clients. */
struct figures {
	int64_t open_holds;
	int64_t held_nanos;
	int64_t oldest_hold_usec;
	int64_t spent_nanos;
};

static void
add(int64_t *sum, int64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = INT64_MAX;
}

static void
add_hold_of(struct figures *figures, const struct task *task, int64_t oldest_at)
{
	if (oldest_at != 0 && task->now - oldest_at > figures->oldest_hold_usec)
		figures->oldest_hold_usec = task->now - oldest_at;
}

/* *away: Redis did not answer, and is not asked again. It has nothing to give back then. */
static bool
expire_holds(struct command_context *context, bool *away, struct figures *figures, int64_t *ret)
{
	struct task *task = context->task;
	struct counter_expired expired;
	struct counter_state state;

	*ret = 0;
	if (!counter_peek_state(task, &state) || !db_commit(task))
		return false;
	if (state.epoch == 0)
		return true;
	*away = counter_expire(task, &state, !context->dry_run, &expired) == COUNTER_AWAY;
	add_hold_of(figures, task, expired.oldest_at);
	*ret = expired.count;
	return true;
}

/* In transactions of their own: whoever kills it leaves the rest to the next run. */
static bool
settle_credits(struct command_context *context, int64_t *ret)
{
	struct task *task = context->task;
	int64_t posted = 0;

	*ret = 0;
	if (context->dry_run)
		return credit_due_count(task, ret) && db_commit(task);
	do {
		struct arena_mark mark = arena_mark(task->arena);

		if (!credit_due_settle(task, &posted))
			return false;
		arena_undo(task->arena, mark);
		*ret += posted;
	} while (posted > 0);
	return true;
}

static bool
reap_connections(struct command_context *context, int64_t *ret)
{
	struct task *task = context->task;

	return (context->dry_run ? websocket_connection_count_due(task, ret)
				 : websocket_connection_reap(task, ret)) &&
	       db_commit(task);
}

static bool
measure(struct task *task, const struct tenant *tenant, struct figures *figures)
{
	int32_t today = zone_date(tenant->zone, task->now);
	struct authorization_sum held;
	struct daily_costs days;

	if (!authorization_sum_held(task, &held) || !daily_cost_list(task, today, today, &days) ||
	    !db_commit(task))
		return false;
	add(&figures->open_holds, held.count);
	add(&figures->held_nanos, held.held_nanos);
	add_hold_of(figures, task, held.oldest_at);
	if (days.count > 0)
		add(&figures->spent_nanos, days.at[0].totals.at[TOTAL_COST]);
	return true;
}

static bool
store(struct command_context *context, const struct figures *figures)
{
	struct task *task = context->task;
	struct db_params *params = db_params(task);

	db_add_text(params, context->command->name);
	db_add_int(params, figures->open_holds);
	db_add_int(params, figures->held_nanos);
	db_add_int(params, figures->oldest_hold_usec / 1000);
	db_add_int(params, figures->spent_nanos);
	return db_query(task, figures_sql, params, NULL) && db_commit(task);
}

static bool
expire(struct command_context *context, struct job_result *result)
{
	struct tenants tenants = { .context = context };
	struct figures figures = { 0 };
	bool away = false;

	while (tenants_next(&tenants)) {
		int64_t dropped = 0, posted = 0, reaped = 0;
		bool ok = away || !tenants.tenant.counted ||
			  expire_holds(context, &away, &figures, &dropped);

		ok = ok && settle_credits(context, &posted) && reap_connections(context, &reaped);
		result->rows += dropped + posted + reaped;
		tenants_done(&tenants, ok && measure(context->task, &tenants.tenant, &figures));
	}
	if (!tenants_end(&tenants))
		return false;
	if (away)
		command_warn(context, "Redis does not answer: no hold was dropped");
	return context->dry_run || store(context, &figures);
}

int
expire_run(struct command_context *context)
{
	return job_run(context, expire);
}
