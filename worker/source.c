#include "worker/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/json_write.h"
#include "lib/seal.h"
#include "worker/csv.h"

/* How a cell becomes JSON. */
enum kind { KIND_TEXT, KIND_NUMBER, KIND_BOOL, KIND_LIST, KIND_OBJECT, KIND_IGNORED };

struct column {
	const char *name;
	enum kind kind;
};

/* The fields of a record, and columns of an export that tallyd sets itself. */
static const struct column columns[] = {
	{ "id", KIND_TEXT },
	{ "authorization_id", KIND_TEXT },
	{ "user_id", KIND_TEXT },
	{ "external_user_id", KIND_TEXT },
	{ "session_id", KIND_TEXT },
	{ "conversation_id", KIND_TEXT },
	{ "agent_session_id", KIND_TEXT },
	{ "agent_root_id", KIND_IGNORED },
	{ "trace_id", KIND_TEXT },
	{ "span_id", KIND_TEXT },
	{ "parent_span_id", KIND_TEXT },
	{ "feature", KIND_TEXT },
	{ "agent_type", KIND_TEXT },
	{ "provider", KIND_TEXT },
	{ "model", KIND_TEXT },
	{ "input_tokens", KIND_NUMBER },
	{ "output_tokens", KIND_NUMBER },
	{ "cached_input_tokens", KIND_NUMBER },
	{ "cache_write_tokens", KIND_NUMBER },
	{ "reasoning_tokens", KIND_NUMBER },
	{ "tokens_used", KIND_NUMBER },
	{ "message_length", KIND_NUMBER },
	{ "response_length", KIND_NUMBER },
	{ "estimated_cost_cents", KIND_NUMBER },
	{ "verified_cost_cents", KIND_NUMBER },
	{ "is_cache_hit", KIND_BOOL },
	{ "tools_used", KIND_LIST },
	{ "tags", KIND_LIST },
	{ "success", KIND_BOOL },
	{ "error_message", KIND_TEXT },
	{ "duration_ms", KIND_NUMBER },
	{ "metadata", KIND_OBJECT },
	{ "created_at", KIND_TEXT },
	{ "received_at", KIND_IGNORED },
	{ "api_key_id", KIND_IGNORED },
	{ "user_tier", KIND_IGNORED },
	{ "model_pricing_id", KIND_IGNORED },
};

struct source {
	FILE *file;
	bool is_csv;
	struct csv csv; /* counts the lines of an NDJSON file too */
	size_t column_count;
	const struct column *columns[CSV_CELLS_MAX];
	int64_t size;
};

struct identity {
	const char *id;
	const char *created_at;
};

static const struct json_field identity_fields[] = {
	{ .name = "id",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct identity, id),
	    .given = JSON_ALWAYS,
	    .max = INT64_MAX },
	{ .name = "created_at",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct identity, created_at),
	    .given = JSON_ALWAYS,
	    .max = INT64_MAX },
};

static bool
read_head(struct task *task, struct source *source)
{
	struct csv_row *row = arena_alloc(task->arena, sizeof(*row));
	bool end;

	if (!csv_next(task, &source->csv, row, &end))
		return false;
	for (size_t i = 0; i < row->count; i++) {
		for (size_t c = 0; c < COUNT(columns); c++) {
			if (strcmp(row->cells[i].at, columns[c].name) == 0)
				source->columns[i] = &columns[c];
		}
		if (source->columns[i] == NULL)
			return task_fail(task, ERR_SYNTAX,
			    "column %zu of the CSV file has no name of a record's field", i + 1);
	}
	source->column_count = row->count;
	return end ? task_fail(task, ERR_SYNTAX, "the file is empty") : true;
}

/* A byte order mark says nothing in UTF-8; Excel writes it. */
static void
skip_mark(FILE *file)
{
	static const char mark[] = "\xef\xbb\xbf";

	for (size_t i = 0; mark[i] != '\0'; i++) {
		int c = getc(file);

		if (c == (unsigned char)mark[i])
			continue;
		ungetc(c, file);
		return;
	}
}

static bool
looks_like_csv(FILE *file)
{
	int c;

	do
		c = getc(file);
	while (c == ' ' || c == '\t' || c == '\n' || c == '\r');
	ungetc(c, file);
	return c != '{' && c != EOF;
}

bool
source_open(struct task *task, const char *path, struct source **ret)
{
	struct source *source = arena_alloc(task->arena, sizeof(*source));
	struct stat status;

	source->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (source->file == NULL)
		return task_fail(
		    task, ERR_INVALID, "%s cannot be opened: %s", path, strerror(errno));
	if (fstat(fileno(source->file), &status) == 0 && S_ISREG(status.st_mode))
		source->size = status.st_size;
	source->csv = (struct csv){ .file = source->file, .line = 1 };
	*ret = source;
	skip_mark(source->file);
	source->is_csv = looks_like_csv(source->file);
	if (!source->is_csv || read_head(task, source))
		return true;
	source_close(source);
	return false;
}

void
source_close(struct source *source)
{
	if (source->file != stdin)
		fclose(source->file);
}

void
source_progress(const struct source *source, int64_t *ret_done, int64_t *ret_total)
{
	long at = source->size > 0 ? ftell(source->file) : -1;

	*ret_total = source->size;
	*ret_done = at > 0 ? at : 0;
}

static void
add_list(struct json_out *out, const char *name, struct text cell)
{
	json_open_array_at(out, name);
	while (cell.len > 0) {
		const char *blank = memchr(cell.at, ' ', cell.len);
		size_t len = blank != NULL ? (size_t)(blank - cell.at) : cell.len;

		if (len > 0)
			json_text_n(out, NULL, (struct text){ cell.at, len });
		cell.at += blank != NULL ? len + 1 : len;
		cell.len -= blank != NULL ? len + 1 : len;
	}
	json_close_array(out);
}

/* What is no number where one belongs goes out as a text, and tallyd says what it wants. */
static bool
is_plain(struct text cell)
{
	for (size_t i = 0; i < cell.len; i++) {
		if (strchr("0123456789.-+eE", cell.at[i]) == NULL)
			return false;
	}
	return true;
}

static void
add_cell(struct json_out *out, const struct column *column, struct text cell)
{
	bool is_word = strcmp(cell.at, "true") == 0 || strcmp(cell.at, "false") == 0;

	if (cell.len == 0 || column->kind == KIND_IGNORED)
		return;
	if (column->kind == KIND_LIST)
		add_list(out, column->name, cell);
	else if (column->kind == KIND_OBJECT || (column->kind == KIND_BOOL && is_word) ||
		 (column->kind == KIND_NUMBER && is_plain(cell)))
		json_raw(out, column->name, cell);
	else
		json_text_n(out, column->name, cell);
}

static bool
next_row(struct task *task, struct source *source, struct source_record *ret, bool *ret_end)
{
	struct csv_row *row = arena_alloc(task->arena, sizeof(*row));
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	if (!csv_next(task, &source->csv, row, ret_end) || *ret_end)
		return *ret_end;
	ret->line = row->line;
	if (row->count != source->column_count)
		ret->problem = "has another number of cells than the first row";
	json_open(out);
	for (size_t i = 0; i < row->count && i < source->column_count; i++)
		add_cell(out, source->columns[i], row->cells[i]);
	json_close(out);
	ret->json = buf_text(&buf);
	return true;
}

static bool
is_blank(struct text line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (strchr(" \t\r\n", line.at[i]) == NULL)
			return false;
	}
	return true;
}

static void
read_line(struct source *source, struct buf *line)
{
	int c = getc(source->file);

	for (; c != EOF && c != '\n'; c = getc(source->file)) {
		if (line->len <= SOURCE_LINE_MAX_BYTES)
			buf_putc(line, (char)c);
	}
	source->csv.line++;
}

static bool
next_line(struct task *task, struct source *source, struct source_record *ret, bool *ret_end)
{
	struct buf line;

	do {
		line = (struct buf){ .arena = task->arena };
		ret->line = source->csv.line;
		read_line(source, &line);
		*ret_end = line.len == 0 && feof(source->file) != 0;
		if (*ret_end)
			return true;
	} while (is_blank(buf_text(&line)));
	if (line.len > SOURCE_LINE_MAX_BYTES)
		ret->problem = "is too long";
	ret->json = buf_text(&line);
	return true;
}

/* "import:<SHA-256 of the record>:<line>" in front of the other members. */
static struct text
with_id(struct task *task, const struct source_record *record)
{
	struct buf buf = { .arena = task->arena };
	const char *brace = memchr(record->json.at, '{', record->json.len);
	size_t rest = record->json.len - (size_t)(brace + 1 - record->json.at);
	uint8_t hash[SEAL_HASH_SIZE];

	seal_hash(record->json, hash);
	buf_puts(&buf, "{\"id\":\"import:");
	for (size_t i = 0; i < sizeof(hash); i++)
		buf_printf(&buf, "%02x", hash[i]);
	buf_printf(&buf, ":%lld\",", (long long)record->line);
	buf_add(&buf, brace + 1, rest);
	return buf_text(&buf);
}

/* What cannot be read goes out as it is: tallyd says what is wrong with it. */
static void
identify(struct task *task, struct source_record *record)
{
	struct identity identity = { 0 };

	if (!json_read_some(
		task, record->json, identity_fields, COUNT(identity_fields), &identity)) {
		task_clear_error(task);
		return;
	}
	if (identity.id != NULL)
		return;
	if (identity.created_at == NULL)
		record->problem = "has neither id nor created_at";
	else
		record->json = with_id(task, record);
}

bool
source_next(struct task *task, struct source *source, struct source_record *ret, bool *ret_end)
{
	struct source_record record = { 0 };

	if (!(source->is_csv ? next_row : next_line)(task, source, &record, ret_end))
		return false;
	if (!*ret_end && record.problem == NULL)
		identify(task, &record);
	*ret = record;
	return true;
}
