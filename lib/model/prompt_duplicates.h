/*
 * Groups of near-duplicate prompts of a period, with what their calls cost.
 *
 * The prompts that cost most come first: each joins the first group whose leader it is like enough,
 * or leads a group of its own. So every member is near its leader, and the same rows always give
 * the same groups. Only prompts that records were called with (prompt_add_event()) and that have an
 * embedding of the model are looked at.
 *
 * Every call sees only the rows of task->client.
 */
#ifndef LIB_MODEL_PROMPT_DUPLICATES_H
#define LIB_MODEL_PROMPT_DUPLICATES_H

#include "lib/core/span.h"
#include "lib/model/prompt_embedding.h"

#define PROMPT_DUPLICATES_MAX 1000 /* prompts that are compared with one another */
#define PROMPT_GROUPS_MAX 100 /* of an answer */
#define PROMPT_GROUPS_DEFAULT 20
#define PROMPT_DAYS_MAX 92 /* of a period */

struct prompt_use {
	struct prompt_hash hash;
	int64_t calls, unpriced_calls;
	int64_t cost_nanos;
	int64_t similarity; /* to the leader, which is the first */
	size_t group;
};

struct prompt_group {
	const struct prompt_use *uses; /* the leader first, then by cost */
	size_t count; /* 2 or more */
	int64_t calls, unpriced_calls;
	int64_t cost_nanos;
};

struct prompt_groups {
	const struct prompt_group *at; /* those that cost most first */
	size_t count;
	int64_t prompts; /* that were compared */
	bool complete; /* false: there were more than prompts_max */
};

struct prompt_period {
	const char *model;
	struct span span; /* of the records */
	int64_t min_similarity; /* millionths */
	int64_t limit; /* groups */
	int64_t prompts_max; /* PROMPT_DUPLICATES_MAX, or less */
};

NODISCARD bool prompt_find_duplicates(
    struct task *task, const struct prompt_period *period, struct prompt_groups *ret);

extern const char
    *const prompt_duplicates_statements[]; /* its SQL, for the tests; NULL behind the last */

#endif
