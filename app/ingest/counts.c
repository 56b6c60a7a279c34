#include "app/ingest/counts.h"

#include "app/metrics.h"
#include "lib/buf.h"
#include "lib/clock.h"

/* How often a client's next epoch is tried before its part goes past the counters. */
#define ANNOUNCE_TRIES 4

/* Whether the row counts in the open day of its client. */
static bool
is_open_day(const struct counts *counts, const struct count_row *row)
{
	return row->day == counts->parts[row->part].state.day;
}

static void
sum_part(struct counts *counts, size_t part, const struct count_row *rows, size_t row_count)
{
	counts->parts[part].totals = (struct totals){ 0 };
	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].part == part && is_open_day(counts, &rows[i]))
			totals_add(&counts->parts[part].totals, &rows[i].totals);
	}
}

static bool
find_state(struct task *task, struct counts *counts, size_t part)
{
	struct counter_part *p = &counts->parts[part];

	task->client = p->client;
	return counter_state(task, counts->book, counts->zones[part], &p->state);
}

/* One more try for a part whose epoch is over or lost. */
static bool
announce_again(struct task *task, struct counts *counts, size_t part, struct id batch,
    const struct count_row *rows, size_t row_count)
{
	struct counter_part *p = &counts->parts[part];

	if (p->answer == COUNTER_OVER) {
		counter_book_forget(counts->book, p->client);
		if (!find_state(task, counts, part))
			return false;
	} else {
		task->client = p->client;
		metrics_add(METRIC_COUNTER_EPOCHS, 1);
		if (!counter_open(task, counts->book, counts->zones[part], &p->state))
			return false;
	}
	sum_part(counts, part, rows, row_count);
	p->answer = p->state.bypassed ? COUNTER_AWAY : COUNTER_OK;
	counter_announce(task, batch, p, 1);
	return true;
}

/* "{2026-01-31,…}" of the days that flush has to sum again; NULL where there is none. */
static const char *
late_days(struct task *task, const struct counts *counts, size_t part, const struct count_row *rows,
    size_t row_count)
{
	bool announced = counts->parts[part].answer == COUNTER_OK;
	struct buf buf = { .arena = task->arena };
	char text[DATE_TEXT_SIZE];
	int32_t last = INT32_MIN;

	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].part != part || rows[i].day == last ||
		    (announced && is_open_day(counts, &rows[i])))
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
		struct counter_part *p = &counts->parts[i];

		if (!find_state(task, counts, i))
			return false;
		sum_part(counts, i, rows, row_count);
		p->answer = p->state.bypassed ? COUNTER_AWAY : COUNTER_OK;
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
			metrics_add(METRIC_REDIS_FAILURES, 1);
		counts->clients[i] = (struct batch_client){
			.client = p->client,
			.epoch = p->state.epoch,
			.announced = p->answer == COUNTER_OK,
			.late_days = late_days(task, counts, i, rows, row_count),
		};
	}
	return true;
}

/* users: room for those of every row. */
static void
collect_stored(struct counts *counts, size_t part, struct id *users, const struct count_row *rows,
    const struct batch_row *outcomes, size_t row_count)
{
	struct counter_part *p = &counts->parts[part];

	p->totals = (struct totals){ 0 };
	p->users = users;
	p->user_count = 0;
	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].part != part || outcomes[i].outcome != BATCH_STORED ||
		    !is_open_day(counts, &rows[i]))
			continue;
		totals_add(&p->totals, &rows[i].totals);
		if (!id_is_nil(rows[i].user))
			users[p->user_count++] = rows[i].user;
	}
}

void
counts_confirm(struct task *task, struct counts *counts, struct id batch,
    const struct count_row *rows, const struct batch_row *outcomes, size_t row_count)
{
	struct id *users = arena_array(task->arena, row_count, sizeof(*users));

	for (size_t i = 0; i < counts->count; i++) {
		struct counter_part *p = &counts->parts[i];

		if (p->answer == COUNTER_OK)
			collect_stored(counts, i, users, rows, outcomes, row_count);
		else
			counter_book_doubt(counts->book, p->client, &p->state);
		users += p->user_count;
	}
	counter_confirm(task, batch, counts->parts, counts->count);
	for (size_t i = 0; i < counts->count; i++) {
		struct counter_part *p = &counts->parts[i];

		/* The announcement is gone, the commit is not: only another epoch can hold it. */
		if (p->answer != COUNTER_LOST)
			continue;
		task->client = p->client;
		metrics_add(METRIC_COUNTER_EPOCHS, 1);
		if (!counter_open(task, counts->book, counts->zones[i], &p->state)) {
			counter_book_forget(counts->book, p->client);
			task_clear_error(task);
		}
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
	for (size_t i = 0; i < counts->count; i++)
		counter_book_doubt(counts->book, counts->parts[i].client, &counts->parts[i].state);
}

void
counts_forget(struct counts *counts)
{
	for (size_t i = 0; i < counts->count; i++)
		counter_book_forget(counts->book, counts->parts[i].client);
}
