#include "worker/export_audit.h"

#include "lib/failpoint.h"
#include "lib/model/audit.h"

bool
export_audit_next(
    struct task *task, const struct zone *zone, int32_t from, bool *ret_any, int32_t *ret_date)
{
	int64_t at;

	if (!audit_next(task, zone_day_start(zone, from), ret_any, &at))
		return false;
	if (*ret_any)
		*ret_date = zone_date(zone, at);
	return true;
}

bool
export_audit_sum(struct task *task, struct span day, struct export_sums *ret)
{
	*ret = (struct export_sums){ 0 };
	return audit_count(task, day.since, day.until, &ret->calls);
}

static void
write_entries(struct buf *buf, enum row_form form, const struct audit_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		if (form == ROW_CSV) {
			audit_csv_row(buf, &entries->at[i]);
			continue;
		}
		audit_write(json_out_new(buf), &entries->at[i]);
		buf_putc(buf, '\n');
	}
}

bool
export_audit_write(struct task *task, struct span day, enum row_form form, struct export_file *file,
    int64_t *ret_rows)
{
	struct audit_entries entries;
	struct db_cursor *cursor;
	struct arena_mark mark;

	if (!audit_walk(task, day.since, day.until, &cursor))
		return false;
	*ret_rows = 0;
	mark = arena_mark(task->arena);
	do {
		struct buf buf = { .arena = task->arena };

		if (form == ROW_CSV && *ret_rows == 0)
			audit_csv_head(&buf);
		if (!audit_walk_next(task, cursor, &entries))
			return false;
		write_entries(&buf, form, &entries);
		*ret_rows += (int64_t)entries.count;
		if (buf.len > 0 && !export_file_add(task, file, buf_text(&buf)))
			return false;
		FAILPOINT("export-rows");
		arena_undo(task->arena, mark);
	} while (entries.count > 0);
	return true;
}
