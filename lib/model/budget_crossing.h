/*
 * Thresholds that a budget's use has reached in a window and that nobody was told of yet. What is
 * used is the sum over the log and what purge has carried over, as in lib/model/budget_status.h.
 */
#ifndef LIB_MODEL_BUDGET_CROSSING_H
#define LIB_MODEL_BUDGET_CROSSING_H

#include "lib/clock.h"
#include "lib/model/alert.h"
#include "lib/model/budget_status.h"

#define BUDGET_CROSSINGS_MAX 500 /* of one call */

struct budget_crossing {
	const struct budget *budget;
	struct window window;
	const char *bucket; /* the value of each; NULL: the only one */
	enum budget_measure measure;
	int64_t percent;
	int64_t limit; /* of which that percentage was reached; with the override */
	int64_t spent[BUDGET_MEASURES];
	const char *key; /* of the alert */
};

struct budget_crossings {
	const struct budget_crossing *at;
	size_t count;
};

/*
 * The windows to look at now: the open one, and one that ended no longer than BUDGET_ENDED_LATELY
 * ago, for the calls of its last minute and late ones. Not one from before the budget was made.
 */
#define BUDGET_ENDED_LATELY (INT64_C(3600) * CLOCK_SECOND)
#define BUDGET_WINDOWS_MAX 2
struct budget_windows {
	struct window at[BUDGET_WINDOWS_MAX];
	size_t count;
};
NODISCARD bool budget_crossing_windows(
    struct task *task, const struct budget *budget, struct budget_windows *ret);
/*
 * At most BUDGET_CROSSINGS_MAX that have no alert yet, by bucket and measure. In a window that
 * rolls an alert counts as told for as long as the window is. Sees only the rows of task->client;
 * lives as long as the task, and the budget.
 */
NODISCARD bool budget_crossing_list(struct task *task, const struct budget *budget,
    struct window window, struct budget_crossings *ret);

/* What alert_raise() takes; the payload names budget, bucket, window, limit and use. */
struct alert_input budget_crossing_alert(struct task *task, const struct budget_crossing *crossing);

extern const char *const budget_crossing_statements[]; /* its SQL, for the tests; NULL behind the
							  last */

#endif
