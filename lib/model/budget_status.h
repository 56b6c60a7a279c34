/*
 * What was spent of a budget in its open window: sums over the log and what purge kept of it
 * (lib/model/budget_carry.h), which reserve nothing. A call
 * costs its verified, else its estimated cost, else what the budget's fallback says, else nothing.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_BUDGET_STATUS_H
#define LIB_MODEL_BUDGET_STATUS_H

#include "lib/model/budget.h"

#define BUDGET_BUCKETS_SHOWN 100

struct budget_use {
	int64_t spent[BUDGET_MEASURES];
	int64_t held[BUDGET_MEASURES]; /* by authorizations; 0 in sums over the log */
	int64_t unpriced; /* calls without a cost of their own */
};

struct budget_status {
	const struct budget *budget;
	const char *bucket; /* the value of each; NULL: all buckets together, or the only one */
	struct window window;
	struct budget_use use;
};

struct budget_bucket {
	const char *value;
	struct budget_use use;
};

struct budget_buckets {
	const struct budget_bucket *at;
	size_t count;
};

/* Of all buckets together where the budget has several. */
NODISCARD bool budget_status_find(
    struct task *task, const struct budget *budget, struct budget_status *ret);
/* Of the bucket into which the call falls; the budget applies to it. */
NODISCARD bool budget_status_find_call(struct task *task, const struct budget *budget,
    const struct budget_scope *call, struct budget_status *ret);
/* By descending cost, at most BUDGET_BUCKETS_SHOWN; none where the budget has no each. */
NODISCARD bool budget_status_list_buckets(
    struct task *task, const struct budget_status *status, struct budget_buckets *ret);

/* The limit, what is spent and held and the mode as lib/core/decide.h takes them. */
struct account budget_status_account(
    const struct budget *budget, const struct budget_use *use, enum budget_measure measure);
/* False: a hard budget has nothing left of one of its limits. */
bool budget_status_allows(const struct budget_status *status, int64_t now);
/* Those that do not allow first, then by what remains: of cost, else of tokens, else of requests.
 */
void budget_status_sort(struct task *task, struct budget_status *list, size_t count);

/* Members of an open object: the budget, spent_, held_, limit_ and remaining_ of each measure, the
 * window. What remains of several buckets together is null. */
void budget_status_write(struct json_out *out, const struct budget_status *status, int64_t now);
void budget_status_write_bucket(struct json_out *out, const struct budget_status *status,
    const struct budget_bucket *bucket, int64_t now);

/* Members window_start and resets_at; null where the window has no such instant. */
void budget_status_write_window(
    struct json_out *out, const struct budget *budget, struct window window);

extern const char *const budget_status_statements[]; /* its SQL, for the tests; NULL behind the
							last */

#endif
