/* An export of OTLP: the first byte says in which format. */
#include <assert.h>
#include <string.h>

#include "app/ingest/otel_record.h"
#include "lib/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(struct text text)
{
	assert(text.at != NULL || text.len == 0);
	assert(text.len == 0 || (utf8_valid(text) && memchr(text.at, '\0', text.len) == NULL));
}

static void
check_span(const struct otel_span *span)
{
	enum otel_kind kind = otel_kind(span);

	assert(kind >= OTEL_OTHER && kind <= OTEL_TOOL_CALL);
	assert(span->trace_id.at == NULL || span->trace_id.len == 32);
	assert(span->span_id.at == NULL || span->span_id.len == 16);
	assert(span->parent_span_id.at == NULL || span->parent_span_id.len == 16);
	assert(span->started_at >= 0 && span->ended_at >= 0);
	check_text(span->name);
	check_text(span->status_message);
	for (size_t i = 0; i < OTEL_SLOTS; i++)
		check_text(span->attributes.at[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct otel_reader reader;
	struct otel_span span;
	struct task task;

	task_init(&task, arena);
	if (size > 0) {
		enum otel_format format = data[0] & 1 ? OTEL_JSON : OTEL_PROTOBUF;
		struct text body = { .at = (const char *)data + 1, .len = size - 1 };

		if (otel_open(&task, format, body, &reader)) {
			while (otel_next(&task, &reader, &span))
				check_span(&span);
		}
		assert(task.err.code == ERR_NONE || task.err.code == ERR_SYNTAX);
	}
	arena_free(arena);
	return 0;
}
