#include <assert.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/usage_private.h"

void
usage_clip(struct usage_changed *changed, struct span range)
{
	int64_t least = span_ceil(changed->whole_from, SPAN_QUARTER);

	if (least < range.since)
		least = range.since;
	for (size_t i = 0; i < changed->count; i++) {
		struct span *span = &changed->at[i];

		span->since = span_floor(span->since, SPAN_QUARTER);
		span->until = span_ceil(span->until, SPAN_QUARTER);
		if (span->since < least)
			span->since = least;
		if (span->until > range.until)
			span->until = range.until;
	}
	changed->count = span_tidy(changed->at, changed->count);
}

void
usage_push(struct task *task, struct usage_parts *parts, struct usage_part part)
{
	if (parts->count == parts->room) {
		size_t room = parts->room == 0 ? 16 : 2 * parts->room;
		struct usage_part *at = arena_array(task->arena, room, sizeof(*at));

		if (parts->count > 0)
			memcpy(at, parts->at, parts->count * sizeof(*at));
		parts->at = at;
		parts->room = room;
	}
	parts->at[parts->count++] = part;
}

/* Parts of one grain that follow each other become one. */
static void
add_part(struct task *task, struct usage_parts *parts, enum usage_grain grain, int64_t since,
    int64_t until)
{
	struct usage_part *last = parts->count > 0 ? &parts->at[parts->count - 1] : NULL;

	if (last != NULL && last->grain == grain && last->span.until == since) {
		last->span.until = until;
		return;
	}
	usage_push(task, parts,
	    (struct usage_part){ grain, { since, until }, USAGE_BY_START, USAGE_NO_BUCKET });
}

/* The end of the client's whole days from here to the limit; since itself where there is none.
 * *ret_next: where the next day begins. */
static int64_t
end_of_days(const struct zone *zone, int64_t since, int64_t limit, int64_t *ret_next)
{
	int32_t date = zone_date(zone, since);
	int64_t end = since;

	*ret_next = zone_day_start(zone, date + 1);
	if (zone_day_start(zone, date) != since)
		return since;
	for (int64_t next = *ret_next; next <= limit; next = zone_day_start(zone, ++date + 1))
		end = next;
	return end;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One part from here to at most the limit; its end. */
static int64_t
divide_one(struct task *task, const struct usage_query *query, const struct usage_changed *changed,
    int64_t since, int64_t limit, struct usage_parts *parts)
{
	enum usage_grain grain = USAGE_QUARTER;
	int64_t end, next_day = limit;

	if (since >= changed->days_from && since < changed->days_until &&
	    query->coarsest <= USAGE_DAY) {
		end = end_of_days(query->zone, since, least(limit, changed->days_until), &next_day);
		if (end > since) {
			add_part(task, parts, USAGE_DAY, since, end);
			return end;
		}
	}
	limit = least(limit, next_day);
	end = least(limit, span_floor(since, SPAN_HOUR) + SPAN_HOUR);
	if (query->coarsest <= USAGE_HOUR && since % SPAN_HOUR == 0 &&
	    span_floor(limit, SPAN_HOUR) > since) {
		end = span_floor(limit, SPAN_HOUR);
		grain = USAGE_HOUR;
	}
	add_part(task, parts, grain, since, end);
	return end;
}

/* Hours that are gone cannot be read. */
static bool
has_hours(const struct usage_parts *parts, size_t from, const struct usage_changed *changed)
{
	for (size_t i = from; i < parts->count; i++) {
		const struct usage_part *part = &parts->at[i];

		if (part->grain != USAGE_DAY && part->span.since < changed->hours_from)
			return false;
	}
	return true;
}

bool
usage_divide_span(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct span span, struct usage_parts *parts)
{
	size_t first = parts->count;

	for (int64_t at = span.since; at < span.until;) {
		int64_t found = span_find(changed->at, changed->count, at);
		int64_t limit = span.until;

		if (found >= 0) {
			at = found;
			continue;
		}
		if (found != INT64_MIN)
			limit = least(limit, ~found);
		at = divide_one(task, query, changed, at, limit, parts);
	}
	/* The first may have been added to the last one. */
	return has_hours(parts, first > 0 ? first - 1 : 0, changed) ||
	       usage_fail(task, query,
		   "is in a time of which only the client's own days are kept, not hours");
}

/* What a question is divided into. */
struct division {
	struct task *task;
	const struct usage_query *query;
	const struct usage_changed *changed;
	struct usage_parts whole, days,
	    lent; /* as usual; days that lie in two buckets; see above */
};

size_t
usage_bucket_at(const struct usage_query *query, int64_t at)
{
	size_t low = 0, high = query->bucket_count - 1;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (query->buckets[middle].since <= at)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static bool
is_unchanged(const struct usage_changed *changed, struct span span)
{
	int64_t found = span_find(changed->at, changed->count, span.since);

	return found == INT64_MIN || (found < 0 && ~found >= span.until);
}

static bool
is_asked(const struct usage_query *query, struct span span)
{
	return span.since >= query->buckets[0].since &&
	       span.until <= query->buckets[query->bucket_count - 1].until;
}

/* Whether the day is better read as one, and what is not of its noon's bucket by hour. */
static bool
is_worth(const struct division *division, struct span day, const struct span *noon)
{
	const struct usage_changed *changed = division->changed;
	int64_t kept =
	    least(day.until, noon->until) - (day.since > noon->since ? day.since : noon->since);

	return division->query->coarsest <= USAGE_DAY && 2 * kept > day.until - day.since &&
	       day.since >= changed->days_from && day.until <= changed->days_until &&
	       is_asked(division->query, day) && is_unchanged(changed, day);
}

/* Three quarters of an hour that are lent are the hour without the fourth, if that is to be had. */
static void
lend_back(
    struct division *division, const struct usage_part *lent, struct span fourth, int64_t *end)
{
	if (fourth.until - fourth.since != SPAN_QUARTER ||
	    fourth.since < division->changed->hours_from || !is_asked(division->query, fourth) ||
	    !is_unchanged(division->changed, fourth))
		return;
	usage_push(division->task, &division->lent,
	    (struct usage_part){ USAGE_QUARTER, fourth, .into = lent->from, .from = lent->into });
	*end = *end == fourth.until ? fourth.since : fourth.until;
}

static bool
divide_lent(struct division *division, struct span span, size_t from)
{
	struct usage_query hours = *division->query;
	struct usage_part lent = { .into = usage_bucket_at(&hours, span.since), .from = from };
	struct usage_parts parts = { 0 };

	if (span.since >= span.until)
		return true;
	if (lent.into == usage_bucket_at(&hours, span.until - 1)) {
		struct span before = { span_floor(span.since, SPAN_HOUR), span.since };
		struct span behind = { span.until, span_ceil(span.until, SPAN_HOUR) };

		lend_back(division, &lent, before, &span.since);
		lend_back(division, &lent, behind, &span.until);
	} else {
		lent.into = USAGE_BY_START;
	}
	hours.coarsest = USAGE_HOUR;
	if (!usage_divide_span(division->task, &hours, division->changed, span, &parts))
		return false;
	for (size_t i = 0; i < parts.count; i++) {
		lent.grain = parts.at[i].grain;
		lent.span = parts.at[i].span;
		usage_push(division->task, &division->lent, lent);
	}
	return true;
}

/* A day of which some lies before noon's bucket, or behind it. */
static bool
divide_day(struct division *division, struct span day, size_t noon)
{
	const struct span *bucket = &division->query->buckets[noon];

	if (!usage_divide_span(
		division->task, division->query, division->changed, day, &division->days) ||
	    !divide_lent(division, (struct span){ day.since, bucket->since }, noon) ||
	    !divide_lent(division, (struct span){ bucket->until, day.until }, noon))
		return false;
	assert(division->days.count > 0);
	division->days.at[division->days.count - 1].into = USAGE_BY_NOON;
	return true;
}

/* From here to the end of the bucket, or of a day that begins in it and is worth it; that end. */
static bool
divide_bucket(struct division *division, struct span bucket, int64_t *ret_end)
{
	const struct usage_query *query = division->query;
	int32_t date = zone_date(query->zone, bucket.until);
	struct span day = { zone_day_start(query->zone, date),
		zone_day_start(query->zone, date + 1) };
	size_t noon = usage_bucket_at(query, day.since + CLOCK_DAY / 2);

	*ret_end = bucket.until;
	if (day.since >= bucket.since && day.since < bucket.until &&
	    is_worth(division, day, &query->buckets[noon])) {
		if (!divide_day(division, day, noon))
			return false;
		*ret_end = day.until;
		bucket.until = day.since;
	}
	return usage_divide_span(
	    division->task, query, division->changed, bucket, &division->whole);
}

bool
usage_divide(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct usage_parts *ret)
{
	struct division division = { .task = task, .query = query, .changed = changed };
	int64_t at = query->buckets[0].since;

	for (size_t i = 0; i < query->bucket_count; i++) {
		struct span bucket = { at, query->buckets[i].until };

		if (bucket.since < bucket.until && !divide_bucket(&division, bucket, &at))
			return false;
	}
	*ret = division.whole;
	for (size_t i = 0; i < division.days.count; i++)
		usage_push(task, ret, division.days.at[i]);
	for (size_t i = 0; i < division.lent.count; i++)
		usage_push(task, ret, division.lent.at[i]);
	return true;
}
