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
enum budget_unpriced { BUDGET_BLOCK, BUDGET_ALLOW, BUDGET_FALLBACK };
extern const char *const budget_unpriced_names[]; /* in the order of the enum, NULL behind the last,
						     as below */
/* What becomes of authorizations while the counters are away. */
enum budget_loss { BUDGET_CLOSED, BUDGET_OPEN };
extern const char *const budget_loss_names[];

struct budget {
	struct id id;
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
	bool has_on_counter_loss; /* else by the mode: closed where it is hard */
	enum budget_loss on_counter_loss;
	int64_t override_nanos; /* added to the limit of cost */
	int64_t override_until; /* 0: there is no override */
	int64_t version; /* raised by each change */
	int64_t created_at;
	int64_t updated_at;
};

struct budgets {
	const struct budget *at;
	size_t count;
};

/* What budget_add and budget_change take; has_ says whether the value beside it was given, no_ that
 * it is to be taken away. Texts NULL, rolling_hours 0: not given. */
struct budget_input {
	const char *name;
	struct budget_scope scope; /* budget_add only, as for the four below */
	int each;
	bool has_each;
	int period;
	int64_t rolling_hours;
	const char *timezone;
	int64_t limits[BUDGET_MEASURES];
	bool has_limits[BUDGET_MEASURES], no_limits[BUDGET_MEASURES];
	int mode;
	bool has_mode;
	struct json_ints thresholds;
	bool has_thresholds;
	int unpriced;
	bool has_unpriced;
	int64_t fallback_rate;
	bool has_fallback_rate;
	int on_counter_loss;
	bool has_on_counter_loss;
	int64_t override_nanos, override_until;
	bool has_override, no_override;
};
/* Their fields in JSON, over struct budget_input. */
extern const struct json_field budget_add_fields[15];
extern const struct json_field budget_change_fields[10];

/* ERR_CONFLICT naming the name when it is taken, or when there are BUDGETS_MAX; ERR_INVALID naming
 * bad fields. The calls that change write the audit log. */
NODISCARD bool budget_add(struct task *task, const struct budget_input *input, struct budget *ret);
NODISCARD bool budget_find(struct task *task, struct id id, struct budget *ret);
NODISCARD bool budget_find_by_name(struct task *task, const char *name, struct budget *ret);
/* Nobody else changes it until the transaction ends. */
NODISCARD bool budget_find_to_change(struct task *task, struct id id, struct budget *ret);
/* By descending id. after nil: from the start. */
NODISCARD bool budget_list(struct task *task, struct id after, int64_t limit, struct budgets *ret);
/* Every budget under which the call falls: its scope fits, and its buckets have one for it. */
NODISCARD bool budget_list_applying(
    struct task *task, const struct budget_scope *call, struct budgets *ret);
/* before: from budget_find_to_change(). The version stays where nothing differs. */
NODISCARD bool budget_change(struct task *task, const struct budget *before,
    const struct budget_input *input, struct budget *ret);
NODISCARD bool budget_remove(struct task *task, const struct budget *before);

void budget_write(struct json_out *out, const void *object); /* a struct budget */

/* Its SQL, for the tests; NULL behind the last. */
extern const char *const budget_statements[];
extern const char *const budget_list_statements[];

#endif
