#include "worker/export_book_private.h"

#include <string.h>
#include <unistd.h>

#include "lib/failpoint.h"
#include "lib/json_read.h"
#include "lib/model/focus.h"
#include "worker/file.h"

/* The first line of the journal, the manifest but for its files. */
struct head {
	int64_t version;
	struct export_form form;
};

#define HEAD(member) offsetof(struct head, member)
#define ENTRY(member) offsetof(struct export_entry, member)
#define NEEDED .given = JSON_ALWAYS, .required = true

static const struct json_field head_fields[] = {
	{ .name = "version", .type = JSON_INT, .offset = HEAD(version), NEEDED, .max = INT64_MAX },
	{ .name = "what",
	    .type = JSON_CHOICE,
	    .offset = HEAD(form.what),
	    NEEDED,
	    .choices = export_book_whats },
	{ .name = "format",
	    .type = JSON_CHOICE,
	    .offset = HEAD(form.format),
	    NEEDED,
	    .choices = export_book_formats },
	{ .name = "plain", .type = JSON_BOOL, .offset = HEAD(form.plain), NEEDED },
};

#define TEXT_FIELD(text, member) \
	{ \
		.name = (text), .type = JSON_TEXT, .offset = ENTRY(member), NEEDED, .min = 1, \
		.max = 255 \
	}
#define INT_FIELD(text, member) \
	{ \
		.name = (text), .type = JSON_INT, .offset = ENTRY(member), NEEDED, \
		.max = INT64_MAX \
	}
#define CENTS_FIELD(text, member) \
	{ \
		.name = (text), .type = JSON_CENTS, .offset = ENTRY(member), NEEDED, \
		.min = -INT64_MAX, .max = INT64_MAX \
	}

static const struct json_field entry_fields[] = {
	TEXT_FIELD("file", file),
	{ .name = "client_id",
	    .type = JSON_ID,
	    .offset = ENTRY(client),
	    .given = JSON_ALWAYS }, /* null: the operators */
	{ .name = "date", .type = JSON_DATE, .offset = ENTRY(date), NEEDED },
	TEXT_FIELD("timezone", timezone),
	INT_FIELD("rows", rows),
	INT_FIELD("bytes", bytes),
	TEXT_FIELD("sha256", sha256),
	INT_FIELD("calls", sums.calls),
	INT_FIELD("tokens", sums.tokens),
	CENTS_FIELD("cost_cents", sums.cost_nanos),
	INT_FIELD("adjustments", sums.adjustments),
	CENTS_FIELD("adjustments_cents", sums.adjustments_nanos),
	{ .name = "complete", .type = JSON_BOOL, .offset = ENTRY(complete), NEEDED },
};

static bool
refuse(struct task *task, const struct export_book *book, const char *name)
{
	task_clear_error(task);
	return task_fail(
	    task, ERR_INVALID, "%s/%s is not one of tally export", book->folder->path, name);
}

static bool
read_head(struct task *task, struct export_book *book, const struct export_form *form,
    const char *name, struct text text)
{
	struct head head = { 0 };

	if (!json_read_some(task, text, head_fields, COUNT(head_fields), &head) ||
	    head.version != EXPORT_VERSION)
		return refuse(task, book, name);
	if (form != NULL && (form->what != head.form.what || form->format != head.form.format ||
				form->plain != head.form.plain))
		return task_fail(task, ERR_CONFLICT,
		    "%s holds an export of %s as %s%s: take another folder", book->folder->path,
		    export_book_whats[head.form.what], export_book_formats[head.form.format],
		    head.form.plain ? ", plain" : "");
	book->form = head.form;
	return true;
}

static bool
read_entry(struct task *task, struct export_book *book, struct text text)
{
	struct export_entry entry = { 0 };

	if (!json_read(task, text, entry_fields, COUNT(entry_fields), &entry))
		return false;
	/* A name leads nowhere but into the folder. */
	if (strchr(entry.file, '/') != NULL)
		return task_fail(task, ERR_INVALID, "the name of a file has a slash");
	export_book_append(book, &entry);
	return true;
}

static bool
read_files(struct task *task, struct export_book *book, struct text manifest)
{
	struct json_items members = { .rest = manifest };
	struct text name, value, item;

	while (json_next_member(task, &members, &name, &value)) {
		struct json_items items = { .rest = value };

		if (strcmp(name.at, "files") != 0)
			continue;
		while (json_next_item(task, &items, &item)) {
			struct arena_mark mark = arena_mark(task->arena);

			if (!read_entry(task, book, item))
				return refuse(task, book, EXPORT_MANIFEST);
			arena_undo(task->arena, mark);
		}
	}
	return task->err.code == ERR_NONE || refuse(task, book, EXPORT_MANIFEST);
}

static bool
next_line(struct text *rest, struct text *ret)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);

	if (end == NULL)
		return false;
	*ret = (struct text){ rest->at, (size_t)(end - rest->at) };
	rest->at += ret->len + 1;
	rest->len -= ret->len + 1;
	return true;
}

/* A line that is broken is the end: what was written behind it is written again. */
static bool
read_journal(
    struct task *task, struct export_book *book, const struct export_form *form, struct text text)
{
	struct text line;

	if (!next_line(&text, &line))
		return true;
	if (!read_head(task, book, form, EXPORT_JOURNAL, line))
		return false;
	while (next_line(&text, &line)) {
		struct arena_mark mark = arena_mark(task->arena);

		if (!read_entry(task, book, line)) {
			task_clear_error(task);
			return true;
		}
		arena_undo(task->arena, mark);
	}
	return true;
}

/* at NULL: it is not there. */
static bool
read_file(struct task *task, const struct export_book *book, const char *name, struct text *ret)
{
	*ret = (struct text){ 0 };
	if (faccessat(book->folder->fd, name, F_OK, 0) != 0)
		return true;
	return file_read(task, arena_printf(task->arena, "%s/%s", book->folder->path, name),
	    EXPORT_BOOK_MAX_BYTES, ret);
}

bool
export_book_read(struct task *task, struct export_book *book, const struct export_form *form)
{
	struct arena_mark mark = arena_mark(task->arena);
	struct text manifest, journal;

	if (!read_file(task, book, EXPORT_MANIFEST, &manifest) ||
	    !read_file(task, book, EXPORT_JOURNAL, &journal))
		return false;
	book->whole = manifest.at != NULL && journal.at == NULL;
	if (manifest.at != NULL && (!read_head(task, book, form, EXPORT_MANIFEST, manifest) ||
				       !read_files(task, book, manifest)))
		return false;
	if (journal.at != NULL && !read_journal(task, book, form, journal))
		return false;
	arena_undo(task->arena, mark);
	return true;
}

void
export_book_write_entry(struct json_out *out, const struct export_entry *entry)
{
	json_open(out);
	json_text(out, "file", entry->file);
	json_id(out, "client_id", entry->client);
	json_date(out, "date", entry->date);
	json_text(out, "timezone", entry->timezone);
	json_int(out, "rows", entry->rows);
	json_int(out, "bytes", entry->bytes);
	json_text(out, "sha256", entry->sha256);
	json_int(out, "calls", entry->sums.calls);
	json_int(out, "tokens", entry->sums.tokens);
	json_cents(out, "cost_cents", entry->sums.cost_nanos);
	json_int(out, "adjustments", entry->sums.adjustments);
	json_cents(out, "adjustments_cents", entry->sums.adjustments_nanos);
	json_bool(out, "complete", entry->complete);
	json_close(out);
}

static void
write_head(struct json_out *out, const struct export_form *form)
{
	json_int(out, "version", EXPORT_VERSION);
	json_text(out, "what", export_book_whats[form->what]);
	json_text(out, "format", export_book_formats[form->format]);
	json_bool(out, "plain", form->plain);
	if (form->what == EXPORT_FOCUS)
		json_text(out, "focus_version", FOCUS_VERSION);
}

/* The sum over all files; null where no number of ours holds it. */
static void
write_cost(struct json_out *out, const struct export_book *book)
{
	int64_t sum = 0;
	bool fits = true;

	for (size_t i = 0; i < book->count && fits; i++)
		fits = !__builtin_add_overflow(sum, book->at[i].sums.cost_nanos, &sum);
	if (fits)
		json_cents(out, "cost_cents", sum);
	else
		json_null(out, "cost_cents");
}

static void
write_totals(struct json_out *out, const struct export_book *book)
{
	int64_t rows = 0, bytes = 0;

	for (size_t i = 0; i < book->count; i++) {
		rows += book->at[i].rows;
		bytes += book->at[i].bytes;
	}
	json_int(out, "rows", rows);
	json_int(out, "bytes", bytes);
	write_cost(out, book);
}

static bool
write_file(struct task *task, struct export_book *book, const char *name, const struct buf *buf)
{
	struct export_digest digest;
	struct export_file *file;

	return export_file_begin(task, book->folder, name, false, &file) &&
	       export_file_add(task, file, buf_text(buf)) && export_file_end(task, file, &digest);
}

bool
export_book_write_manifest(struct task *task, struct export_book *book)
{
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	write_head(out, &book->form);
	write_totals(out, book);
	json_open_array_at(out, "files");
	for (size_t i = 0; i < book->count; i++)
		export_book_write_entry(out, &book->at[i]);
	json_close_array(out);
	json_close(out);
	buf_putc(&buf, '\n');
	FAILPOINT("export-manifest");
	return write_file(task, book, EXPORT_MANIFEST, &buf);
}

bool
export_book_write_journal(struct task *task, struct export_book *book)
{
	struct arena_mark mark = arena_mark(task->arena);
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	write_head(out, &book->form);
	json_close(out);
	buf_putc(&buf, '\n');
	for (size_t i = 0; i < book->count; i++) {
		export_book_write_entry(json_out_new(&buf), &book->at[i]);
		buf_putc(&buf, '\n');
	}
	if (!write_file(task, book, EXPORT_JOURNAL, &buf))
		return false;
	arena_undo(task->arena, mark);
	return true;
}
