#include "lib/redis_private.h"

#include <string.h>

#define DIGITS_MAX 20 /* of 64 bits, with a sign */
/* "EVALSHA" and the digest, or "EVAL" and the source. */
#define SCRIPT_ARGUMENTS 2

/* The decimal digits, written backwards from end; where they begin. */
static char *
write_digits(char *end, int64_t value)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--end = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--end = '-';
	return end;
}

static void
put_length(struct buf *buf, char type, size_t value)
{
	char text[DIGITS_MAX + 3], *end = text + sizeof(text), *at = end - 2;

	at[0] = '\r';
	at[1] = '\n';
	at = write_digits(at, (int64_t)value);
	*--at = type;
	buf_add(buf, at, (size_t)(end - at));
}

/* An argument as Redis takes it: its length and its bytes, each ended by CRLF. */
static void
put(struct buf *buf, const void *bytes, size_t len)
{
	put_length(buf, '$', len);
	buf_add(buf, bytes, len);
	buf_add(buf, "\r\n", 2);
}

struct text
redis_script_text(struct arena *arena, const struct redis_script *script)
{
	struct buf text = { .arena = arena };

	for (size_t i = 0; i < REDIS_LIBRARY_MAX && script->library[i] != NULL; i++)
		buf_puts(&text, script->library[i]);
	buf_puts(&text, script->source);
	return buf_text(&text);
}

struct text
redis_command_head(const struct redis_command *command, bool in_full)
{
	struct buf head = { .arena = command->bytes.arena };
	const struct redis_script *script = command->script;
	struct text source;

	put_length(&head, '*', command->count);
	if (script != NULL && in_full) {
		put(&head, "EVAL", strlen("EVAL"));
		source = redis_script_text(head.arena, script);
		put(&head, source.at, source.len);
	} else if (script != NULL) {
		put(&head, "EVALSHA", strlen("EVALSHA"));
		put(&head, script->sha, sizeof(script->sha) - 1);
	}
	return buf_text(&head);
}

static struct redis_command *
new_command(struct task *task)
{
	struct redis_command *command = arena_alloc(task->arena, sizeof(*command));

	command->bytes.arena = task->arena;
	return command;
}

struct redis_command *
redis_command(struct task *task, const char *name)
{
	struct redis_command *command = new_command(task);

	redis_add(command, name);
	return command;
}

struct redis_command *
redis_eval(struct task *task, struct redis_script *script, int keys)
{
	struct redis_command *command = new_command(task);

	command->script = script;
	command->count = SCRIPT_ARGUMENTS;
	redis_add_int(command, keys);
	return command;
}

void
redis_add_n(struct redis_command *command, const void *bytes, size_t len)
{
	put(&command->bytes, bytes, len);
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
	char text[DIGITS_MAX], *end = text + sizeof(text), *at = write_digits(end, value);

	redis_add_n(command, at, (size_t)(end - at));
}
