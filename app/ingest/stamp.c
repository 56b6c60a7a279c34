#include "app/ingest/stamp.h"

#include <string.h>

#include "lib/clock.h"

static bool
check_time(struct task *task, int64_t days, const char *field, int64_t usec)
{
	if (usec > task->now + STAMP_AHEAD_USEC)
		return task_fail_field(task, field, "lies more than 5 minutes in the future");
	if (usec < task->now - days * CLOCK_DAY)
		return task_fail_field(task, field, "is older than the log is kept");
	return true;
}

/* An id that is a UUIDv7 says when it was; any other one needs to be told. */
bool
stamp_read(struct task *task, struct id space, int64_t days, const char *given, int64_t *created_at,
    struct id *ret)
{
	struct text name = { .at = given, .len = given == NULL ? 0 : strlen(given) };
	bool timed = *created_at != STAMP_NOW;

	if (!timed)
		*created_at = task->now;
	*created_at -= *created_at % 1000;
	if (given == NULL) {
		if (!check_time(task, days, "created_at", *created_at))
			return false;
		/* Of one millisecond, in the order in which they came. */
		*ret = id_new(timed ? *created_at : task->now);
		return true;
	}
	if (id_parse(name, ret) && id_is_v7(*ret)) {
		if (timed && id_time(*ret) != *created_at)
			return task_fail_field(
			    task, "created_at", "is not the time of the UUIDv7 in id");
		*created_at = id_time(*ret);
		return check_time(task, days, timed ? "created_at" : "id", *created_at);
	}
	if (!timed)
		return task_fail_field(
		    task, "created_at", "is required with an id that is not a UUIDv7");
	if (!check_time(task, days, "created_at", *created_at))
		return false;
	*ret = id_derive(space, name, *created_at);
	return true;
}
