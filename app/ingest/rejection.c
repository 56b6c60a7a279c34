#include "app/ingest/rejection.h"

#include <stdlib.h>
#include <string.h>

struct rejection
rejection_of(struct arena *arena, size_t index, const char *field, const char *message)
{
	struct err_field *error = arena_alloc(arena, sizeof(*error));

	*error = (struct err_field){ .field = field, .message = message };
	return (struct rejection){ .index = index, .error_count = 1, .errors = error };
}

struct rejection
rejection_take(struct task *task, size_t index)
{
	struct rejection ret = { .index = index, .error_count = task->err.field_count };

	if (ret.error_count == 0) {
		ret =
		    rejection_of(task->arena, index, "", arena_strdup(task->arena, task->err.text));
	} else {
		ret.errors = arena_array(task->arena, ret.error_count, sizeof(*ret.errors));
		memcpy(ret.errors, task->err.fields, ret.error_count * sizeof(*ret.errors));
	}
	task_clear_error(task);
	return ret;
}

static int
compare(const void *a, const void *b)
{
	size_t x = ((const struct rejection *)a)->index, y = ((const struct rejection *)b)->index;

	return (x > y) - (x < y);
}

/* In a copy: those refused before the commit stay the first, should the batch be tried again. */
static const struct rejection *
sort(const struct rejection_answer *answer)
{
	struct rejection *sorted = arena_array(answer->arena, answer->count, sizeof(*sorted));

	if (answer->count > 0)
		memcpy(sorted, answer->at, answer->count * sizeof(*sorted));
	qsort(sorted, answer->count, sizeof(*sorted), compare);
	return sorted;
}

static void
write_one(struct json_out *out, const struct rejection *rejection)
{
	json_open(out);
	json_int(out, "index", (int64_t)rejection->index);
	json_open_array_at(out, "errors");
	for (size_t i = 0; i < rejection->error_count; i++) {
		json_open(out);
		json_text(out, "field", rejection->errors[i].field);
		json_text(out, "message", rejection->errors[i].message);
		json_close(out);
	}
	json_close_array(out);
	json_close(out);
}

void
rejection_write(struct json_out *out, const void *object)
{
	const struct rejection_answer *answer = object;
	const struct rejection *sorted = sort(answer);

	json_open(out);
	json_int(out, "accepted", (int64_t)answer->accepted);
	json_int(out, "duplicates", (int64_t)answer->duplicates);
	json_open_array_at(out, "rejected");
	for (size_t i = 0; i < answer->count; i++)
		write_one(out, &sorted[i]);
	json_close_array(out);
	json_close(out);
}
