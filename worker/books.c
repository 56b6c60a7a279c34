#include "worker/books.h"

#include "lib/buf.h"
#include "lib/model/counter_day.h"
#include "lib/model/counter_peek.h"
#include "lib/model/day.h"
#include "lib/model/late_days.h"

static const char *const total_names[TOTAL_COUNT] = {
	[TOTAL_COST] = "cost",
	[TOTAL_REQUESTS] = "requests",
	[TOTAL_TOKENS] = "tokens",
	[TOTAL_INPUT] = "input_tokens",
	[TOTAL_OUTPUT] = "output_tokens",
	[TOTAL_CACHED] = "cached_input_tokens",
	[TOTAL_CACHE_WRITE] = "cache_write_tokens",
	[TOTAL_REASONING] = "reasoning_tokens",
	[TOTAL_FAILED] = "failed_requests",
	[TOTAL_UNPRICED] = "unpriced_requests",
};

static bool
read_stored(struct task *task, int32_t date, struct books *books)
{
	struct daily_costs days;

	if (!daily_cost_list(task, date, date, &days))
		return false;
	if (days.count > 0)
		books->stored = days.at[0];
	books->stored.date = date;
	books->closed = books->stored.closed_at != 0;
	return true;
}

/*
 * Whether the row says more than the log. Users do not count: the log forgets who called when a
 * person is erased, the day keeps their number.
 */
static bool
is_above(const struct books *books)
{
	return totals_exceed(&books->stored.totals, &books->log.totals);
}

static bool
is_below(const struct books *books)
{
	return totals_exceed(&books->log.totals, &books->stored.totals) ||
	       books->log.unique_users > books->stored.unique_users;
}

/* What came after the closing stands beside the day, as an adjustment. */
static bool
is_booked_beside(const struct books *books)
{
	int64_t booked;

	if (__builtin_add_overflow(
		books->stored.totals.at[TOTAL_COST], books->stored.adjustments_nanos, &booked))
		booked = INT64_MAX;
	return books->closed && books->log.totals.at[TOTAL_COST] <= booked;
}

static enum books_verdict
judge(const struct books *books)
{
	if (!is_above(books) && !is_below(books))
		return BOOKS_EQUAL;
	if (books->closed && !is_below(books))
		return BOOKS_GONE;
	if (is_above(books))
		return BOOKS_DRIFT;
	if (books->late)
		return BOOKS_LATE;
	if (is_booked_beside(books))
		return BOOKS_EQUAL;
	return books->open ? BOOKS_EQUAL : BOOKS_DRIFT;
}

/*
 * The order is what makes it exact without stopping the records: the day's lock keeps flush away,
 * so a record that the log shows and the row lacks is either of the open day, or its batch still
 * asks for the day to be summed. A day that ends is asked for in the transaction that ends it, so
 * the question whether it is open comes before the one whether it is late.
 */
bool
books_read(struct task *task, const struct zone *zone, int32_t date, struct books *ret)
{
	struct books books = { .date = date };

	if (!day_lock(task) || !read_stored(task, date, &books) ||
	    !daily_cost_sum(task, zone, date, &books.log) ||
	    !day_is_open(task, date, &books.open) || !late_days_pending(task, date, &books.late))
		return false;
	books.verdict = judge(&books);
	*ret = books;
	return true;
}

/*
 * What was confirmed before the log was summed is in the log; what the log holds was at least
 * announced when it had been summed. A batch's users are told with its confirmation.
 */
bool
books_counter_drifts(
    const struct books *books, const struct counter_day *before, const struct counter_day *after)
{
	struct totals most = after->confirmed;

	if (before->from_postgres || after->from_postgres || before->date != books->date ||
	    after->date != books->date)
		return false;
	totals_add(&most, &after->pending);
	return totals_exceed(&before->confirmed, &books->log.totals) ||
	       totals_exceed(&books->log.totals, &most) ||
	       (after->pending.at[TOTAL_REQUESTS] == 0 && books->log.unique_users > after->users);
}

bool
books_today(struct task *task, const struct zone *zone, struct counter_day *ret)
{
	int32_t today = zone_date(zone, task->now);
	struct daily_cost day;

	if (!counter_peek(task, ret))
		return false;
	if (!ret->from_postgres && ret->date == today)
		return true;
	if (!daily_cost_sum(task, zone, today, &day) || !db_commit(task))
		return false;
	*ret = (struct counter_day){
		.date = today,
		.confirmed = day.totals,
		.users = day.unique_users,
		.from_postgres = true,
	};
	return true;
}

int64_t
books_drift_nanos(const struct totals *log, const struct totals *other)
{
	int64_t drift = log->at[TOTAL_COST] - other->at[TOTAL_COST];

	return drift < 0 ? -drift : drift;
}

static const char *
differing(struct task *task, const struct totals *a, int64_t a_users, const struct totals *b,
    int64_t b_users)
{
	struct buf buf = { .arena = task->arena };

	for (int i = 0; i < TOTAL_COUNT; i++) {
		if (a->at[i] != b->at[i])
			buf_printf(&buf, "%s%s", buf.len > 0 ? " " : "", total_names[i]);
	}
	if (a_users != b_users)
		buf_printf(&buf, "%s%s", buf.len > 0 ? " " : "", "unique_users");
	return buf.at;
}

void
books_print(struct command_context *context, const struct tenant *tenant, const struct books *books,
    enum book book, const struct counter_day *counted, bool healed)
{
	bool counter = book == BOOK_COUNTER;
	const struct totals *other = counter ? &counted->confirmed : &books->stored.totals;
	int64_t users = counter ? counted->users : books->stored.unique_users;
	struct output_line line = output_line(context, "difference");

	output_id(&line, "client", tenant->id);
	output_text(&line, "name", tenant->name);
	output_date(&line, "date", books->date);
	output_text(&line, "book", counter ? "counter" : "daily_costs");
	output_text(&line, "members",
	    differing(context->task, &books->log.totals, books->log.unique_users, other, users));
	output_cents(&line, "log_cents", books->log.totals.at[TOTAL_COST]);
	output_cents(&line, "book_cents", other->at[TOTAL_COST]);
	output_int(&line, "log_requests", books->log.totals.at[TOTAL_REQUESTS]);
	output_int(&line, "book_requests", other->at[TOTAL_REQUESTS]);
	output_bool(&line, "explained", !counter && books->verdict == BOOKS_LATE);
	output_bool(&line, "healed", healed);
	output_print(&line);
}
