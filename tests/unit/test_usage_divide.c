#include "tests/unit/zone_task.h"

#include "lib/core/span.h"
#include "lib/model/usage_private.h"

/* Times are hours from here, which is a midnight of UTC. */
#define BASE (INT64_C(20000) * CLOCK_DAY)
#define AT(hours) (BASE + (int64_t)((hours)*4) * SPAN_QUARTER)
#define SPAN(from, to) \
	{ \
		AT(from), AT(to) \
	}
#define PARTS_MAX 6

struct expected_part {
	enum usage_grain grain;
	struct span span;
};

static const struct {
	const char *sentence;
	const char *zone;
	enum usage_grain coarsest;
	struct span bucket;
	struct span changed[2];
	size_t changed_count;
	double days_from, days_until, hours_from;
	struct expected_part expected[PARTS_MAX]; /* the first of no length ends them */
	bool refused;
} rows[] = {
	{ "whole days are read by day", "UTC", USAGE_DAY, SPAN(0, 72), { { 0 } }, 0, -999, 72, -999,
	    { { USAGE_DAY, SPAN(0, 72) } }, false },
	{ "the open day is read by hour", "UTC", USAGE_DAY, SPAN(0, 48), { { 0 } }, 0, -999, 24,
	    -999, { { USAGE_DAY, SPAN(0, 24) }, { USAGE_HOUR, SPAN(24, 48) } }, false },
	{ "nothing is coarser than asked", "UTC", USAGE_HOUR, SPAN(0, 24), { { 0 } }, 0, -999, 72,
	    -999, { { USAGE_HOUR, SPAN(0, 24) } }, false },
	{ "a day of 5:45 has hours between quarters", "Asia/Kathmandu", USAGE_HOUR,
	    SPAN(18.25, 42.25), { { 0 } }, 0, -999, 72, -999,
	    { { USAGE_QUARTER, SPAN(18.25, 19) }, { USAGE_HOUR, SPAN(19, 42) },
		{ USAGE_QUARTER, SPAN(42, 42.25) } },
	    false },
	{ "its own day is one", "Asia/Kathmandu", USAGE_DAY, SPAN(18.25, 42.25), { { 0 } }, 0, -999,
	    72, -999, { { USAGE_DAY, SPAN(18.25, 42.25) } }, false },
	{ "what has changed is left out, and its day read by hour", "UTC", USAGE_DAY, SPAN(0, 72),
	    { SPAN(30.25, 31) }, 1, -999, 72, -999,
	    { { USAGE_DAY, SPAN(0, 24) }, { USAGE_HOUR, SPAN(24, 30) },
		{ USAGE_QUARTER, SPAN(30, 30.25) }, { USAGE_HOUR, SPAN(31, 48) },
		{ USAGE_DAY, SPAN(48, 72) } },
	    false },
	{ "all has changed", "UTC", USAGE_DAY, SPAN(0, 24), { SPAN(0, 24) }, 1, -999, 72, -999,
	    { { 0 } }, false },
	{ "days without hours are read by day", "UTC", USAGE_DAY, SPAN(0, 48), { { 0 } }, 0, -999,
	    48, 24, { { USAGE_DAY, SPAN(0, 48) } }, false },
	{ "hours from their first on", "UTC", USAGE_HOUR, SPAN(24, 48), { { 0 } }, 0, -999, 48, 24,
	    { { USAGE_HOUR, SPAN(24, 48) } }, false },
	{ "an hour before is refused", "UTC", USAGE_HOUR, SPAN(23, 48), { { 0 } }, 0, -999, 48, 24,
	    { { 0 } }, true },
	{ "days of another zone are refused", "UTC", USAGE_DAY, SPAN(0, 24), { { 0 } }, 0, 24, 48,
	    24, { { 0 } }, true },
};

static struct usage_changed
make_changed(size_t i, struct span *at)
{
	memcpy(at, rows[i].changed, sizeof(rows[i].changed));
	return (struct usage_changed){
		.at = at,
		.count = rows[i].changed_count,
		.days_from = AT(rows[i].days_from),
		.days_until = AT(rows[i].days_until),
		.hours_from = AT(rows[i].hours_from),
	};
}

static bool
is_expected(const struct usage_parts *parts, const struct expected_part *expected)
{
	size_t count = 0;

	while (count < PARTS_MAX && expected[count].span.until > expected[count].span.since)
		count++;
	if (parts->count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (parts->at[i].grain != expected[i].grain ||
		    parts->at[i].span.since != expected[i].span.since ||
		    parts->at[i].span.until != expected[i].span.until)
			return false;
	}
	return true;
}

static void
what_has_not_changed_is_divided(void **state)
{
	struct task *task = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct usage_query query = {
			.buckets = &rows[i].bucket,
			.bucket_count = 1,
			.zone = zone_named(task, rows[i].zone),
			.coarsest = rows[i].coarsest,
		};
		struct span at[2];
		struct usage_changed changed = make_changed(i, at);
		struct usage_parts parts;
		bool ok = usage_divide(task, &query, &changed, &parts);

		if (ok == rows[i].refused || (ok && !is_expected(&parts, rows[i].expected)))
			fail_msg("%s", rows[i].sentence);
		task_clear_error(task);
	}
}

/* Buckets that are not the client's days; zones that put the clock back or forth in between. */
static const struct {
	const char *sentence;
	const char *zone, *other; /* the client's, and whose days the buckets are */
	const char *date; /* the first */
	double changed, changed_until; /* hours behind the first bucket's begin */
	size_t lent; /* hours or quarters */
} crossings[] = {
	{ "days that begin late", "UTC", "America/Sao_Paulo", "2026-06-01", 0, 0, 3 * 3 },
	{ "days that begin early", "UTC", "Asia/Kathmandu", "2026-06-01", 0, 0, 3 * (6 + 1) },
	{ "and the other way round", "Asia/Kathmandu", "UTC", "2026-06-01", 0, 0, 3 * (6 + 1) },
	{ "noon at the border", "UTC", "Asia/Kamchatka", "2026-06-01", 0, 0, 0 },
	{ "the client's own", "Asia/Tokyo", "Asia/Tokyo", "2026-06-01", 0, 0, 0 },
	{ "a day of 23 hours", "UTC", "Europe/Berlin", "2026-03-28", 0, 0, 1 + 2 + 2 },
	{ "the client's of 25 hours", "Europe/Berlin", "Asia/Tokyo", "2026-10-24", 0, 0,
	    7 + 8 + 8 },
	{ "the fourth quarter has changed", "Asia/Kathmandu", "UTC", "2026-06-01", 18, 18.25,
	    (5 + 3) + 2 * (6 + 1) },
	{ "what has changed", "UTC", "America/Sao_Paulo", "2026-06-01", 30, 30.25, 2 * 3 },
	{ "what is lent has changed", "UTC", "America/Sao_Paulo", "2026-06-01", 22, 23, 2 * 3 },
};

#define BUCKETS 4
#define QUARTERS (BUCKETS * 25 * 4)

/* How often each quarter-hour of the range counts in each bucket. */
struct tally {
	const struct usage_query *query;
	int counts[QUARTERS][BUCKETS];
};

static void
count(struct tally *tally, struct span span, size_t bucket, int sign)
{
	int64_t since = tally->query->buckets[0].since;

	for (int64_t at = span.since; at < span.until; at += SPAN_QUARTER) {
		assert_in_range((at - since) / SPAN_QUARTER, 0, QUARTERS - 1);
		tally->counts[(at - since) / SPAN_QUARTER][bucket] += sign;
	}
}

/* A row of the part that begins here; its end. */
static int64_t
count_row(struct tally *tally, const struct usage_part *part, int64_t at)
{
	const struct zone *zone = tally->query->zone;
	size_t into = part->into;
	struct span row = { at, at + (part->grain == USAGE_HOUR ? SPAN_HOUR : SPAN_QUARTER) };

	if (part->grain == USAGE_DAY)
		row.until = zone_day_start(zone, zone_date(zone, at) + 1);
	if (into == USAGE_BY_START || into == USAGE_BY_NOON)
		into =
		    usage_bucket_at(tally->query, at + (into == USAGE_BY_NOON ? CLOCK_DAY / 2 : 0));
	count(tally, row, into, 1);
	if (part->from != USAGE_NO_BUCKET)
		count(tally, row, part->from, -1);
	return row.until;
}

static void
expect_once(const struct tally *tally, const struct usage_changed *changed, const char *sentence)
{
	const struct span *buckets = tally->query->buckets;

	for (int64_t at = buckets[0].since; at < buckets[BUCKETS - 1].until; at += SPAN_QUARTER) {
		int64_t quarter = (at - buckets[0].since) / SPAN_QUARTER;
		bool gone = span_find(changed->at, changed->count, at) >= 0;

		for (size_t i = 0; i < BUCKETS; i++) {
			bool own = at >= buckets[i].since && at < buckets[i].until;

			if (tally->counts[quarter][i] != (own && !gone))
				fail_msg("%s: quarter %lld of bucket %zu", sentence,
				    (long long)quarter, i);
		}
	}
}

static void
make_buckets(struct task *task, size_t i, struct span *buckets)
{
	const struct zone *zone = zone_named(task, crossings[i].other);
	int32_t date;

	assert_true(
	    date_parse((struct text){ crossings[i].date, strlen(crossings[i].date) }, &date));
	for (size_t j = 0; j < BUCKETS; j++)
		buckets[j] = (struct span){ zone_day_start(zone, date + (int32_t)j),
			zone_day_start(zone, date + (int32_t)j + 1) };
}

static void
each_quarter_counts_once_in_its_bucket(void **state)
{
	for (size_t i = 0; i < COUNT(crossings); i++) {
		struct span buckets[BUCKETS];
		struct usage_query query = { .buckets = buckets,
			.bucket_count = BUCKETS,
			.zone = zone_named(*state, crossings[i].zone) };
		struct tally tally = { .query = &query };
		struct span at[1];
		struct usage_changed changed = { .at = at, .days_until = INT64_MAX };
		struct usage_parts parts;
		size_t lent = 0;

		make_buckets(*state, i, buckets);
		at[0] = (struct span){
			buckets[0].since + (int64_t)(crossings[i].changed * 4) * SPAN_QUARTER,
			buckets[0].since + (int64_t)(crossings[i].changed_until * 4) * SPAN_QUARTER
		};
		changed.count = at[0].until > at[0].since;
		assert_true(usage_divide(*state, &query, &changed, &parts));
		for (size_t j = 0; j < parts.count; j++) {
			const struct usage_part *part = &parts.at[j];

			for (int64_t row = part->span.since; row < part->span.until;
			     lent += part->from != USAGE_NO_BUCKET)
				row = count_row(&tally, part, row);
		}
		expect_once(&tally, &changed, crossings[i].sentence);
		if (lent != crossings[i].lent)
			fail_msg("%s: %zu", crossings[i].sentence, lent);
	}
}

static void
changes_are_clipped(UNUSED void **state)
{
	struct span at[] = { { AT(30) + 1, AT(31) - 1 }, { AT(0), AT(10) }, { AT(47), AT(60) } };
	struct usage_changed changed = { .at = at, .count = 3, .whole_from = AT(5) + 1 };

	usage_clip(&changed, (struct span)SPAN(2, 48));
	assert_int_equal(changed.count, 3);
	assert_int_equal(at[0].since, AT(5.25));
	assert_int_equal(at[0].until, AT(10));
	assert_int_equal(at[1].since, AT(30));
	assert_int_equal(at[1].until, AT(31));
	assert_int_equal(at[2].until, AT(48));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_has_not_changed_is_divided, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    each_quarter_counts_once_in_its_bucket, setup, teardown),
		cmocka_unit_test(changes_are_clipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
