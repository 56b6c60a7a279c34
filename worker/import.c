/*
 * import FILE: sends records of a file to the service, in chunks. Ids are fixed, so that a file may
 * be sent again from its beginning after whatever went wrong.
 */
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/json_read.h"
#include "worker/commands.h"
#include "worker/http.h"
#include "worker/output.h"
#include "worker/source.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define CHUNK_RECORDS 5000
#define CHUNK_BYTES ((size_t)8 << 20)
#define TRIES 10
#define PAUSE_MAX_S 10
#define NDJSON "application/x-ndjson"
#define PATH "/v1/chat-logs"

struct run {
	struct command_context *context;
	struct http *http;
	struct source *source;
	int64_t accepted, duplicates, rejected;
};

struct chunk {
	struct buf body;
	size_t count;
	int64_t lines[CHUNK_RECORDS];
};

struct counts {
	int64_t accepted;
	int64_t duplicates;
};

static const struct json_field count_fields[] = {
	{ .name = "accepted",
	    .type = JSON_INT,
	    .offset = offsetof(struct counts, accepted),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .max = CHUNK_RECORDS },
	{ .name = "duplicates",
	    .type = JSON_INT,
	    .offset = offsetof(struct counts, duplicates),
	    .given = JSON_ALWAYS,
	    .required = true,
	    .max = CHUNK_RECORDS },
};

struct problem {
	const char *field;
	const char *message;
};

static const struct json_field problem_fields[] = {
	{ .name = "field",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct problem, field),
	    .given = JSON_ALWAYS,
	    .max = INT64_MAX },
	{ .name = "message",
	    .type = JSON_TEXT,
	    .offset = offsetof(struct problem, message),
	    .given = JSON_ALWAYS,
	    .max = INT64_MAX },
};

static const struct json_field index_field = { .name = "index",
	.type = JSON_INT,
	.given = JSON_ALWAYS,
	.required = true,
	.max = CHUNK_RECORDS - 1 };

static void
print_rejection(struct run *run, int64_t line_number, const char *field, const char *message)
{
	struct output_line line = output_line(run->context, "rejected");

	output_progress_end(run->context);
	output_int(&line, "line", line_number);
	output_text(&line, "field", field);
	output_text(&line, "problem", message);
	output_print(&line);
}

/* The value of a member; at NULL where there is none. */
static bool
find_member(struct task *task, struct text object, const char *name, struct text *ret)
{
	struct json_items members = { .rest = object };
	struct text key, value;

	*ret = (struct text){ 0 };
	while (json_next_member(task, &members, &key, &value)) {
		if (strcmp(key.at, name) == 0)
			*ret = value;
	}
	return task->err.code == ERR_NONE;
}

static bool
print_problems(struct run *run, int64_t line, struct text errors)
{
	struct task *task = run->context->task;
	struct json_items items = { .rest = errors };
	struct text item;

	while (errors.at != NULL && json_next_item(task, &items, &item)) {
		struct problem problem = { 0 };

		if (!json_read_some(task, item, problem_fields, COUNT(problem_fields), &problem))
			return false;
		/* A line that is no JSON has its trouble in no field. */
		if (problem.field != NULL && problem.field[0] == '\0')
			problem.field = NULL;
		print_rejection(run, line, problem.field, problem.message);
	}
	return task->err.code == ERR_NONE;
}

static bool
read_rejected(struct run *run, const struct chunk *chunk, struct text list)
{
	struct task *task = run->context->task;
	struct json_items items = { .rest = list };
	struct text item, errors;

	while (list.at != NULL && json_next_item(task, &items, &item)) {
		int64_t index = 0;

		if (!json_read_some(task, item, &index_field, 1, &index) ||
		    !find_member(task, item, "errors", &errors) ||
		    !print_problems(run, chunk->lines[index], errors))
			return false;
		run->rejected++;
	}
	return task->err.code == ERR_NONE;
}

static bool
read_answer(struct run *run, const struct chunk *chunk, struct text body)
{
	struct task *task = run->context->task;
	struct counts counts = { 0 };
	struct text rejected;

	if (json_read_some(task, body, count_fields, COUNT(count_fields), &counts) &&
	    find_member(task, body, "rejected", &rejected) && read_rejected(run, chunk, rejected)) {
		run->accepted += counts.accepted;
		run->duplicates += counts.duplicates;
		return true;
	}
	task_clear_error(task);
	return task_fail(task, ERR_INTERNAL, "the service's answer is not understood");
}

static bool
refused(struct run *run, const struct http_answer *answer)
{
	static const struct json_field detail_field = {
		.name = "detail", .type = JSON_TEXT, .given = JSON_ALWAYS, .max = INT64_MAX
	};
	struct task *task = run->context->task;
	const char *detail = NULL;
	enum err_code code =
	    answer->status == 401 || answer->status == 403 ? ERR_FORBIDDEN : ERR_INTERNAL;

	if (!json_read_some(task, answer->body, &detail_field, 1, &detail))
		task_clear_error(task);
	return task_fail(task, code, "the service answers %ld: %s", answer->status,
	    detail != NULL ? detail : "no reason is given");
}

/* Whether the chunk may be sent again: no answer, or one that asks for it. */
static bool
try_later(struct task *task, bool answered, const struct http_answer *answer)
{
	struct timespec pause = { .tv_sec = 1 };

	if (answered && answer->status != 429 && answer->status != 502 && answer->status != 503 &&
	    answer->status != 504)
		return false;
	if (answered && answer->retry_after_s > 0)
		pause.tv_sec =
		    answer->retry_after_s < PAUSE_MAX_S ? answer->retry_after_s : PAUSE_MAX_S;
	task_clear_error(task);
	nanosleep(&pause, NULL);
	return true;
}

static bool
send_chunk(struct run *run, const struct chunk *chunk)
{
	struct task *task = run->context->task;
	struct http_answer answer = { 0 };
	bool answered;

	for (int i = 1; i <= TRIES; i++) {
		answered =
		    http_post(task, run->http, PATH, NDJSON, buf_text(&chunk->body), &answer);
		if (answered && answer.status == 200)
			return read_answer(run, chunk, answer.body);
		if (i < TRIES && !try_later(task, answered, &answer))
			break;
	}
	return answered ? refused(run, &answer) : false;
}

/* *ret_end: the file is through. */
static bool
fill_chunk(struct run *run, struct chunk *chunk, bool *ret_end)
{
	struct task *task = run->context->task;
	struct source_record record;

	chunk->count = 0;
	chunk->body = (struct buf){ .arena = task->arena };
	while (chunk->count < CHUNK_RECORDS && chunk->body.len < CHUNK_BYTES) {
		if (!source_next(task, run->source, &record, ret_end))
			return false;
		if (*ret_end)
			return true;
		if (record.problem != NULL) {
			print_rejection(run, record.line, NULL, record.problem);
			run->rejected++;
			continue;
		}
		buf_add(&chunk->body, record.json.at, record.json.len);
		buf_putc(&chunk->body, '\n');
		chunk->lines[chunk->count++] = record.line;
	}
	return true;
}

static bool
send_all(struct run *run)
{
	struct task *task = run->context->task;
	struct chunk *chunk = arena_alloc(task->arena, sizeof(*chunk));
	int64_t done, total;
	bool end = false;

	while (!end) {
		struct arena_mark mark = arena_mark(task->arena);

		if (!fill_chunk(run, chunk, &end))
			return false;
		if (chunk->count > 0 && !send_chunk(run, chunk))
			return false;
		source_progress(run->source, &done, &total);
		output_progress(run->context, "bytes", done, total);
		arena_undo(task->arena, mark);
	}
	output_progress_end(run->context);
	return true;
}

static bool
send_file(struct run *run)
{
	struct command_context *context = run->context;
	const char *url = command_value(context, "url");
	const char *key = command_value(context, "key");
	bool ok;

	if (url == NULL)
		url = getenv("TALLY_URL");
	if (key == NULL)
		key = getenv("TALLY_API_KEY");
	if (url == NULL || key == NULL)
		return task_fail(context->task, ERR_INVALID,
		    "--url and --key are needed, or TALLY_URL and TALLY_API_KEY");
	if (!source_open(context->task, context->operands[0], &run->source))
		return false;
	ok = http_open(context->task, url, key, &run->http);
	if (ok) {
		ok = send_all(run);
		http_close(run->http);
	}
	source_close(run->source);
	return ok;
}

int
import_run(struct command_context *context)
{
	struct output_line line = output_line(context, "import");
	struct run run = { .context = context };
	int64_t began = clock_monotonic();
	bool ok = send_file(&run);

	output_int(&line, "accepted", run.accepted);
	output_int(&line, "duplicates", run.duplicates);
	output_int(&line, "rejected", run.rejected);
	output_seconds(&line, "seconds", clock_monotonic() - began);
	if (ok || run.accepted + run.duplicates + run.rejected > 0)
		output_print(&line);
	if (!ok)
		return command_failed(context);
	return run.rejected > 0 ? COMMAND_FOUND : EX_OK;
}
