#include "lib/task.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"

void
task_init(struct task *task, struct arena *arena)
{
	*task = (struct task){ .arena = arena, .now = clock_now() };
}

void
task_clear_error(struct task *task)
{
	task->err = (struct err){ .code = ERR_NONE };
}

/* A sentence may carry words of PostgreSQL or of a file; half a UTF-8 letter must not get out. */
static void
keep_ascii(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

static void PRINTF(3, 0)
    set(struct task *task, enum err_code code, const char *format, va_list args)
{
	task->err.code = code;
	vsnprintf(task->err.text, sizeof(task->err.text), format, args);
	keep_ascii(task->err.text);
}

bool
task_fail(struct task *task, enum err_code code, const char *format, ...)
{
	va_list args;

	if (task->err.code != ERR_NONE)
		return false;
	va_start(args, format);
	set(task, code, format, args);
	va_end(args);
	return false;
}

bool
task_fail_field(struct task *task, const char *field, const char *message)
{
	struct err *err = &task->err;

	if (err->code == ERR_NONE)
		task_fail(task, ERR_INVALID, "Some fields are not valid.");
	if (err->code == ERR_INVALID && err->field_count < ERR_FIELDS_MAX) {
		err->fields[err->field_count++] =
		    (struct err_field){ .field = field, .message = message };
	}
	return false;
}

bool
task_fail_later(struct task *task, int retry_after, const char *format, ...)
{
	va_list args;

	if (task->err.code != ERR_NONE)
		return false;
	va_start(args, format);
	set(task, ERR_UNAVAILABLE, format, args);
	va_end(args);
	task->err.retry_after = retry_after;
	return false;
}
