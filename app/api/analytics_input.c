#include "app/api/analytics_input.h"

#include "app/api/analytics_sums.h"

static bool
check_time(struct task *task, const char *field, int64_t usec)
{
	if (usec < ANALYTICS_FIRST || usec > ANALYTICS_LAST)
		return task_fail_field(
		    task, field, "must lie in the years from 2000 to 2099, in UTC");
	return true;
}

bool
analytics_read_range(
    struct task *task, const struct analytics_range *range, int64_t usec, struct span *ret)
{
	*ret = (struct span){ range->since, range->has_until ? range->until : task->now };
	if (!range->has_since)
		ret->since = ret->until - usec;
	if (!check_time(task, "since", ret->since) || !check_time(task, "until", ret->until))
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
