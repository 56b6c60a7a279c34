#include "lib/redis_private.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MIN 16

struct redis_command *
redis_command(struct task *task, const char *name)
{
	struct redis_command *command = arena_alloc(task->arena, sizeof(*command));

	command->arena = task->arena;
	redis_add(command, name);
	return command;
}

/* The source or its digest takes the second place when it is sent. */
struct redis_command *
redis_eval(struct task *task, struct redis_script *script, int keys)
{
	struct redis_command *command = redis_command(task, "EVALSHA");

	command->script = script;
	redis_add_n(command, "", 0);
	redis_add_int(command, keys);
	return command;
}

static void
grow(struct redis_command *command)
{
	size_t capacity = command->capacity == 0 ? ARGUMENTS_MIN : command->capacity * 2;
	const char **values = arena_array(command->arena, capacity, sizeof(*values));
	size_t *lengths = arena_array(command->arena, capacity, sizeof(*lengths));

	if (command->count > 0) {
		memcpy(values, command->values, command->count * sizeof(*values));
		memcpy(lengths, command->lengths, command->count * sizeof(*lengths));
	}
	command->values = values;
	command->lengths = lengths;
	command->capacity = capacity;
}

void
redis_add_n(struct redis_command *command, const void *bytes, size_t len)
{
	if (command->count == command->capacity)
		grow(command);
	command->values[command->count] = arena_strndup(command->arena, bytes, len);
	command->lengths[command->count] = len;
	command->count++;
}

void
redis_add(struct redis_command *command, const char *value)
{
	redis_add_n(command, value, strlen(value));
}

void
redis_add_int(struct redis_command *command, int64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lld", (long long)value);

	redis_add_n(command, text, (size_t)len);
}
