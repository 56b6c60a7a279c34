#include "lib/model/agent_session.h"

#include <string.h>

#include "lib/model/agent_session_private.h"

/* A deleted user's row is still there for the foreign key, so the living are asked for. */
static const char user_sql[] = "SELECT id\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL";

static const char parent_sql[] = "SELECT root_id, user_id, depth\n"
				 "FROM agent_sessions\n"
				 "WHERE client_id = $1 AND id = $2";

/* Whoever adds to a tree or cancels a part of it stands in line here. */
static const char lock_root_sql[] = "SELECT id\n"
				    "FROM agent_sessions\n"
				    "WHERE client_id = $1 AND id = $2\n"
				    "FOR NO KEY UPDATE";

static const char lock_parent_sql[] = "SELECT status\n"
				      "FROM agent_sessions\n"
				      "WHERE client_id = $1 AND id = $2\n"
				      "FOR SHARE";

static const char size_sql[] = "SELECT count(*)\n"
			       "FROM agent_sessions\n"
			       "WHERE client_id = $1 AND root_id = $2";

static const char cancel_sql[] =
    "WITH RECURSIVE below AS (\n"
    "SELECT $2::uuid AS id\n"
    "UNION ALL\n"
    "SELECT s.id\n"
    "FROM below AS b\n"
    "JOIN agent_sessions AS s ON s.client_id = $1 AND s.parent_id = b.id)\n"
    "UPDATE agent_sessions\n"
    "SET status = 'cancelled', ended_at = $3\n"
    "WHERE client_id = $1 AND id = ANY (ARRAY(SELECT id FROM below)) AND status = 'running'";

const char *const agent_session_statements[] = { user_sql, parent_sql, lock_root_sql,
	lock_parent_sql, size_sql, cancel_sql, NULL };

static bool
check_user(struct task *task, struct id user)
{
	struct db_rows *rows;

	if (id_is_nil(user))
		return true;
	if (!db_query(task, user_sql, db_params_of(task, user), &rows))
		return false;
	return db_count(rows) == 1 ||
	       task_fail_field(task, "user_id", "must be the id of a living user");
}

/* Takes root, user and depth from the parent. */
static bool
find_parent(struct task *task, struct agent_session *session)
{
	struct db_rows *rows;

	if (!db_query(task, parent_sql, db_params_of(task, session->parent), &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail_field(task, "parent_id", "names no agent session of this client");
	session->root = db_id(rows, 0, 0);
	session->depth = db_int(rows, 0, 2) + 1;
	if (!id_is_nil(session->user) && !id_equal(session->user, db_id(rows, 0, 1)))
		return task_fail_field(task, "user_id", "must be the user of the parent");
	session->user = db_id(rows, 0, 1);
	return session->depth <= AGENT_DEPTH_MAX ||
	       task_fail_field(task, "parent_id", "is at the greatest depth that a tree may have");
}

/* The parent runs until the transaction ends, and so does the room in the tree last. */
static bool
take_place(struct task *task, const struct agent_session *session)
{
	const struct db_step steps[] = {
		{ lock_root_sql, db_params_of(task, session->root) },
		{ lock_parent_sql, db_params_of(task, session->parent) },
		{ size_sql, db_params_of(task, session->root) },
	};
	struct db_rows *rows[COUNT(steps)];

	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	if (db_count(rows[1]) == 0)
		return task_fail_field(task, "parent_id", "names no agent session of this client");
	if (strcmp(db_text(rows[1], 0, 0), agent_status_names[AGENT_RUNNING]) != 0)
		return task_fail(task, ERR_CONFLICT, "The parent has ended.");
	return db_int(rows[2], 0, 0) < AGENT_TREE_MAX ||
	       task_fail(
		   task, ERR_CONFLICT, "A tree has %d agent sessions at most.", AGENT_TREE_MAX);
}

bool
agent_session_check(struct task *task, const void *before, void *after)
{
	struct agent_session *session = after;

	if (before != NULL)
		return true;
	session->head.id = id_new(task->now);
	session->started_at = task->now;
	session->last_activity_at = task->now;
	if (!id_is_nil(session->parent))
		return find_parent(task, session) && take_place(task, session);
	session->root = session->head.id;
	return check_user(task, session->user);
}

bool
agent_session_find_running(struct task *task, struct id id, struct agent_session *ret)
{
	if (!resource_find_to_change(task, &agent_session_resource, id, NULL, ret))
		return false;
	return ret->status == AGENT_RUNNING ||
	       task_fail(task, ERR_CONFLICT, "The agent session has ended.");
}

bool
agent_session_cancel(
    struct task *task, struct id id, struct agent_session *ret, int64_t *ret_cancelled)
{
	struct db_params *params = db_params_of(task, id);
	struct db_rows *rows;

	if (!resource_find(task, &agent_session_resource, id, ret) ||
	    !db_query(task, lock_root_sql, db_params_of(task, ret->root), NULL))
		return false;
	db_add_time(params, task->now);
	if (!db_query(task, cancel_sql, params, &rows))
		return false;
	*ret_cancelled = db_changed(rows);
	return resource_find(task, &agent_session_resource, id, ret);
}
