/*
 * What became of calls of tools, one row for each: kept for a while, by day; what tool_statistic.h
 * sums up stays. An id is a UUIDv7 whose time is created_at, so the order of ids is that of time.
 *
 * Every call sees only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_TOOL_EXECUTION_H
#define LIB_MODEL_TOOL_EXECUTION_H

#include "lib/db.h"
#include "lib/json_write.h"

#define TOOL_EXECUTION_TOOL_MAX 128 /* characters of the name, of the catalogue or not */
#define TOOL_EXECUTION_ARGUMENTS_MAX 16384 /* bytes of JSON */
#define TOOL_EXECUTION_RESULT_MAX 65536
#define TOOL_EXECUTION_ERROR_MAX 4096
#define TOOL_EXECUTION_DURATION_MAX_MS INT64_C(86400000)
#define TOOL_EXECUTION_NONE INT64_C(-1) /* a duration that was not given */

struct tool_execution {
	struct id id;
	int64_t created_at; /* whole milliseconds: the time of the id */
	const char *tool;
	struct id user_id; /* nil where not given, as for the ids below */
	struct id conversation_id;
	struct id agent_session_id;
	struct text arguments; /* a JSON object; at NULL where not given */
	struct text result; /* the same */
	bool success;
	const char *error_message; /* NULL where not given */
	int64_t duration_ms; /* TOOL_EXECUTION_NONE where not given */
};

enum tool_outcome { TOOL_STORED, TOOL_DUPLICATE, TOOL_NO_USER };

/* One that is to be stored. */
struct tool_call {
	struct tool_execution execution;
	int32_t date; /* of created_at, in the client's zone: counted there */
	enum tool_outcome outcome; /* set when it is stored */
};

/*
 * Stores those that are not there yet, and counts them, in the task's transaction. The first of
 * several with one id is stored, one of a user who is not the client's is not.
 */
NODISCARD bool tool_execution_store(struct task *task, struct tool_call *calls, size_t count);

/* ERR_NOT_FOUND. */
NODISCARD bool tool_execution_find(struct task *task, struct id id, struct tool_execution *ret);

/* Every condition must hold. Start from tool_execution_all. */
struct tool_execution_filter {
	const char *tool; /* NULL: any */
	struct id user_id; /* nil: any, as for the ids below */
	struct id conversation_id;
	struct id agent_session_id;
	int success; /* 1, 0, or -1 for any */
	int64_t since; /* inclusive */
	int64_t until; /* exclusive; INT64_MAX: no end */
	struct id after; /* the last id of the page before; nil: from the start */
	int64_t limit;
};
extern const struct tool_execution_filter tool_execution_all;

/* By descending id; *ret: so many in a row. */
NODISCARD bool tool_execution_list(struct task *task, const struct tool_execution_filter *filter,
    struct tool_execution **ret, size_t *ret_count);

void tool_execution_write(struct json_out *out, const void *object); /* struct tool_execution */

extern const char *const tool_execution_statements[]; /* its SQL, for the tests; NULL behind the
							 last */
extern const char *const tool_execution_store_statements[]; /* the same */

#endif
