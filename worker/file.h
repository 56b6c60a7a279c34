/*
 * Files that commands read.
 */
#ifndef WORKER_FILE_H
#define WORKER_FILE_H

#include "lib/task.h"

/* The whole file; lives as long as the task. ERR_INVALID: not to be read; ERR_TOO_LARGE. */
NODISCARD bool file_read(struct task *task, const char *path, size_t max, struct text *ret);

#endif
