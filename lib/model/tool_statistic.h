/*
 * How often tools were called, and how that went: kept for good, a row for each day of the client's
 * zone, tool and slot of lib/core/histogram.h, by the transaction that stores the calls.
 */
#ifndef LIB_MODEL_TOOL_STATISTIC_H
#define LIB_MODEL_TOOL_STATISTIC_H

#include "lib/core/histogram.h"
#include "lib/db.h"
#include "lib/json_write.h"

#define TOOL_STATISTIC_UNTIMED (-1) /* the slot of calls without a duration */
#define TOOL_STATISTIC_ROWS_MAX 5000

struct tool_statistic {
	bool by_day;
	int32_t date; /* where by_day */
	const char *tool;
	int64_t calls;
	int64_t failed;
	int64_t p50_ms, p95_ms; /* of calls with a duration; -1: there are none */
};

struct tool_statistic_query {
	int32_t since, until; /* both inclusive */
	const char *tool; /* NULL: all */
	bool by_day; /* one for each day and tool, the newest first; else one for each tool */
};

struct tool_statistics {
	const struct tool_statistic *at;
	size_t count;
	bool complete; /* false: there were more than TOOL_STATISTIC_ROWS_MAX */
};

NODISCARD bool tool_statistic_read(
    struct task *task, const struct tool_statistic_query *query, struct tool_statistics *ret);

void tool_statistic_write(struct json_out *out, const struct tool_statistic *statistic);

extern const char *const tool_statistic_statements[]; /* its SQL, for the tests; NULL behind the
							 last */

#endif
