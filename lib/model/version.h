/*
 * Versions of what a conversation makes: html with a description, numbered from 0 without gaps. The
 * newest is the current one, until another is made that. None is ever changed.
 *
 * Html is long: it goes to the database and comes from there in parts. Every call sees only the
 * rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_VERSION_H
#define LIB_MODEL_VERSION_H

#include "lib/db.h"
#include "lib/json_write.h"

#define VERSION_HTML_MAX (16 << 20) /* bytes */
#define VERSION_DESCRIPTION_MAX 500 /* characters */
#define VERSION_NUMBER_MAX INT32_MAX
#define VERSION_PART_SIZE (1 << 18) /* bytes */

struct version {
	struct id id;
	struct id conversation;
	int64_t number;
	const char *description; /* or NULL */
	int64_t size_bytes; /* of its html */
	int64_t created_at;
	bool current;
};

struct version_input {
	struct text html; /* 1 to VERSION_HTML_MAX bytes of UTF-8 without NUL */
	const char *description; /* or NULL */
};

struct versions {
	const struct version *at;
	size_t count;
};

/* It gets the next number and is the current one. ERR_NOT_FOUND: no such conversation.
 * ERR_CONFLICT: it has ended. */
NODISCARD bool version_add(struct task *task, struct id conversation,
    const struct version_input *input, struct version *ret);
/* ERR_NOT_FOUND, as below. */
NODISCARD bool version_find(
    struct task *task, struct id conversation, int64_t number, struct version *ret);
/* The newest first; after: the last of the page before, or nil. */
NODISCARD bool version_list(struct task *task, struct id conversation, struct id after,
    int64_t limit, struct versions *ret);
NODISCARD bool version_set_current(
    struct task *task, struct id conversation, int64_t number, struct version *ret);

/*
 * Its html in parts of VERSION_PART_SIZE bytes, in one transaction: characters may be cut.
 * ERR_NOT_FOUND: the version has gone.
 */
struct version_reader {
	struct db_cursor *cursor;
	int64_t parts; /* so far */
};
NODISCARD bool version_open(
    struct task *task, const struct version *version, struct version_reader *ret);
NODISCARD bool version_read(
    struct task *task, struct version_reader *reader, struct text *ret, bool *ret_last);

/* As JSON, without its html; object: a struct version. */
void version_write(struct json_out *out, const void *object);
/* Its members, inside an object. */
void version_write_members(struct json_out *out, const struct version *version);

extern const char *const version_statements[]; /* for the tests; NULL behind the last */

#endif
