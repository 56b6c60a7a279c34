#include "app/ingest/counts.h"

#include <string.h>

#include "app/ingest/sums.h"
#include "app/metrics.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/model/late_days.h"

/* How often a client's next epoch is tried before its part goes past the counters. */
#define ANNOUNCE_TRIES 4

static void
add_places(struct task *task, struct sums *sums, const struct counter_part *part,
    const struct chat_log *log)
{
	struct budget_call call = budget_call_of_log(log);
	struct budget_places places =
	    budget_set_places(task, part->state.budgets, &call, log->created_at);

	for (size_t i = 0; i < places.count; i++) {
		struct counter_sum sum;

		/* Not by the window's end: a slot of a rolling one counts in those that follow. */
		if (places.at[i].expires_at_s < task->now / CLOCK_SECOND)
			continue;
		sum = counter_place_sum(task, &places.at[i]);
		sums_add(sums, &sum);
	}
}

/* Of the rows, or of those that were stored where outcomes is not NULL. */
static struct counter_sums
sum_part(struct task *task, const struct counts *counts, size_t part, const struct count_row *rows,
    const struct batch_row *outcomes, size_t row_count)
{
	const struct counter_part *p = &counts->parts[part];
	struct totals days[COUNTER_DAYS] = { 0 };
	struct sums *sums = sums_new(task);

	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].part != part ||
		    (outcomes != NULL && outcomes[i].outcome != BATCH_STORED))
			continue;
		if (counter_counts_day(&p->state, rows[i].day))
			totals_add(&days[rows[i].day - p->state.day], &rows[i].totals);
		if (p->state.budgets != NULL)
			add_places(task, sums, p, rows[i].log);
	}
	for (int32_t d = 0; d < COUNTER_DAYS; d++) {
		struct counter_sum sum;

		if (days[d].at[TOTAL_REQUESTS] == 0)
			continue;
		sum = counter_day_sum(task, counts->zones[part], p->state.day + d, &days[d]);
		sums_add(sums, &sum);
	}
	return sums_get(sums);
}

static bool
find_state(struct task *task, struct counts *counts, size_t part)
{
	struct counter_part *p = &counts->parts[part];

	task->client = p->client;
	if (!counter_state(task, counts->book, counts->zones[part], &p->state))
		return false;
	p->answer = p->state.bypassed ? COUNTER_AWAY : COUNTER_OK;
	return true;
}

bool
counts_find(struct task *task, struct counts *counts)
{
	for (size_t i = 0; i < counts->count; i++) {
		if (!find_state(task, counts, i))
			return false;
	}
	return true;
}

bool
counts_replace(struct task *task, struct counts *counts, size_t part, enum counter_answer answer)
{
	struct counter_part *p = &counts->parts[part];

	task->client = p->client;
	if (answer == COUNTER_OVER) {
		counter_book_forget(counts->book, p->client);
		return find_state(task, counts, part);
	}
	metrics_add(METRIC_COUNTER_EPOCHS, 1);
	if (!counter_open(task, counts->book, counts->zones[part], &p->state))
		return false;
	p->answer = COUNTER_OK;
	return true;
}

/* One more try for a part whose epoch is over or lost. */
static bool
announce_again(struct task *task, struct counts *counts, size_t part, struct id batch,
    const struct count_row *rows, size_t row_count)
{
	struct counter_part *p = &counts->parts[part];

	if (!counts_replace(task, counts, part, p->answer))
		return false;
	p->announced = sum_part(task, counts, part, rows, NULL, row_count);
	counter_announce(task, batch, p, 1);
	return true;
}

/* Whether the rollups find the record without its day being named. */
static bool
is_recent(struct id batch, const struct chat_log *log)
{
	int64_t made = id_time(batch);

	return log->created_at >= made - BATCH_RECENT_USEC &&
	       log->created_at < made + BATCH_AHEAD_USEC;
}

/* "{2026-01-31,…}" of the days to be summed again: by flush, unless the counters have them, and by
 * rollup. NULL where there is none. */
static const char *
late_days(struct task *task, const struct counts *counts, size_t part, struct id batch,
    const struct count_row *rows, size_t row_count)
{
	const struct counter_part *p = &counts->parts[part];
	struct buf buf = { .arena = task->arena };
	char text[DATE_TEXT_SIZE];
	int32_t last = INT32_MIN;

	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].part != part || rows[i].day == last ||
		    (p->answer == COUNTER_OK && rows[i].day == p->state.day &&
			is_recent(batch, rows[i].log)))
			continue;
		last = rows[i].day;
		buf_puts(&buf, buf.len == 0 ? "{" : ",");
		buf_puts(&buf, date_format(last, text));
	}
	if (buf.len == 0)
		return NULL;
	buf_putc(&buf, '}');
	return buf.at;
}

bool
counts_announce(struct task *task, struct counts *counts, struct id batch,
    const struct count_row *rows, size_t row_count)
{
	for (size_t i = 0; i < counts->count; i++) {
		counts->parts[i].idle = !counts->used[i];
		counts->parts[i].announced = sum_part(task, counts, i, rows, NULL, row_count);
	}
	counter_announce(task, batch, counts->parts, counts->count);
	for (size_t i = 0; i < counts->count; i++) {
		struct counter_part *p = &counts->parts[i];

		for (int try = 0; try < ANNOUNCE_TRIES; try++) {
			if (p->answer == COUNTER_OK || p->answer == COUNTER_AWAY)
				break;
			if (!announce_again(task, counts, i, batch, rows, row_count))
				return false;
		}
		if (p->answer != COUNTER_OK)
			p->answer = COUNTER_AWAY;
	}
	return true;
}

void
counts_mark(struct task *task, const struct counts *counts, const struct count_row *rows,
    size_t row_count, struct batch *batch)
{
	batch->clients = arena_array(task->arena, counts->count, sizeof(*batch->clients));
	batch->client_count = 0;
	for (size_t i = 0; i < counts->count; i++) {
		const struct counter_part *p = &counts->parts[i];

		if (!counts->used[i])
			continue;
		if (p->answer != COUNTER_OK)
			metrics_add(METRIC_REDIS_FAILURES, 1);
		batch->clients[batch->client_count++] = (struct batch_client){
			.client = p->client,
			.epoch = p->state.epoch,
			.day = p->state.day,
			.announced = p->answer == COUNTER_OK,
			.late_days = late_days(task, counts, i, batch->id, rows, row_count),
		};
	}
}

/* What the part's rows are after their commit. users and settled: room for those of every row. */
static void
collect_stored(struct task *task, struct counts *counts, size_t part, struct id *users,
    struct id *settled, const struct count_row *rows, const struct batch_row *outcomes,
    size_t row_count)
{
	struct counter_part *p = &counts->parts[part];

	p->differs = false;
	p->settled = settled;
	p->settled_count = 0;
	for (int32_t d = 0; d < COUNTER_DAYS; d++)
		p->users[d] =
		    (struct counter_users){ p->state.day + d, users + (size_t)d * row_count, 0 };
	for (size_t i = 0; i < row_count; i++) {
		int32_t d = rows[i].day - p->state.day;

		if (rows[i].part != part)
			continue;
		if (outcomes[i].outcome != BATCH_STORED) {
			p->differs = true;
			continue;
		}
		if (!id_is_nil(rows[i].log->authorization_id))
			settled[p->settled_count++] = rows[i].log->authorization_id;
		if (counter_counts_day(&p->state, rows[i].day) && !id_is_nil(rows[i].log->user_id))
			users[(size_t)d * row_count + p->users[d].count++] = rows[i].log->user_id;
	}
	if (p->differs)
		p->stored = sum_part(task, counts, part, rows, outcomes, row_count);
}

/* The announcement is gone, the commit is not: only another epoch can hold it. */
static void
open_lost(struct task *task, struct counts *counts, size_t part)
{
	struct counter_part *p = &counts->parts[part];

	task->client = p->client;
	metrics_add(METRIC_COUNTER_EPOCHS, 1);
	if (!counter_open(task, counts->book, counts->zones[part], &p->state)) {
		counter_book_forget(counts->book, p->client);
		task_clear_error(task);
	}
}

void
counts_confirm(struct task *task, struct counts *counts, struct id batch,
    const struct count_row *rows, const struct batch_row *outcomes, size_t row_count,
    struct redis_commands more)
{
	for (size_t i = 0; i < counts->count; i++) {
		struct counter_part *p = &counts->parts[i];
		struct id *users, *settled;

		if (!counts->used[i])
			continue;
		if (p->answer != COUNTER_OK) {
			counter_book_doubt(counts->book, p->client, &p->state);
			continue;
		}
		users = arena_array(task->arena, COUNTER_DAYS * row_count, sizeof(*users));
		settled = arena_array(task->arena, row_count, sizeof(*settled));
		collect_stored(task, counts, i, users, settled, rows, outcomes, row_count);
	}
	counter_confirm(task, batch, counts->parts, counts->count, more);
	for (size_t i = 0; i < counts->count; i++) {
		if (!counts->parts[i].idle && counts->parts[i].answer == COUNTER_LOST)
			open_lost(task, counts, i);
	}
}

void
counts_drop(struct task *task, struct counts *counts, struct id batch)
{
	/* Why the transaction failed is what the requests are told, also when Redis is away. */
	struct err why = task->err;

	counter_drop(task, batch, counts->parts, counts->count);
	task->err = why;
}

void
counts_doubt(struct counts *counts)
{
	for (size_t i = 0; i < counts->count; i++) {
		if (counts->used[i])
			counter_book_doubt(
			    counts->book, counts->parts[i].client, &counts->parts[i].state);
	}
}

void
counts_forget(struct counts *counts)
{
	for (size_t i = 0; i < counts->count; i++)
		counter_book_forget(counts->book, counts->parts[i].client);
}
