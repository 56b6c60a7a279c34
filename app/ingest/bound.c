#include "app/ingest/bound.h"

#include "lib/model/authorization.h"

/* Row-level security shows the request's own task what is the user's, and nothing else. */
static bool
check_references(struct task *task, const struct chat_log *log)
{
	struct budget_scope named = { .session_id = log->session_id,
		.agent_session_id = log->agent_session_id };
	struct authorization authorization;

	if (!authorization_check_scope(task, true, &named))
		return false;
	if (id_is_nil(log->authorization_id))
		return true;
	if (authorization_find(task, log->authorization_id, &authorization))
		return db_commit(task);
	if (task->err.code != ERR_NOT_FOUND)
		return false;
	db_rollback(task);
	task_clear_error(task);
	return task_fail_field(
	    task, "authorization_id", "names no authorization of the key's user");
}

bool
bound_check(struct task *task, const struct identity *identity, struct chat_log *log)
{
	if (id_is_nil(identity->user))
		return true;
	if (id_is_nil(log->user_id))
		log->user_id = identity->user;
	if (!id_equal(log->user_id, identity->user))
		return task_fail_field(task, "user_id", "is not the user to whom the key is bound");
	return task->err.code == ERR_NONE && check_references(task, log);
}

bool
bound_may_see(const struct identity *identity, const struct chat_log *log)
{
	return id_is_nil(identity->user) || id_equal(log->user_id, identity->user);
}
