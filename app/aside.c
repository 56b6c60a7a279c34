#include "app/aside.h"

struct task
aside_begin(const struct request *req)
{
	const struct task *task = req->task;
	struct task aside;

	task_init(&aside, task->arena);
	aside.now = task->now;
	aside.client = task->client;
	aside.user = task->user;
	aside.actor = task->actor;
	aside.pool = task->pool;
	aside.seal_keys = task->seal_keys;
	return aside;
}

bool
aside_end(struct task *aside, struct request *req, bool ok)
{
	struct task *task = req->task;

	ok = ok && db_commit(aside);
	db_rollback(aside);
	task->queries += aside->queries;
	task->query_usec += aside->query_usec;
	if (!ok && task->err.code == ERR_NONE)
		task->err = aside->err;
	return ok;
}
