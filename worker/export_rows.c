#include "worker/export_rows.h"

#include "lib/failpoint.h"
#include "lib/model/chat_log.h"
#include "lib/model/day.h"
#include "lib/model/focus.h"
#include "lib/model/rollup.h"
#include "lib/model/usage_hour.h"
#include "worker/export_audit.h"

#define ADJUSTMENTS 200

/* A file while its rows are written. */
struct run {
	struct task *task;
	const struct tenant *tenant;
	enum row_form form;
	int32_t date;
	struct span day;
	struct export_file *file;
	struct export_written written;
};

static struct span
day_of(const struct tenant *tenant, int32_t date)
{
	return (struct span){ zone_day_start(tenant->zone, date),
		zone_day_start(tenant->zone, date + 1) };
}

bool
export_rows_next(struct task *task, const struct tenant *tenant, enum export_what what,
    int32_t from, bool *ret_any, int32_t *ret_date)
{
	bool adjusted;
	int32_t date;

	if (what == EXPORT_AUDIT)
		return export_audit_next(task, tenant->zone, from, ret_any, ret_date);
	if (!day_next(task, tenant->zone, from, ret_any, ret_date))
		return false;
	if (what != EXPORT_FOCUS)
		return true;
	/* A day may have adjustments and nothing else. */
	if (!adjustment_next(task, from, &adjusted, &date))
		return false;
	if (adjusted && (!*ret_any || date < *ret_date))
		*ret_date = date;
	*ret_any = *ret_any || adjusted;
	return true;
}

static bool
find_usage(struct task *task, const struct tenant *tenant, struct span bucket,
    enum usage_grain grain, const enum usage_dimension *by, struct usage_rows *ret)
{
	struct usage_query query = {
		.buckets = &bucket,
		.bucket_count = 1,
		.zone = tenant->zone,
		.timezone = tenant->timezone,
		.coarsest = grain,
		.rows_max = INT32_MAX - 1,
	};

	*ret = (struct usage_rows){ 0 };
	/* A date that the zone never had. */
	if (bucket.since >= bucket.until)
		return true;
	for (; by != NULL && query.by_count < USAGE_KEYS_MAX; query.by_count++)
		query.by[query.by_count] = by[query.by_count];
	return usage_find(task, &query, ret);
}

static void
add_cost(int64_t *sum, int64_t nanos)
{
	if (__builtin_add_overflow(*sum, nanos, sum))
		*sum = nanos < 0 ? INT64_MIN : INT64_MAX;
}

static bool
sum_records(struct task *task, const struct tenant *tenant, int32_t date, struct totals *totals,
    struct export_source *ret)
{
	struct daily_costs booked;
	struct daily_cost log;
	struct rollup_bounds bounds;

	if (!rollup_find_bounds(task, &bounds) || !daily_cost_list(task, date, date, &booked) ||
	    !daily_cost_sum(task, tenant->zone, date, &log))
		return false;
	ret->gone = day_of(tenant, date).since < bounds.whole_from;
	ret->calls_booked = booked.count > 0 ? booked.at[0].totals.at[TOTAL_REQUESTS] : 0;
	*totals = log.totals;
	return true;
}

static bool
sum_usage(struct task *task, const struct tenant *tenant, int32_t date, struct totals *totals)
{
	struct usage_rows rows;

	if (!find_usage(task, tenant, day_of(tenant, date), USAGE_DAY, NULL, &rows))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		totals_add(totals, &rows.at[i].totals);
	return true;
}

static bool
sum_adjustments(struct task *task, int32_t date, struct export_sums *sums)
{
	struct adjustments page;
	struct id after = { 0 };

	do {
		if (!adjustment_list(task, date, after, ADJUSTMENTS, &page))
			return false;
		for (size_t i = 0; i < page.count; i++)
			add_cost(&sums->adjustments_nanos, page.at[i].amount_nanos);
		sums->adjustments += (int64_t)page.count;
		if (page.count > 0)
			after = page.at[page.count - 1].id;
	} while (page.count == ADJUSTMENTS);
	add_cost(&sums->cost_nanos, sums->adjustments_nanos);
	return true;
}

bool
export_rows_sum(struct task *task, const struct tenant *tenant, enum export_what what, int32_t date,
    struct export_source *ret)
{
	struct totals totals = { 0 };
	bool ok;

	*ret = (struct export_source){ 0 };
	if (what == EXPORT_AUDIT)
		return export_audit_sum(task, day_of(tenant, date), &ret->sums);
	if (what == EXPORT_RECORDS)
		ok = sum_records(task, tenant, date, &totals, ret);
	else
		ok = sum_usage(task, tenant, date, &totals);
	ret->sums.calls = totals.at[TOTAL_REQUESTS];
	ret->sums.tokens = totals.at[TOTAL_TOKENS];
	ret->sums.cost_nanos = totals.at[TOTAL_COST];
	return ok && (what != EXPORT_FOCUS || sum_adjustments(task, date, &ret->sums));
}

static bool
put(struct run *run, const struct buf *buf, int64_t rows)
{
	run->written.rows += rows;
	return buf->len == 0 || export_file_add(run->task, run->file, buf_text(buf));
}

static void
write_record(struct run *run, struct buf *buf, const struct chat_log *log)
{
	if (run->form == ROW_CSV) {
		chat_log_csv_row(buf, log);
	} else {
		chat_log_write(json_out_new(buf), log);
		buf_putc(buf, '\n');
	}
	add_cost(&run->written.cost_nanos, chat_log_cost(log));
}

static bool
write_records(struct run *run)
{
	struct db_cursor *cursor;
	struct arena_mark mark;
	struct chat_logs logs;

	if (!chat_log_walk(run->task, run->day.since, run->day.until, &cursor))
		return false;
	mark = arena_mark(run->task->arena);
	do {
		struct buf buf = { .arena = run->task->arena };

		if (!chat_log_next(run->task, cursor, &logs))
			return false;
		for (size_t i = 0; i < logs.count; i++)
			write_record(run, &buf, &logs.at[i]);
		if (!put(run, &buf, (int64_t)logs.count))
			return false;
		FAILPOINT("export-rows");
		arena_undo(run->task->arena, mark);
	} while (logs.count > 0);
	return true;
}

static bool
write_hour(struct run *run, struct span hour, enum usage_grain grain)
{
	struct buf buf = { .arena = run->task->arena };
	struct usage_groups groups;
	struct usage_rows rows;
	struct row row;

	if (!find_usage(run->task, run->tenant, hour, grain, usage_hour_dimensions, &rows))
		return false;
	usage_group(run->task, &rows, SIZE_MAX, &groups);
	for (size_t i = 0; i < groups.count; i++) {
		row_begin(&row, run->form, &buf);
		usage_hour_write(&row, run->tenant->id, hour, &groups.at[i]);
		add_cost(&run->written.cost_nanos, groups.at[i].totals.at[TOTAL_COST]);
	}
	return put(run, &buf, (int64_t)groups.count);
}

/* Hours of the client's day; where its length is no number of hours, the last one is shorter. The
 * day is one where its hours are not kept any more. */
static bool
write_hours(struct run *run)
{
	struct span hour = { .since = run->day.since };
	struct rollup_bounds bounds;

	if (!rollup_find_bounds(run->task, &bounds))
		return false;
	if (run->day.since < bounds.hours_from)
		return write_hour(run, run->day, USAGE_DAY);
	for (; hour.since < run->day.until; hour.since = hour.until) {
		struct arena_mark mark = arena_mark(run->task->arena);

		hour.until = hour.since + SPAN_HOUR;
		if (hour.until > run->day.until)
			hour.until = run->day.until;
		if (!write_hour(run, hour, USAGE_HOUR))
			return false;
		FAILPOINT("export-rows");
		arena_undo(run->task->arena, mark);
	}
	return true;
}

static struct focus_bill
bill_of(const struct run *run)
{
	return (struct focus_bill){
		.client = run->tenant->id,
		.client_name = run->tenant->name,
		.day = { run->day.since, run->day.until },
		.month = period_window(PERIOD_MONTH, run->tenant->zone, run->day.since, 0),
	};
}

static bool
write_charges(struct run *run, const struct focus_bill *bill)
{
	struct buf buf = { .arena = run->task->arena };
	struct usage_groups groups;
	struct usage_rows rows;
	struct row row;

	if (!find_usage(run->task, run->tenant, run->day, USAGE_DAY, focus_dimensions, &rows))
		return false;
	usage_group(run->task, &rows, SIZE_MAX, &groups);
	for (size_t i = 0; i < groups.count; i++) {
		row_begin(&row, run->form, &buf);
		focus_write_usage(&row, bill, &groups.at[i]);
		add_cost(&run->written.cost_nanos, groups.at[i].totals.at[TOTAL_COST]);
	}
	FAILPOINT("export-rows");
	return put(run, &buf, (int64_t)groups.count);
}

static bool
write_adjustments(struct run *run, const struct focus_bill *bill)
{
	struct buf buf = { .arena = run->task->arena };
	struct adjustments page;
	struct id after = { 0 };
	struct row row;

	do {
		if (!adjustment_list(run->task, run->date, after, ADJUSTMENTS, &page))
			return false;
		for (size_t i = 0; i < page.count; i++) {
			row_begin(&row, run->form, &buf);
			focus_write_adjustment(&row, bill, &page.at[i]);
			add_cost(&run->written.cost_nanos, page.at[i].amount_nanos);
			after = page.at[i].id;
		}
		run->written.rows += (int64_t)page.count;
	} while (page.count == ADJUSTMENTS);
	return put(run, &buf, 0);
}

static bool
write_head(struct run *run, enum export_what what)
{
	static const struct usage_group nothing;
	struct buf buf = { .arena = run->task->arena };
	struct row row;

	row_begin(&row, ROW_HEAD, &buf);
	if (what == EXPORT_RECORDS)
		chat_log_csv_head(&buf);
	else if (what == EXPORT_USAGE)
		usage_hour_write(&row, run->tenant->id, run->day, &nothing);
	else
		focus_write_head(&row);
	return put(run, &buf, 0);
}

bool
export_rows_write(struct task *task, const struct tenant *tenant, const struct export_form *form,
    int32_t date, struct export_file *file, struct export_written *ret)
{
	struct run run = {
		.task = task,
		.tenant = tenant,
		.form = form->format == EXPORT_CSV ? ROW_CSV : ROW_JSON,
		.date = date,
		.day = day_of(tenant, date),
		.file = file,
	};
	struct focus_bill bill = bill_of(&run);
	bool ok;

	*ret = run.written;
	if (form->what == EXPORT_AUDIT)
		return export_audit_write(task, run.day, run.form, file, &ret->rows);
	if (run.form == ROW_CSV && !write_head(&run, (enum export_what)form->what))
		return false;
	if (form->what == EXPORT_RECORDS)
		ok = write_records(&run);
	else if (form->what == EXPORT_USAGE)
		ok = write_hours(&run);
	else
		ok = write_charges(&run, &bill) && write_adjustments(&run, &bill);
	*ret = run.written;
	return ok;
}
