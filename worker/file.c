#include "worker/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"

#define PORTION 65536

bool
file_read(struct task *task, const char *path, size_t max, struct text *ret)
{
	FILE *file = fopen(path, "re");
	struct buf buf = { .arena = task->arena };
	size_t got;

	if (file == NULL)
		return task_fail(
		    task, ERR_INVALID, "%s cannot be opened: %s", path, strerror(errno));
	do {
		got = fread(buf_room(&buf, PORTION), 1, PORTION, file);
		buf.len += got;
	} while (got == PORTION && buf.len <= max);
	if (ferror(file))
		(void)task_fail(task, ERR_INVALID, "%s cannot be read", path);
	else if (buf.len > max)
		(void)task_fail(task, ERR_TOO_LARGE, "%s has more than %zu bytes", path, max);
	fclose(file);
	*ret = buf_text(&buf);
	return task->err.code == ERR_NONE;
}
