/*
 * Versions of what a conversation makes: html with a description, numbered from 0 without gaps. The
 * newest is the current one, until another is made that. None is ever changed.
 *
 * Html is long: it is written from where it lies, and read in parts. Every call sees only the rows
 * of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_VERSION_H
#define LIB_MODEL_VERSION_H

#include "lib/db.h"
#include "lib/json_write.h"

#define VERSION_HTML_MAX (16 << 20) /* bytes */
#define VERSION_DESCRIPTION_MAX 500 /* characters */
#define VERSION_NUMBER_MAX INT32_MAX
#define VERSION_PART_CHARS (1 << 20)

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
/* The part of its html behind so many parts, of at most VERSION_PART_CHARS characters; the last
 * ends where size_bytes are together. ERR_NOT_FOUND: the version has gone. */
NODISCARD bool version_read(
    struct task *task, const struct version *version, int64_t parts, struct text *ret);

/* As JSON, without its html; object: a struct version. */
void version_write(struct json_out *out, const void *object);
/* Its members, inside an object. */
void version_write_members(struct json_out *out, const struct version *version);

extern const char *const version_statements[]; /* for the tests; NULL behind the last */

#endif
