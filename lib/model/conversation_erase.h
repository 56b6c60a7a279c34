/*
 * The erasure of one conversation at once, with all that was said and made in it. The records of
 * its calls stay, with the money that they cost and the conversation's id, which names nothing any
 * more: the log can only be added to.
 */
#ifndef LIB_MODEL_CONVERSATION_ERASE_H
#define LIB_MODEL_CONVERSATION_ERASE_H

#include "lib/db.h"
#include "lib/json_write.h"

#define CONVERSATION_TABLES_MAX 4

struct conversation_receipt {
	struct id conversation;
	int64_t erased_at;
	int64_t removed[CONVERSATION_TABLES_MAX]; /* rows of each table */
};

/* It and its numbers are in the audit log. ERR_NOT_FOUND. */
NODISCARD bool conversation_erase(
    struct task *task, struct id id, struct conversation_receipt *ret);

void conversation_write_receipt(struct json_out *out, const void *receipt);

extern const char *const conversation_erase_statements[]; /* for the tests; NULL behind the last */

#endif
