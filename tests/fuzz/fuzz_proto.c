/* The fields of a protobuf message, and those of each one inside it, eight deep. */
#include <assert.h>

#include "lib/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH 8

/* Depth first, each level's rest on a stack of its own, as a reader with a schema does. */
static void
walk(struct task *task, struct text message)
{
	struct text rests[DEPTH] = { message };
	int depth = 0;

	while (depth >= 0) {
		struct text *rest = &rests[depth];
		const char *before = rest->at;
		struct proto_field field;

		if (!proto_next(task, rest, &field)) {
			assert(rest->len == 0 || task->err.code == ERR_SYNTAX);
			task_clear_error(task);
			depth--;
			continue;
		}
		assert(rest->at > before && rest->at <= message.at + message.len);
		assert(field.number > 0 && field.number <= PROTO_FIELD_MAX);
		if (field.wire != PROTO_BYTES)
			continue;
		assert(field.bytes.at > before && field.bytes.at + field.bytes.len == rest->at);
		if (depth + 1 < DEPTH)
			rests[++depth] = field.bytes;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct task task;

	task_init(&task, arena);
	walk(&task, (struct text){ .at = (const char *)data, .len = size });
	arena_free(arena);
	return 0;
}
