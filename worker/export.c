/*
 * export: records, rollups by hour, the columns of FOCUS or the audit log into files, one for each
 * client and day of the client's zone that is over, each of one snapshot of the database.
 *
 * It can be killed at any instant and run again. A file stays where it holds what was written and
 * its day still sums to the same; so a record that came late has its day's file written again. What
 * changes no sum (a person was erased) is asked for by --refresh. Records that have left the log
 * since stay in their file. Days that nothing is known of have none.
 */
#include <string.h>
#include <sysexits.h>

#include "lib/clock.h"
#include "lib/failpoint.h"
#include "worker/client_name.h"
#include "worker/commands.h"
#include "worker/export_rows.h"
#include "worker/output.h"

struct run {
	struct command_context *context;
	struct export_form form;
	struct export_folder folder;
	struct export_book *book;
	struct id client; /* nil: all, or the operators alone */
	bool operators;
	int32_t since, until; /* -1: not given */
	bool refresh;
	int64_t written, kept, lost, gone, rows, bytes;
};

/* A client's day. */
struct day {
	const struct tenant *tenant;
	int32_t date;
	const char *file;
	const struct export_entry *entry; /* what was written before; NULL: nothing */
	struct export_source source;
	bool broken; /* the file is not what was written */
};

static bool
read_choice(struct command_context *context, const char *option, const char *const *choices,
    const char *refusal, int *ret)
{
	const char *value = command_value(context, option);

	for (*ret = 0; value != NULL && choices[*ret] != NULL; ++*ret) {
		if (strcmp(value, choices[*ret]) == 0)
			return true;
	}
	return task_fail(context->task, ERR_INVALID, "--%s must be %s", option, refusal);
}

static bool
read_options(struct run *run)
{
	struct command_context *context = run->context;
	const char *client = command_value(context, "client");

	run->form.plain = command_flag(context, "plain");
	run->refresh = command_flag(context, "refresh");
	run->since = 0;
	run->until = -1;
	if (!read_choice(context, "what", export_book_whats, "records, usage, focus or audit",
		&run->form.what) ||
	    !read_choice(
		context, "format", export_book_formats, "ndjson or csv", &run->form.format) ||
	    !command_date(context, "since", &run->since) ||
	    !command_date(context, "until", &run->until))
		return false;
	if (run->until >= 0 && run->until < run->since)
		return task_fail(context->task, ERR_INVALID, "--until is before --since");
	if (client == NULL)
		return true;
	if (!client_name_find(context->task, client, &run->client) || !db_commit(context->task))
		return false;
	run->operators = id_is_nil(run->client);
	return !run->operators || run->form.what == EXPORT_AUDIT ||
	       task_fail(context->task, ERR_INVALID, "the operator has no records");
}

static const char *
name_file(struct run *run, const struct day *day)
{
	char id[ID_TEXT_SIZE], date[DATE_TEXT_SIZE];

	return arena_printf(run->context->task->arena, "%s-%s-%s.%s%s",
	    export_book_whats[run->form.what], id_format(day->tenant->id, id),
	    date_format(day->date, date), export_book_formats[run->form.format],
	    run->form.plain ? "" : ".gz");
}

static bool
check_file(struct run *run, const struct export_entry *entry, bool *ret_broken)
{
	struct export_digest digest;
	bool found;

	if (!export_file_digest(run->context->task, &run->folder, entry->file, &found, &digest))
		return false;
	*ret_broken =
	    !found || digest.bytes != entry->bytes || strcmp(digest.sha256, entry->sha256) != 0;
	return true;
}

static bool
sums_equal(const struct export_sums *a, const struct export_sums *b)
{
	return a->calls == b->calls && a->tokens == b->tokens && a->cost_nanos == b->cost_nanos &&
	       a->adjustments == b->adjustments && a->adjustments_nanos == b->adjustments_nanos;
}

/* Why the file is to be written; NULL: it is not. */
static const char *
reason_to_write(const struct run *run, const struct day *day)
{
	const struct export_entry *entry = day->entry;

	if (entry == NULL)
		return day->source.sums.calls + day->source.sums.adjustments > 0 ? "new" : NULL;
	if (day->source.gone)
		return NULL;
	if (day->broken)
		return "broken";
	if (run->refresh)
		return "asked";
	if (strcmp(entry->timezone, day->tenant->timezone) != 0 ||
	    !sums_equal(&entry->sums, &day->source.sums))
		return "changed";
	return NULL;
}

/* The rows are those of the snapshot in which they were summed. */
static bool
expect_sums(struct task *task, const struct run *run, const struct day *day,
    const struct export_written *written)
{
	const struct export_sums *sums = &day->source.sums;

	if (written->cost_nanos == sums->cost_nanos &&
	    (run->form.what == EXPORT_USAGE || run->form.what == EXPORT_FOCUS ||
		written->rows == sums->calls))
		return true;
	return task_fail(task, ERR_INTERNAL, "%s does not add up to the sum of its day", day->file);
}

static bool
write_day(struct run *run, const struct day *day)
{
	struct task *task = run->context->task;
	struct export_written written;
	struct export_digest digest;
	struct export_file *file;
	struct export_entry entry = {
		.file = day->file,
		.client = day->tenant->id,
		.date = day->date,
		.timezone = day->tenant->timezone,
		.sums = day->source.sums,
		.complete = !day->source.gone || day->source.sums.calls >= day->source.calls_booked,
	};

	if (!export_book_change(task, run->book) ||
	    !export_file_begin(task, &run->folder, day->file, !run->form.plain, &file) ||
	    !export_rows_write(task, day->tenant, &run->form, day->date, file, &written) ||
	    !expect_sums(task, run, day, &written) || !export_file_end(task, file, &digest))
		return false;
	FAILPOINT("export-renamed");
	entry.rows = written.rows;
	entry.bytes = digest.bytes;
	entry.sha256 = digest.sha256;
	run->rows += written.rows;
	run->bytes += digest.bytes;
	return export_book_add(task, run->book, &entry);
}

static void
print_file(struct run *run, const char *file, const char *reason)
{
	struct output_line line = output_line(run->context, "file");

	output_text(&line, "file", file);
	output_text(&line, "reason", reason);
	output_print(&line);
}

static bool
look_at_file(struct run *run, struct day *day)
{
	day->file = name_file(run, day);
	day->entry = export_book_find(run->book, day->file);
	if (day->entry != NULL && !check_file(run, day->entry, &day->broken))
		return false;
	if (day->broken)
		command_warn(run->context, "%s is not what was written%s", day->file,
		    day->source.gone ? ", and the log of its day is gone" : "");
	return true;
}

static bool
export_day(struct run *run, const struct tenant *tenant, int32_t date)
{
	struct task *task = run->context->task;
	struct day day = { .tenant = tenant, .date = date };
	const char *reason;

	db_set_snapshot(task);
	if (!export_rows_sum(task, tenant, (enum export_what)run->form.what, date, &day.source) ||
	    !look_at_file(run, &day))
		return false;
	reason = reason_to_write(run, &day);
	if (reason != NULL) {
		run->written++;
		if (run->context->dry_run)
			print_file(run, day.file, reason);
		else if (!write_day(run, &day))
			return false;
	} else if (day.broken) {
		run->lost++;
	} else if (day.entry != NULL) {
		run->kept++;
	} else if (day.source.calls_booked > 0) {
		run->gone++;
	}
	return db_commit(task);
}

/* The client's days up to yesterday, or to the one that was asked for, which may be today. */
static bool
export_tenant(struct run *run, const struct tenant *tenant)
{
	struct task *task = run->context->task;
	int32_t today = zone_date(tenant->zone, task->now);
	int32_t until = run->until >= 0 && run->until < today ? run->until : today;
	int32_t date = run->since;
	bool any = true;

	if (run->until < 0)
		until = today - 1;
	for (; date <= until; date++) {
		struct arena_mark mark = arena_mark(task->arena);

		if (!export_rows_next(
			task, tenant, (enum export_what)run->form.what, date, &any, &date) ||
		    !db_commit(task))
			return false;
		if (!any || date > until)
			break;
		if (!export_day(run, tenant, date))
			return false;
		output_progress(run->context, "files", run->written + run->kept, 0);
		arena_undo(task->arena, mark);
	}
	return true;
}

/* What operators did is nobody's among the clients. */
static bool
export_operators(struct run *run)
{
	struct task *task = run->context->task;
	struct tenant operators = { .name = CLIENT_OPERATOR, .timezone = "UTC" };

	return zone_find(task, operators.timezone, &operators.zone) &&
	       export_tenant(run, &operators);
}

static bool
export_clients(struct run *run)
{
	struct tenants tenants = { .context = run->context };

	if (!id_is_nil(run->client)) {
		tenants.only = &run->client;
		tenants.only_count = 1;
	}
	while (tenants_next(&tenants))
		tenants_done(&tenants, export_tenant(run, &tenants.tenant));
	return tenants_end(&tenants);
}

static bool
export_all(struct run *run)
{
	struct command_context *context = run->context;
	bool ok = true;

	if (run->form.what == EXPORT_AUDIT && id_is_nil(run->client))
		ok = export_operators(run);
	if (!run->operators)
		ok = ok && export_clients(run);
	output_progress_end(context);
	return ok && (context->dry_run || export_book_end(context->task, run->book));
}

static void
print_summary(struct run *run, int64_t usec)
{
	struct output_line line = output_line(run->context, "export");

	if (run->context->dry_run)
		output_bool(&line, "dry_run", true);
	output_int(&line, "files_written", run->written);
	output_int(&line, "files_kept", run->kept);
	output_int(&line, "files_lost", run->lost);
	output_int(&line, "days_gone", run->gone);
	output_int(&line, "rows", run->rows);
	output_int(&line, "bytes", run->bytes);
	output_seconds(&line, "seconds", usec);
	output_print(&line);
}

/* Compares the files with the manifest. */
static bool
check(struct run *run, bool *ret_good)
{
	struct output_line line = output_line(run->context, "check");
	int64_t broken = 0;

	if (run->folder.fd < 0)
		return task_fail(
		    run->context->task, ERR_INVALID, "%s is not there", run->folder.path);
	for (size_t i = 0; i < export_book_count(run->book); i++) {
		const struct export_entry *entry = export_book_at(run->book, i);
		bool is_broken;

		if (!check_file(run, entry, &is_broken))
			return false;
		if (is_broken)
			print_file(run, entry->file, "broken");
		broken += is_broken;
	}
	output_int(&line, "files", (int64_t)export_book_count(run->book));
	output_int(&line, "broken", broken);
	output_bool(&line, "finished", export_book_is_whole(run->book));
	output_print(&line);
	*ret_good = broken == 0 && export_book_is_whole(run->book);
	return true;
}

int
export_run(struct command_context *context)
{
	struct run run = { .context = context };
	const char *out = command_value(context, "out");
	int64_t began = clock_monotonic();
	bool checks = command_flag(context, "check"), good = true;

	if (out == NULL) {
		(void)task_fail(context->task, ERR_INVALID, "--out is needed");
		return command_failed(context);
	}
	if ((!checks && !read_options(&run)) ||
	    !export_folder_open(context->task, out, checks || context->dry_run, &run.folder) ||
	    !export_book_open(context->task, &run.folder, checks ? NULL : &run.form, &run.book) ||
	    !(checks ? check(&run, &good) : export_all(&run)))
		return command_failed(context);
	if (!checks)
		print_summary(&run, clock_monotonic() - began);
	return good && run.lost == 0 ? EX_OK : COMMAND_FOUND;
}
