/*
 * A session of an agent with all below it, and what each of these subtrees took in all.
 *
 * Sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_AGENT_SESSION_TREE_H
#define LIB_MODEL_AGENT_SESSION_TREE_H

#include "lib/model/agent_session.h"

/* A sum that does not fit is INT64_MAX. */
struct agent_usage {
	int64_t sessions;
	int64_t running;
	int64_t cost_nanos;
	int64_t tokens;
	int64_t calls; /* records */
	int64_t tool_calls;
	int64_t duration_usec; /* of each from its begin to its end, or until now, added up */
};

struct agent_node {
	struct id id;
	struct id parent; /* of the first node maybe outside of the tree; nil: a root */
	const char *external_id; /* or NULL */
	int64_t depth;
	const char *phase;
	const char *status;
	int64_t started_at, ended_at; /* 0: it runs */
	struct agent_usage own;
	struct agent_usage total; /* with all below */
};

struct agent_tree {
	struct agent_node *at; /* parents before their children */
	size_t count;
};

/* ERR_NOT_FOUND. */
NODISCARD bool agent_session_tree(struct task *task, struct id id, struct agent_tree *ret);

/* The root of its tree; *ret nil: there is no such session. */
NODISCARD bool agent_session_find_root(struct task *task, struct id id, struct id *ret);

/* Sums up own into total. Pure: the nodes stand in the order of a tree. */
void agent_tree_total(struct task *task, struct agent_tree *tree);

void agent_tree_write(struct json_out *out, const void *object); /* struct agent_tree */

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const agent_session_tree_statements[];

#endif
