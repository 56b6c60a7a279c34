/*
 * The folder of an export and its files: each is written under another name, synced, and only then
 * given its own, so that what has its name is whole.
 */
#ifndef WORKER_EXPORT_FILE_H
#define WORKER_EXPORT_FILE_H

#include "lib/seal.h"
#include "lib/task.h"

#define EXPORT_PART ".part" /* behind the name of what is not whole yet */

struct export_folder {
	const char *path;
	int fd; /* -1: it is not there */
};

#define EXPORT_HASH_TEXT_SIZE (2 * SEAL_HASH_SIZE + 1)

/* What a file holds, as it lies on the disk. */
struct export_digest {
	int64_t bytes;
	char sha256[EXPORT_HASH_TEXT_SIZE]; /* hexadecimal */
};

/*
 * Makes the folder where it is not there, unless only_look. Holds a lock on it as long as the task,
 * which others who only look may share. ERR_INVALID: it is none, or not to be used; ERR_CONFLICT:
 * another export has the lock.
 */
NODISCARD bool export_folder_open(
    struct task *task, const char *path, bool only_look, struct export_folder *ret);
/* Removes a file, if it is there, and makes that last. */
NODISCARD bool export_folder_remove(
    struct task *task, const struct export_folder *folder, const char *name);

/* Lives as long as the task's arena: what has not come to its end by then is removed. All fail with
 * ERR_UNAVAILABLE, such as where there is no space left. */
struct export_file;
NODISCARD bool export_file_begin(struct task *task, const struct export_folder *folder,
    const char *name, bool packed, struct export_file **ret);
NODISCARD bool export_file_add(struct task *task, struct export_file *file, struct text text);
NODISCARD bool export_file_end(
    struct task *task, struct export_file *file, struct export_digest *ret);

/* *ret_found false: it is not there. */
NODISCARD bool export_file_digest(struct task *task, const struct export_folder *folder,
    const char *name, bool *ret_found, struct export_digest *ret);

#endif
