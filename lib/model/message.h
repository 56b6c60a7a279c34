/*
 * Messages of a conversation, numbered from 1 without gaps. One is never changed; it goes when it
 * is past its time, with its conversation, or with its user.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_MESSAGE_H
#define LIB_MODEL_MESSAGE_H

#include "lib/db.h"
#include "lib/json_write.h"

#define MESSAGE_CONTENT_MAX (INT64_C(1) << 20) /* bytes */
#define MESSAGE_METADATA_MAX 16384
#define MESSAGE_TOKENS_MAX INT64_C(100000000)
#define MESSAGE_RECENT_TOKENS_MAX INT64_C(1000000000000)
/* An answer: */
#define MESSAGES_MAX 500
#define MESSAGES_BYTES_MAX (INT64_C(4) << 20) /* of their contents */

enum message_role { MESSAGE_SYSTEM, MESSAGE_USER, MESSAGE_ASSISTANT, MESSAGE_TOOL };
extern const char *const message_role_names[]; /* NULL behind the last */

struct message {
	struct id id;
	struct id conversation;
	int64_t ordinal;
	int role; /* enum message_role */
	const char *content; /* NULL in the answer to adding it */
	int64_t tokens;
	struct text metadata; /* a JSON object; at NULL: none */
	int64_t created_at;
};

struct messages {
	const struct message *at;
	size_t count;
	int64_t last; /* of a list: the ordinal behind which it goes on */
	bool more; /* in the direction in which they were read */
	int64_t tokens; /* of these */
};

/*
 * Counted by the conversation in the same transaction; at the end the id, the ordinal and the time
 * are set. ERR_NOT_FOUND; ERR_CONFLICT: the conversation has ended; ERR_INVALID naming content.
 */
NODISCARD bool message_add(struct task *task, struct message *message);

/* In the order of their ordinals, behind this one; at most limit, and as many as an answer holds.
 * ERR_NOT_FOUND. */
NODISCARD bool message_list(
    struct task *task, struct id conversation, int64_t after, int64_t limit, struct messages *ret);

/*
 * The newest that fit so many tokens, in the order of their ordinals. System messages are always
 * there and counted first: where they alone are more than tokens, they come alone. An answer's
 * limits hold in the same way, for system messages too: of those, the newest then. ERR_NOT_FOUND.
 */
NODISCARD bool message_recent(
    struct task *task, struct id conversation, int64_t tokens, struct messages *ret);

/* As JSON; content and metadata of a message that has just been added are not repeated. */
void message_write(struct json_out *out, const void *object);

extern const char *const message_statements[]; /* for the tests; NULL behind the last */

#endif
