/*
 * What an export has written: in manifest.json when it is whole, in journal.ndjson while it is not.
 *
 * The first file that changes puts everything known into a new journal and removes the manifest;
 * each file that is whole becomes a line of the journal; the manifest is written last, and the
 * journal removed. So there is a manifest only where every file that it lists is there. Neither
 * holds a time of its own: an export that was broken off ends with the same bytes as one that was
 * not.
 */
#ifndef WORKER_EXPORT_BOOK_H
#define WORKER_EXPORT_BOOK_H

#include "worker/export_file.h"

#define EXPORT_MANIFEST "manifest.json"
#define EXPORT_JOURNAL "journal.ndjson"

enum export_what { EXPORT_RECORDS, EXPORT_USAGE, EXPORT_FOCUS, EXPORT_AUDIT };
enum export_format { EXPORT_NDJSON, EXPORT_CSV };
extern const char *const export_book_whats[]; /* NULL behind the last, as below */
extern const char *const export_book_formats[];

/* One folder holds files of one form. */
struct export_form {
	int what; /* enum export_what */
	int format; /* enum export_format */
	bool plain; /* not packed by gzip */
};

/* What the rows of a file come from: where these differ, the day has changed. */
struct export_sums {
	int64_t calls; /* of audit, entries */
	int64_t tokens;
	int64_t cost_nanos; /* what the column of cost adds up to */
	int64_t adjustments; /* how many; of focus only */
	int64_t adjustments_nanos; /* in cost_nanos, too */
};

struct export_entry {
	const char *file;
	struct id client; /* nil: the operators */
	int32_t date; /* of the zone */
	const char *timezone;
	int64_t rows;
	int64_t bytes;
	const char *sha256;
	struct export_sums sums;
	bool complete; /* false: a part of the day's records had left the log before */
};

struct export_book;

/* form NULL: whatever the folder holds. ERR_CONFLICT: it holds another form. The book lives as long
 * as the task. */
NODISCARD bool export_book_open(struct task *task, const struct export_folder *folder,
    const struct export_form *form, struct export_book **ret);
/* Whether there is a manifest. */
bool export_book_is_whole(const struct export_book *book);
size_t export_book_count(const struct export_book *book);
/* In the order of the files' names, as long as none was added. */
const struct export_entry *export_book_at(const struct export_book *book, size_t i);
/* NULL: there is none. Not one that was added since the book was opened. */
const struct export_entry *export_book_find(const struct export_book *book, const char *file);

/* Before the first file is written. */
NODISCARD bool export_book_change(struct task *task, struct export_book *book);
/* The file is whole; instead of what was said of it before. Copies the entry. */
NODISCARD bool export_book_add(
    struct task *task, struct export_book *book, const struct export_entry *entry);
/* Writes the manifest, where there is not the same one, and removes what killed exports left. */
NODISCARD bool export_book_end(struct task *task, struct export_book *book);

#endif
