#include <string.h>

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
	if (parts->count == parts->room) {
		size_t room = parts->room == 0 ? 16 : 2 * parts->room;
		struct usage_part *at = arena_array(task->arena, room, sizeof(*at));

		if (parts->count > 0)
			memcpy(at, parts->at, parts->count * sizeof(*at));
		parts->at = at;
		parts->room = room;
	}
	parts->at[parts->count++] = (struct usage_part){ grain, { since, until } };
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

bool
usage_divide(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct usage_parts *ret)
{
	*ret = (struct usage_parts){ 0 };
	for (size_t i = 0; i < query->bucket_count; i++) {
		if (!usage_divide_span(task, query, changed, query->buckets[i], ret))
			return false;
	}
	return true;
}
