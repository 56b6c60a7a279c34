/*
 * The audit log: who changed what, with the entity before and after, written in the transaction of
 * the change. An operator's changes are kept under the nil client, all others under task->client.
 * No role can change or remove an entry.
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
/* The same as a step, for many of them in one round trip. */
struct db_step audit_step(struct task *task, const char *action, const char *entity,
    struct id entity_id, struct text before, struct text after);

/* What write makes of the object, for before and after. */
struct text audit_json(
    struct task *task, void (*write)(struct json_out *out, const void *object), const void *object);

/* Texts live as long as the task; NULL where there is none. */
struct audit_entry {
	struct id id;
	struct id client; /* nil: the operator's */
	int64_t created_at;
	const char *action, *entity, *entity_id;
	struct id api_key_id; /* nil: none, the command line */
	struct id user_id; /* to whom that key is bound, or nil */
	const char *ip_address, *request_id;
	struct text before, after; /* JSON; at NULL */
};

struct audit_filter {
	bool all; /* of every client; for operators */
	struct id client; /* else of this one */
	struct id after; /* nil: from the newest on */
	int64_t limit;
	int64_t since, until; /* to the millisecond; until is not included */
	const char *entity, *entity_id, *action; /* NULL: any */
	struct id api_key_id, user_id; /* nil: any */
};

struct audit_entries {
	const struct audit_entry *at;
	size_t count;
};

/* Newest first. An operator's task may read every client's, any other its own. */
NODISCARD bool audit_list(
    struct task *task, const struct audit_filter *filter, struct audit_entries *ret);

/* Of task->client, the nil one's being those of operators; oldest first. The time of the first
 * entry from since on, to the millisecond; *ret_any false: there is none. */
NODISCARD bool audit_next(struct task *task, int64_t since, bool *ret_any, int64_t *ret_at);
/* Entries from since on and before until. */
NODISCARD bool audit_count(struct task *task, int64_t since, int64_t until, int64_t *ret);
/* The same in portions, which live as long as the task; count 0: the end. */
NODISCARD bool audit_walk(struct task *task, int64_t since, int64_t until, struct db_cursor **ret);
NODISCARD bool audit_walk_next(
    struct task *task, struct db_cursor *cursor, struct audit_entries *ret);

/* As a JSON object, and as a line of CSV by RFC 4180 with the same names. */
void audit_write(struct json_out *out, const void *object); /* a struct audit_entry */
void audit_csv_head(struct buf *buf);
void audit_csv_row(struct buf *buf, const void *object); /* the same */

/* Their SQL, for the tests; NULL behind the last. */
extern const char *const audit_statements[];
extern const char *const audit_list_statements[];
extern const char *const audit_walk_statements[];

#endif
