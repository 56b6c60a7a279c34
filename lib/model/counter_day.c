/* Counts that are mended where they are broken, and the open day as it is asked for. */
#include <assert.h>
#include <pthread.h>

#include "lib/model/counter_day.h"
#include "lib/model/counter_private.h"
#include "lib/model/daily_cost.h"

/* How often a load is tried before the answer comes from the log instead. */
#define LOAD_TRIES 3

/* One load at a time in a process: those who wait find it done, instead of summing the same day. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;

static bool
is_good(const struct counter_view *view)
{
	return view->answer == COUNTER_OK && !view->stale;
}

/* What the view says is broken: another epoch is asked for or opened. */
static bool
replace(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *state, const struct counter_view *view)
{
	if (view->answer == COUNTER_OVER) {
		counter_book_forget(book, task->client);
		return counter_state(task, book, zone, state);
	}
	if (view->answer == COUNTER_LOST || view->stale)
		return counter_open(task, book, zone, state);
	return true;
}

/* Opens and loads until the view is good; *view tells at the end whether it is. */
static bool
mend(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *state, struct counter_view *view)
{
	enum counter_answer answer;

	for (int i = 0; i < LOAD_TRIES; i++) {
		counter_look(task, state, view);
		if (view->answer == COUNTER_AWAY || is_good(view))
			return true;
		if (!replace(task, book, zone, state, view) ||
		    !counter_load(task, zone, state, &answer))
			return false;
		if (answer == COUNTER_OVER) {
			counter_book_forget(book, task->client);
			if (!counter_state(task, book, zone, state))
				return false;
		}
	}
	counter_look(task, state, view);
	return true;
}

static bool
mend_alone(struct task *task, struct counter_book *book, const struct zone *zone,
    struct counter_state *state, struct counter_view *view)
{
	bool ok;

	pthread_mutex_lock(&load_lock);
	ok = mend(task, book, zone, state, view);
	pthread_mutex_unlock(&load_lock);
	return ok;
}

static bool
sum_instead(struct task *task, const struct zone *zone, int32_t date, struct counter_day *ret)
{
	struct daily_cost day;

	if (!daily_cost_sum(task, zone, date, &day) || !db_commit(task))
		return false;
	*ret = (struct counter_day){
		.date = date,
		.confirmed = day.totals,
		.users = day.unique_users,
		.from_postgres = true,
	};
	return true;
}

bool
counter_is_today(
    const struct task *task, const struct zone *zone, const struct counter_state *state)
{
	return state->day == zone_date(zone, task->now) ||
	       state->day == zone_date(zone, task->now + COUNTER_SKEW_USEC);
}

bool
counter_today(
    struct task *task, struct counter_book *book, const struct zone *zone, struct counter_day *ret)
{
	struct counter_view view = { .answer = COUNTER_AWAY };
	struct counter_state state;
	int32_t today;

	assert(task->db == NULL);
	if (!counter_state(task, book, zone, &state))
		return false;
	today = counter_is_today(task, zone, &state) ? state.day : zone_date(zone, task->now);
	if (!state.bypassed)
		counter_look(task, &state, &view);
	if (!state.bypassed && view.answer != COUNTER_OK && view.answer != COUNTER_AWAY &&
	    !mend_alone(task, book, zone, &state, &view))
		return false;
	if (state.bypassed || view.answer != COUNTER_OK || state.day != today)
		return sum_instead(task, zone, today, ret);
	*ret = (struct counter_day){
		.date = state.day,
		.confirmed = view.confirmed,
		.pending = view.pending,
		.pending_since = view.pending_since,
		.users = view.users,
	};
	return true;
}

bool
counter_rebuild(struct task *task, const struct zone *zone)
{
	struct counter_state state;
	struct counter_view view;
	const char *run_id;

	if (!redis_run_id(task, &run_id) || !counter_open(task, NULL, zone, &state) ||
	    !mend_alone(task, NULL, zone, &state, &view))
		return false;
	if (!is_good(&view))
		return task_fail_later(task, 1, "the counters could not be loaded into Redis");
	return true;
}

bool
counter_heal(
    struct task *task, struct counter_book *book, const struct zone *zone, bool *ret_healed)
{
	struct counter_state state;
	struct counter_view view;
	const char *run_id;

	*ret_healed = false;
	if (!redis_run_id(task, &run_id) || !counter_state(task, book, zone, &state))
		return false;
	counter_look(task, &state, &view);
	if (is_good(&view))
		return true;
	*ret_healed = true;
	if (!mend_alone(task, book, zone, &state, &view))
		return false;
	if (!is_good(&view))
		return task_fail_later(task, 1, "the counters could not be loaded into Redis");
	return true;
}
