#include "app/api/analytics_input.h"

#include <string.h>

#include "app/api/analytics_sums.h"
#include "lib/clock.h"

static bool
read_time(
    struct task *task, const struct zone *zone, const char *field, const char *given, int64_t *ret)
{
	struct text text = { given, given == NULL ? 0 : strlen(given) };
	int32_t date;

	if (given != NULL && date_parse(text, &date))
		*ret = zone == NULL ? date * CLOCK_DAY : zone_day_start(zone, date);
	else if (given != NULL && !clock_parse(text, ret))
		return task_fail_field(task, field,
		    "must be a time as in 2026-11-21T09:30:00Z (RFC 3339) or a date as in 2026-11-21");
	if (*ret < ANALYTICS_FIRST || *ret > ANALYTICS_LAST)
		return task_fail_field(
		    task, field, "must lie in the years from 2000 to 2099, in UTC");
	return true;
}

bool
analytics_read_range(struct task *task, const struct zone *zone,
    const struct analytics_range *range, int64_t usec, struct span *ret)
{
	ret->until = task->now;
	if (!read_time(task, zone, "until", range->until, &ret->until))
		return false;
	ret->since = ret->until - usec;
	if (!read_time(task, zone, "since", range->since, &ret->since))
		return false;
	if (ret->since >= ret->until)
		return task_fail_field(task, "until", "must be later than since");
	return true;
}

bool
analytics_read_only(struct task *task, const struct analytics_only *only, struct usage_query *query)
{
	enum usage_dimension beside = USAGE_USER;

	for (int i = 0; i < USAGE_DIMENSIONS; i++)
		query->only[i] = only->at[i];
	if (!id_is_nil(only->user))
		query->only[USAGE_USER] =
		    id_format(only->user, arena_alloc(task->arena, ID_TEXT_SIZE));
	if (usage_fits(query, &beside))
		return true;
	return task_fail_field(task,
	    query->only[beside] != NULL ? analytics_key_names[beside] : "group_by",
	    "stands for itself: the rollups do not have it beside others");
}
