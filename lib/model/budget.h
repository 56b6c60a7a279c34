/*
 * Budgets: a limit on what a client may spend in each window. What is spent is the sum over the
 * log and what purge kept of it (lib/model/budget_status.h): a changed limit never changes it, and
 * what a budget counts is never changed.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_BUDGET_H
#define LIB_MODEL_BUDGET_H

#include "lib/core/decide.h"
#include "lib/core/period.h"
#include "lib/model/budget_scope.h"
#include "lib/model/resource.h"

#define BUDGET_NAME_MAX 80
#define BUDGET_MAX (INT64_C(1) << 53) /* nano-dollars, requests, tokens: Lua counts in doubles */
#define BUDGET_THRESHOLDS_MAX 10
#define BUDGET_THRESHOLD_MAX 1000 /* percent */
#define BUDGETS_MAX 1000 /* living ones of a client */

enum budget_measure {
	BUDGET_COST, /* nano-dollars */
	BUDGET_REQUESTS,
	BUDGET_TOKENS,
	BUDGET_MEASURES
};

/* What becomes of a call whose price is not known. */
enum budget_unpriced { BUDGET_BLOCK, BUDGET_ALLOW, BUDGET_FALLBACK, BUDGET_UNPRICEDS };
extern const char *const budget_unpriced_names[]; /* in the order of the enum, NULL behind the last,
						     as below */
/* What becomes of authorizations while the counters are away. */
enum budget_loss { BUDGET_CLOSED, BUDGET_OPEN, BUDGET_LOSSES };
extern const char *const budget_loss_names[];

struct budget {
	struct resource_head head;
	const char *name;
	struct budget_scope scope; /* a call counts where every value that is given fits it */
	enum budget_dimension each; /* one bucket for each value of it, or BUDGET_NO_DIMENSION */
	enum period period;
	int64_t rolling_hours; /* 0 unless PERIOD_ROLLING */
	const char *timezone; /* IANA name */
	int64_t limits[BUDGET_MEASURES]; /* DECIDE_NO_LIMIT: none; one is there at least */
	enum decide_mode mode;
	struct json_ints thresholds; /* percent of a limit, ascending */
	enum budget_unpriced unpriced;
	int64_t fallback_rate; /* pico-dollars a token; PRICE_NONE where not given */
	int loss; /* enum budget_loss as it was given; BUDGET_LOSSES: by the mode */
	enum budget_loss on_counter_loss; /* as it follows: where not given, closed if it is hard */
	int64_t override_nanos; /* added to the limit of cost, where there is an override */
	int64_t override_until; /* 0: there is none */
};

struct budgets {
	const struct budget *at;
	size_t count;
};

/* Its defaults are what is not given. ERR_INVALID naming bad fields; ERR_CONFLICT naming the name
 * when it is taken, or when there are BUDGETS_MAX. */
extern const struct resource budget_resource;

/* By descending id. after nil: from the start. */
NODISCARD bool budget_list(struct task *task, struct id after, int64_t limit, struct budgets *ret);
/* Every budget under which the call falls: its scope fits, and its buckets have one for it. */
NODISCARD bool budget_list_applying(
    struct task *task, const struct budget_scope *call, struct budgets *ret);
/* ERR_NOT_FOUND. */
NODISCARD bool budget_find_by_name(struct task *task, const char *name, struct budget *ret);

extern const char *const budget_statements[]; /* its SQL, for the tests; NULL behind the last */

/* What stands behind FROM in resource_select(): lib/model/budget_list.c. */
extern const char *const budget_selects[];

#endif
