#include "tests/questions.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/zone.h"
#include "tests/test.h"

const struct question questions[QUESTIONS] = {
	{ "days", NULL, 24, USAGE_MODEL, 0, 0, NULL },
	{ "days by model", NULL, 24, USAGE_MODEL, 1, 0, NULL },
	{ "days of one model by feature", NULL, 24, USAGE_FEATURE, 1, 0, "m3" },
	{ "days by user", NULL, 24, USAGE_USER, 1, 0, NULL },
	{ "days, the two first users", NULL, 24, USAGE_USER, 1, 2, NULL },
	{ "days by tag", NULL, 24, USAGE_TAG, 1, 0, NULL },
	{ "hours by model", NULL, 1, USAGE_MODEL, 1, 0, NULL },
	{ "all, the two first users", NULL, 0, USAGE_USER, 1, 2, NULL },
	{ "days of another zone", "Asia/Kathmandu", 24, USAGE_MODEL, 0, 0, NULL },
	{ "days of another zone by model", "Asia/Kathmandu", 24, USAGE_MODEL, 1, 0, NULL },
	{ "days of another zone, the two first users", "Asia/Kathmandu", 24, USAGE_USER, 1, 2,
	    NULL },
};

static const struct zone *
zone_of(struct task *task, const char *of)
{
	const struct zone *zone;

	assert_true(zone_find(task, of, &zone));
	return zone;
}

static struct span *
make_buckets(const struct question *question, const struct asker *asker, struct task *task,
    size_t *ret_count)
{
	const struct zone *zone =
	    zone_of(task, question->zone == NULL ? asker->timezone : question->zone);
	int32_t today = zone_date(zone, task->now);
	int32_t days = question->hours == 0 ? 4 * QUESTION_DAYS : QUESTION_DAYS;
	struct span all = { zone_day_start(zone, today - days), zone_day_start(zone, today + 1) };
	struct span *at = arena_array(task->arena, (QUESTION_DAYS + 2) * 25, sizeof(*at));

	*ret_count = 0;
	while (all.since < all.until) {
		struct span *bucket = &at[(*ret_count)++];

		*bucket = all;
		if (question->hours == 24)
			bucket->until = zone_day_start(zone, zone_date(zone, all.since) + 1);
		else if (question->hours == 1)
			bucket->until = all.since + SPAN_HOUR;
		all.since = bucket->until;
	}
	return at;
}

static void
print_groups(FILE *out, const struct usage_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		const struct usage_group *group = &groups->at[i];

		fprintf(out, "%zu %s", group->bucket,
		    group->key == NULL	    ? "(others)"
		    : group->key[0] == NULL ? "(none)"
					    : group->key[0]);
		for (int t = 0; t < TOTAL_COUNT; t++)
			fprintf(out, " %lld", (long long)group->totals.at[t]);
		fprintf(out, " %lld %lld %lld\n", (long long)group->p50_ms,
		    (long long)group->p95_ms, (long long)group->p99_ms);
	}
}

char *
question_ask(
    const struct question *question, const struct asker *asker, struct usage_memory *memory)
{
	struct arena *arena = arena_new();
	struct task task;
	struct usage_query query = {
		.by = { question->by },
		.by_count = question->by_count,
		.groups_max = question->groups_max,
		.timezone = asker->timezone,
		.rows_max = USAGE_ROWS_MAX,
	};
	struct usage_groups groups;
	struct usage_rows rows;
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	task_init(&task, arena);
	task.now = asker->now;
	task.pool = asker->pool;
	task.client = asker->client;
	task.user = asker->user;
	task.usage_memory = memory;
	query.zone = zone_of(&task, asker->timezone);
	query.only[USAGE_MODEL] = question->only_model;
	query.buckets = make_buckets(question, asker, &task, &query.bucket_count);
	if (!usage_read(&task, &query, &rows))
		fail_msg("%s: %s", question->sentence, task.err.text);
	usage_group(
	    &task, &rows, question->groups_max > 0 ? question->groups_max : SIZE_MAX, &groups);
	print_groups(out, &groups);
	fclose(out);
	arena_free(arena);
	return text;
}
