#include "worker/export_book_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/failpoint.h"

#define ROOM_MIN 256

const char *const export_book_whats[] = { "records", "usage", "focus", "audit", NULL };
const char *const export_book_formats[] = { "ndjson", "csv", NULL };

static int
compare_entries(const void *a, const void *b)
{
	const struct export_entry *x = a, *y = b;

	return strcmp(x->file, y->file);
}

void
export_book_append(struct export_book *book, const struct export_entry *entry)
{
	struct export_entry *copy;

	if (book->count == book->room) {
		size_t room = book->room == 0 ? ROOM_MIN : 2 * book->room;
		struct export_entry *at = arena_array(book->arena, room, sizeof(*at));

		if (book->count > 0)
			memcpy(at, book->at, book->count * sizeof(*at));
		book->at = at;
		book->room = room;
	}
	copy = &book->at[book->count++];
	*copy = *entry;
	copy->file = arena_strdup(book->arena, entry->file);
	copy->timezone = arena_strdup(book->arena, entry->timezone);
	copy->sha256 = arena_strdup(book->arena, entry->sha256);
}

/* A journal's line of a file that the manifest had, too, comes behind it. */
static void
keep_last(struct export_book *book)
{
	size_t kept = 0;

	for (size_t i = 0; i < book->count; i++) {
		if (kept > 0 && strcmp(book->at[kept - 1].file, book->at[i].file) == 0)
			kept--;
		book->at[kept++] = book->at[i];
	}
	book->count = kept;
}

/* Merge sort: entries of one name stay in their order. */
static void
sort(struct export_entry *at, struct export_entry *other, size_t count)
{
	size_t half = count / 2, left = 0, right = half;

	if (count < 2)
		return;
	sort(at, other, half);
	sort(at + half, other, count - half);
	for (size_t i = 0; i < count; i++) {
		bool first =
		    right == count || (left < half && compare_entries(&at[left], &at[right]) <= 0);

		other[i] = at[first ? left++ : right++];
	}
	memcpy(at, other, count * sizeof(*at));
}

void
export_book_sort(struct export_book *book)
{
	struct arena_mark mark = arena_mark(book->arena);

	sort(book->at, arena_array(book->arena, book->count, sizeof(*book->at)), book->count);
	arena_undo(book->arena, mark);
	keep_last(book);
	book->known = book->count;
}

static void
close_book(void *object)
{
	struct export_book *book = object;

	if (book->journal >= 0)
		close(book->journal);
	arena_free(book->arena);
}

bool
export_book_open(struct task *task, const struct export_folder *folder,
    const struct export_form *form, struct export_book **ret)
{
	struct export_book *book = arena_alloc(task->arena, sizeof(*book));

	*book = (struct export_book){ .folder = folder, .arena = arena_new(), .journal = -1 };
	if (form != NULL)
		book->form = *form;
	arena_defer(task->arena, close_book, book);
	if (folder->fd >= 0 && !export_book_read(task, book, form))
		return false;
	export_book_sort(book);
	*ret = book;
	return true;
}

bool
export_book_is_whole(const struct export_book *book)
{
	return book->whole;
}

size_t
export_book_count(const struct export_book *book)
{
	return book->count;
}

const struct export_entry *
export_book_at(const struct export_book *book, size_t i)
{
	return &book->at[i];
}

const struct export_entry *
export_book_find(const struct export_book *book, const char *file)
{
	const struct export_entry wanted = { .file = file };

	if (book->known == 0)
		return NULL;
	return bsearch(&wanted, book->at, book->known, sizeof(*book->at), compare_entries);
}

bool
export_book_change(struct task *task, struct export_book *book)
{
	if (book->journal >= 0)
		return true;
	if (!export_book_write_journal(task, book))
		return false;
	FAILPOINT("export-begun");
	if (!export_folder_remove(task, book->folder, EXPORT_MANIFEST))
		return false;
	book->journal = openat(book->folder->fd, EXPORT_JOURNAL, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (book->journal < 0)
		return task_fail(task, ERR_UNAVAILABLE, "%s/%s cannot be opened: %s",
		    book->folder->path, EXPORT_JOURNAL, strerror(errno));
	return true;
}

bool
export_book_add(struct task *task, struct export_book *book, const struct export_entry *entry)
{
	struct buf line = { .arena = task->arena };

	export_book_write_entry(json_out_new(&line), entry);
	buf_putc(&line, '\n');
	if (write(book->journal, line.at, line.len) != (ssize_t)line.len ||
	    fdatasync(book->journal) != 0)
		return task_fail(task, ERR_UNAVAILABLE, "%s/%s cannot be written: %s",
		    book->folder->path, EXPORT_JOURNAL, strerror(errno));
	FAILPOINT("export-added");
	export_book_append(book, entry);
	return true;
}

/* Whether it is the beginning of a file of ours. */
static bool
is_part(const char *name)
{
	size_t len = strlen(name), tail = sizeof(EXPORT_PART) - 1;

	if (len < tail || strcmp(name + len - tail, EXPORT_PART) != 0)
		return false;
	for (const char *const *what = export_book_whats; *what != NULL; what++)
		if (strncmp(name, *what, strlen(*what)) == 0 && name[strlen(*what)] == '-')
			return true;
	return strcmp(name, EXPORT_MANIFEST EXPORT_PART) == 0 ||
	       strcmp(name, EXPORT_JOURNAL EXPORT_PART) == 0;
}

/* An export that was killed leaves what it was writing, and nobody may ask for that day again. */
static bool
remove_parts(struct task *task, const struct export_folder *folder)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool ok = true;

	if (dir == NULL)
		return task_fail(
		    task, ERR_UNAVAILABLE, "%s cannot be read: %s", folder->path, strerror(errno));
	while (ok && (entry = readdir(dir)) != NULL)
		if (is_part(entry->d_name))
			ok = export_folder_remove(task, folder, entry->d_name);
	closedir(dir);
	return ok;
}

bool
export_book_end(struct task *task, struct export_book *book)
{
	if (!remove_parts(task, book->folder))
		return false;
	if (book->whole && book->journal < 0)
		return true;
	export_book_sort(book);
	if (!export_book_write_manifest(task, book))
		return false;
	FAILPOINT("export-listed");
	return export_folder_remove(task, book->folder, EXPORT_JOURNAL);
}
