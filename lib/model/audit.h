/*
 * The audit log: who changed what, with the entity before and after, written in the transaction of
 * the change. An operator's changes are kept under the nil client, all others under task->client.
 */
#ifndef LIB_MODEL_AUDIT_H
#define LIB_MODEL_AUDIT_H

#include "lib/db.h"
#include "lib/json_write.h"

/* Who acts in a task: task->actor. */
struct actor {
	struct id key; /* the API key */
	const char *address; /* an IPv4 or IPv6 address, or NULL */
	const char *request_id; /* or NULL */
};

/*
 * action is a verb ("add", "change", "revoke"), entity a table. before and after are JSON objects
 * without secrets; at NULL where there is none.
 */
NODISCARD bool audit_add(struct task *task, const char *action, const char *entity,
    struct id entity_id, struct text before, struct text after);

/* What write makes of the object, for before and after. */
struct text audit_json(
    struct task *task, void (*write)(struct json_out *out, const void *object), const void *object);

extern const char *const audit_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
