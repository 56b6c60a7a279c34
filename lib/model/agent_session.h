/*
 * Sessions of agents, which form trees. The parent of a session is given when it begins and never
 * changes; all of a tree are one user's.
 *
 * What a session took stands in two places: the sums of the records that name it
 * (agent_session_id), and what its caller states. The greater of the two counts, for cost and
 * tokens each. Both are the session's own, without those below it. When it ends with a stated cost,
 * the owner's credits pay for what that is beyond the recorded: that much no record has paid for.
 * The money is spent, so what the account lacks is uncovered. Records that come after the end are
 * counted, and paid for on their own: who records calls has no cost to state.
 *
 * They are not in the audit log, where what they work at would stay for good. Every call sees only
 * the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_AGENT_SESSION_H
#define LIB_MODEL_AGENT_SESSION_H

#include "lib/model/client.h"
#include "lib/model/resource.h"

#define AGENT_DEPTH_MAX 64
#define AGENT_TREE_MAX 10000 /* sessions of one */
#define AGENT_EXTERNAL_ID_MAX 64
#define AGENT_BRANCH_MAX 255
#define AGENT_VISION_MAX 16384
#define AGENT_DIRECTORY_MAX 4096
#define AGENT_PHASE_MAX 20
#define AGENT_COUNT_MAX INT64_C(1000000000)
#define AGENT_TOKENS_MAX INT64_C(1000000000000)
#define AGENT_FILES_MAX 1000 /* of each of the three sets */
#define AGENT_FILE_NAME_MAX 1024
#define AGENT_ERROR_MAX 4096
#define AGENT_REPORT_MAX 65536 /* bytes of JSON */
#define AGENT_COST_MAX INT64_C(1000000000000000) /* nano-dollars: a million dollars */
#define AGENT_PROGRESS_SCALE 1000000

enum agent_status { AGENT_RUNNING, AGENT_COMPLETED, AGENT_FAILED, AGENT_CANCELLED };
extern const char *const agent_status_names[]; /* in the order of the enum, NULL behind the last */

/* Sets: each name once, in the order of strcmp(). */
struct agent_files {
	struct json_texts modified, created, deleted;
};

struct agent_session {
	struct resource_head head;
	struct id user; /* nil: nobody's */
	const char *external_id; /* NULL where not given, as for the texts below */
	struct id parent; /* nil: a root */
	struct id root;
	int64_t depth;
	const char *git_branch;
	const char *vision;
	const char *working_directory;
	bool streaming_enabled;
	int status; /* enum agent_status */
	const char *phase;
	int64_t progress; /* of AGENT_PROGRESS_SCALE */
	int64_t iteration_count;
	int64_t tool_calls_count;
	struct agent_files files;
	bool success; /* false while it runs */
	const char *error_message;
	struct text completion_report; /* a JSON object */
	int64_t stated_cost_nanos; /* RESOURCE_NONE where not given, as below */
	int64_t stated_tokens;
	int64_t total_cost_nanos;
	int64_t tokens_used;
	int64_t calls; /* records */
	int64_t started_at;
	int64_t last_activity_at;
	int64_t ended_at; /* 0: it runs */
	int64_t since, until; /* of a list: it began not before, and before */
};

/* ERR_INVALID naming user_id (no living user, not the parent's) or parent_id (no such session,
 * AGENT_DEPTH_MAX); ERR_CONFLICT where the parent has ended or the tree has AGENT_TREE_MAX. */
extern const struct resource agent_session_resource;

/* Counts are of the session so far, and one that is less than before changes nothing: so it can be
 * told twice. Files are added. */
struct agent_progress {
	const char *phase; /* NULL where not given */
	int64_t progress; /* RESOURCE_NONE where not given, as below */
	int64_t iteration_count;
	int64_t tool_calls_count;
	int64_t tokens_used;
	struct agent_files files;
};
/* ERR_INVALID naming phase, or a set of files that would hold too many; ERR_CONFLICT when it has
 * ended. */
NODISCARD bool agent_session_progress(struct task *task, struct id id,
    const struct agent_progress *progress, struct agent_session *ret);

struct agent_ending {
	struct agent_progress progress; /* the last */
	enum agent_status status; /* AGENT_COMPLETED or AGENT_FAILED */
	bool success;
	const char *error_message; /* or NULL */
	struct text completion_report; /* at NULL where not given */
	int64_t cost_nanos; /* of the whole session; RESOURCE_NONE where not stated */
	enum client_credits credits; /* whose account pays */
	struct id api_key; /* for the ledger, as the next */
	const char *address;
};
/* As agent_session_progress(). */
NODISCARD bool agent_session_end(
    struct task *task, struct id id, const struct agent_ending *ending, struct agent_session *ret);

/* Ends the session and all below it that still run, so many; none begins there any more. */
NODISCARD bool agent_session_cancel(
    struct task *task, struct id id, struct agent_session *ret, int64_t *ret_cancelled);

/* For the tests; NULL behind the last. */
extern const char *const agent_session_statements[];
extern const char *const agent_session_progress_statements[];

#endif
