/*
 * Between the files of the export's book: what it knows, and how that is read and written.
 */
#ifndef WORKER_EXPORT_BOOK_PRIVATE_H
#define WORKER_EXPORT_BOOK_PRIVATE_H

#include "lib/json_write.h"
#include "worker/export_book.h"

#define EXPORT_VERSION 1
#define EXPORT_BOOK_MAX_BYTES ((size_t)1 << 30)

struct export_book {
	const struct export_folder *folder;
	struct export_form form;
	struct arena *arena; /* of the entries: longer than a step of the job */
	struct export_entry *at;
	size_t count, room;
	size_t known; /* of these, the first, sorted by file */
	bool whole; /* there is a manifest, and no journal */
	int journal; /* -1: nothing has changed */
};

/* Puts it behind the others. */
void export_book_append(struct export_book *book, const struct export_entry *entry);
/* Sorts by file; of several with one name the last one stays. */
void export_book_sort(struct export_book *book);

/* Appends the entries of the manifest and of the journal, where there are any. */
NODISCARD bool export_book_read(
    struct task *task, struct export_book *book, const struct export_form *form);
NODISCARD bool export_book_write_manifest(struct task *task, struct export_book *book);
NODISCARD bool export_book_write_journal(struct task *task, struct export_book *book);
void export_book_write_entry(struct json_out *out, const struct export_entry *entry);

#endif
