/* What the tests of zones and periods share: a task, zones by name, instants and dates from text.
 */
#ifndef TESTS_UNIT_ZONE_TASK_H
#define TESTS_UNIT_ZONE_TASK_H

#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/zone.h"

UNUSED static int
setup(void **state)
{
	struct task *task = calloc(1, sizeof(*task));

	task_init(task, arena_new());
	*state = task;
	return 0;
}

UNUSED static int
teardown(void **state)
{
	struct task *task = *state;

	arena_free(task->arena);
	free(task);
	return 0;
}

UNUSED static const struct zone *
zone_named(struct task *task, const char *name)
{
	const struct zone *zone = NULL;

	if (!zone_find(task, name, &zone))
		fail_msg("%s: %s", name, task->err.text);
	return zone;
}

UNUSED static int64_t
instant(const char *text)
{
	int64_t usec = 0;

	assert_true(clock_parse((struct text){ .at = text, .len = strlen(text) }, &usec));
	return usec;
}

UNUSED static int32_t
date(const char *text)
{
	int32_t ret = 0;

	assert_true(date_parse((struct text){ .at = text, .len = strlen(text) }, &ret));
	return ret;
}

/* xorshift64: the same instants in every run. */
UNUSED static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif
