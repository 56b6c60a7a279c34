#include <string.h>

#include "lib/model/rollup_private.h"
#include "lib/model/usage_rank_private.h"

/* What a question is divided by. */
struct division {
	struct task *task;
	struct usage_query query; /* whose rows by hour tell of parts of a day */
	const struct usage_changed *changed;
	struct usage_changed unchanged; /* the same as if nothing had changed */
	int64_t days_max;
	struct usage_rank *rank;
};

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How much of the span is not to be read from the log. */
static int64_t
measure(const struct usage_changed *changed, struct span span)
{
	int64_t length = 0;

	for (int64_t at = span.since; at < span.until;) {
		int64_t found = span_find(changed->at, changed->count, at), end = span.until;

		if (found < 0) {
			if (found != INT64_MIN)
				end = least(end, ~found);
			length += end - at;
		}
		at = found < 0 ? end : found;
	}
	return length;
}

void
usage_rank_push(struct task *task, struct usage_rank *rank, struct usage_stretch stretch)
{
	if (rank->count == rank->room) {
		size_t room = rank->room == 0 ? 16 : 2 * rank->room;
		struct usage_stretch *at = arena_array(task->arena, room, sizeof(*at));

		if (rank->count > 0)
			memcpy(at, rank->at, rank->count * sizeof(*at));
		rank->at = at;
		rank->room = room;
	}
	rank->at[rank->count++] = stretch;
}

/* Stretches of as many days that follow each other become one. */
static void
add_stretch(const struct division *division, int64_t days, struct span span)
{
	struct usage_rank *rank = division->rank;
	struct usage_stretch *last = rank->count > 0 ? &rank->at[rank->count - 1] : NULL;

	if (last != NULL && last->days == days && last->span.until == span.since)
		last->span.until = span.until;
	else
		usage_rank_push(division->task, rank, (struct usage_stretch){ days, span });
}

/* The longest stretch that begins with the date, is over, and is wanted as a whole; its end, 0:
 * none is. */
static int64_t
add_longest(const struct division *division, int32_t date, struct span wanted)
{
	const struct usage_changed *changed = division->changed;
	const struct zone *zone = division->query.zone;
	int32_t open = zone_date(zone, changed->users_until - 1);

	for (int level = ROLLUP_USER_LEVELS - 1; level >= 0; level--) {
		int32_t days = rollup_user_days[level];
		struct span span = { zone_day_start(zone, date),
			zone_day_start(zone, date + days) };

		if (days > division->days_max || date % days != 0 ||
		    (days > 1 && date + days > open) || span.since < wanted.since ||
		    span.until > wanted.until || measure(changed, span) < span.until - span.since)
			continue;
		add_stretch(division, days, span);
		return span.until;
	}
	return 0;
}

/* What there is by hour of the day and is not wanted. */
static bool
take(const struct division *division, struct span day, struct span wanted)
{
	const struct usage_changed *changed = division->changed;
	struct usage_parts *taken = &division->rank->taken;
	struct span before = { day.since, wanted.since }, behind = { wanted.until, day.until };

	if (!usage_divide_span(
		division->task, &division->query, &division->unchanged, before, taken) ||
	    !usage_divide_span(
		division->task, &division->query, &division->unchanged, behind, taken))
		return false;
	for (size_t i = 0; i < changed->count; i++) {
		struct span span = { most(changed->at[i].since, wanted.since),
			least(changed->at[i].until, wanted.until) };

		if (!usage_divide_span(
			division->task, &division->query, &division->unchanged, span, taken))
			return false;
	}
	return true;
}

/* Part of a day: its hours, or the day without the others, whichever are fewer. */
static bool
add_part(const struct division *division, struct span day, struct span wanted)
{
	const struct usage_changed *changed = division->changed;
	int64_t gone_by =
	    most(day.since, least(day.until, span_ceil(division->task->now, SPAN_HOUR)));
	int64_t past = measure(changed,
	    (struct span){ wanted.since, most(wanted.since, least(wanted.until, gone_by)) });

	if (day.since < changed->days_from || day.until > changed->users_until ||
	    2 * past <= gone_by - day.since)
		return usage_divide_span(
		    division->task, &division->query, changed, wanted, &division->rank->added);
	add_stretch(division, 1, day);
	return take(division, day, wanted);
}

/* From here to the end of a stretch, or of the day; that end. */
static bool
divide_one(const struct division *division, struct span wanted, int64_t *ret_end)
{
	const struct usage_changed *changed = division->changed;
	const struct zone *zone = division->query.zone;
	int32_t date = zone_date(zone, wanted.since);
	struct span day = { zone_day_start(zone, date), zone_day_start(zone, date + 1) };

	if (wanted.since >= changed->users_until) {
		*ret_end = wanted.until;
		return usage_divide_span(
		    division->task, &division->query, changed, wanted, &division->rank->added);
	}
	if (wanted.since == day.since && day.since >= changed->days_from) {
		*ret_end = add_longest(division, date, wanted);
		if (*ret_end > 0)
			return true;
	}
	*ret_end = least(day.until, wanted.until);
	wanted.until = *ret_end;
	return add_part(division, day, wanted);
}

bool
usage_rank_divide(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, int64_t days_max, struct usage_rank *ret)
{
	struct span rest = { query->buckets[0].since,
		query->buckets[query->bucket_count - 1].until };
	struct division division = {
		.task = task,
		.query = *query,
		.changed = changed,
		.unchanged = *changed,
		.days_max = days_max,
		.rank = ret,
	};

	*ret = (struct usage_rank){ 0 };
	division.unchanged.count = 0;
	division.query.coarsest = USAGE_DAY;
	while (rest.since < rest.until) {
		int64_t end;

		if (!divide_one(&division, rest, &end))
			return false;
		rest.since = end;
	}
	return true;
}
