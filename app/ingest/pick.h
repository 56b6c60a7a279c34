/*
 * Members of JSON that others define, found by their paths.
 */
#ifndef APP_INGEST_PICK_H
#define APP_INGEST_PICK_H

#include "lib/json_read.h"

/*
 * ret[i] becomes the value at paths[i] ("metadata.usage_object.prompt_tokens") as it stands, at
 * NULL where there is none, or null; of members of one name the last counts. The object must be one
 * that json_read_some() has read, or stand inside one. ERR_SYNTAX: a member's name is no text of
 * ours.
 */
NODISCARD bool pick_members(struct task *task, struct text object, const char *const *paths,
    size_t count, struct text *ret);

/*
 * A text without its quotes and escapes; what a number or a word stands as. at NULL for anything
 * else, and for a text that none of ours may be.
 */
struct text pick_plain(struct task *task, struct text json);

#endif
