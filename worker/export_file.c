#include "worker/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/gzip.h"

#define FOLDER_MODE 0750
#define FILE_MODE 0640
#define PORTION 65536

struct export_file {
	struct export_folder folder; /* a copy: what is abandoned may outlive the caller's */
	const char *name, *part; /* part: the name until it is whole */
	int fd; /* -1: it is closed */
	struct gzip *gzip; /* NULL: plain */
	struct seal_hashing *hashing;
	int64_t bytes;
};

static void
close_folder(void *object)
{
	struct export_folder *folder = object;

	close(folder->fd);
}

/* Those who only look do not keep each other out. */
static bool
lock_folder(struct task *task, struct export_folder *folder, bool only_look)
{
	struct export_folder *held = arena_alloc(task->arena, sizeof(*held));

	*held = *folder;
	arena_defer(task->arena, close_folder, held);
	if (flock(folder->fd, (only_look ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return true;
	return task_fail(task, ERR_CONFLICT, "another export writes to %s", folder->path);
}

/* What is in a folder that a power cut takes away is lost with it. */
static bool
sync_parent(const struct export_folder *folder)
{
	int parent = openat(folder->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = parent >= 0 && fsync(parent) == 0;

	if (parent >= 0)
		close(parent);
	return ok;
}

bool
export_folder_open(struct task *task, const char *path, bool only_look, struct export_folder *ret)
{
	bool made = !only_look && mkdir(path, FOLDER_MODE) == 0;

	*ret = (struct export_folder){ .path = path };
	if (!only_look && !made && errno != EEXIST)
		return task_fail(task, ERR_INVALID, "%s cannot be made: %s", path, strerror(errno));
	ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0 && only_look && errno == ENOENT)
		return true;
	if (ret->fd < 0)
		return task_fail(
		    task, ERR_INVALID, "%s cannot be opened: %s", path, strerror(errno));
	if (!lock_folder(task, ret, only_look))
		return false;
	if (made && !sync_parent(ret))
		return task_fail(task, ERR_UNAVAILABLE, "the folder of %s cannot be synced: %s",
		    path, strerror(errno));
	return true;
}

static bool
fail(struct task *task, const struct export_folder *folder, const char *name, const char *what)
{
	return task_fail(task, ERR_UNAVAILABLE, "%s/%s cannot be %s: %s", folder->path, name, what,
	    strerror(errno));
}

static bool
sync_folder(struct task *task, const struct export_folder *folder)
{
	return fsync(folder->fd) == 0 || fail(task, folder, ".", "synced");
}

bool
export_folder_remove(struct task *task, const struct export_folder *folder, const char *name)
{
	if (unlinkat(folder->fd, name, 0) != 0 && errno != ENOENT)
		return fail(task, folder, name, "removed");
	return sync_folder(task, folder);
}

static void
abandon(void *object)
{
	struct export_file *file = object;

	if (file->fd < 0)
		return;
	close(file->fd);
	unlinkat(file->folder.fd, file->part, 0);
}

bool
export_file_begin(struct task *task, const struct export_folder *folder, const char *name,
    bool packed, struct export_file **ret)
{
	struct export_file *file = arena_alloc(task->arena, sizeof(*file));

	*file = (struct export_file){
		.folder = *folder,
		.name = name,
		.part = arena_printf(task->arena, "%s" EXPORT_PART, name),
		.hashing = seal_hash_begin(task->arena),
	};
	file->fd = openat(folder->fd, file->part,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (file->fd < 0)
		return fail(task, folder, file->part, "made");
	arena_defer(task->arena, abandon, file);
	if (packed)
		file->gzip = gzip_pack_begin(task->arena);
	*ret = file;
	return true;
}

static bool
write_out(struct task *task, struct export_file *file, struct text text)
{
	seal_hash_add(file->hashing, text);
	file->bytes += (int64_t)text.len;
	while (text.len > 0) {
		ssize_t written = write(file->fd, text.at, text.len);

		if (written < 0 && errno != EINTR)
			return fail(task, &file->folder, file->part, "written");
		if (written > 0) {
			text.at += written;
			text.len -= (size_t)written;
		}
	}
	return true;
}

bool
export_file_add(struct task *task, struct export_file *file, struct text text)
{
	struct buf packed = { .arena = task->arena };

	if (text.len == 0)
		return true;
	if (file->gzip == NULL)
		return write_out(task, file, text);
	gzip_pack(file->gzip, text, &packed);
	return write_out(task, file, buf_text(&packed));
}

static void
finish_digest(struct seal_hashing *hashing, int64_t bytes, struct export_digest *ret)
{
	uint8_t hash[SEAL_HASH_SIZE];

	seal_hash_end(hashing, hash);
	ret->bytes = bytes;
	for (size_t i = 0; i < sizeof(hash); i++)
		(void)snprintf(ret->sha256 + 2 * i, 3, "%02x", hash[i]);
}

bool
export_file_end(struct task *task, struct export_file *file, struct export_digest *ret)
{
	const struct export_folder *folder = &file->folder;
	struct buf packed = { .arena = task->arena };

	if (file->gzip != NULL) {
		gzip_pack_end(file->gzip, &packed);
		if (!write_out(task, file, buf_text(&packed)))
			return false;
	}
	if (fsync(file->fd) != 0)
		return fail(task, folder, file->part, "synced");
	if (renameat(folder->fd, file->part, folder->fd, file->name) != 0)
		return fail(task, folder, file->part, "renamed");
	close(file->fd);
	file->fd = -1;
	finish_digest(file->hashing, file->bytes, ret);
	return sync_folder(task, folder);
}

static bool
read_all(int fd, struct arena *arena, struct export_digest *ret)
{
	struct seal_hashing *hashing = seal_hash_begin(arena);
	char *portion = arena_alloc(arena, PORTION);
	int64_t bytes = 0;
	ssize_t got;

	while ((got = read(fd, portion, PORTION)) > 0) {
		seal_hash_add(hashing, (struct text){ portion, (size_t)got });
		bytes += got;
	}
	finish_digest(hashing, bytes, ret);
	return got == 0;
}

bool
export_file_digest(struct task *task, const struct export_folder *folder, const char *name,
    bool *ret_found, struct export_digest *ret)
{
	struct arena_mark mark = arena_mark(task->arena);
	int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool ok;

	*ret_found = fd >= 0;
	if (fd < 0)
		return errno == ENOENT || fail(task, folder, name, "opened");
	ok = read_all(fd, task->arena, ret) || fail(task, folder, name, "read");
	close(fd);
	arena_undo(task->arena, mark);
	return ok;
}
