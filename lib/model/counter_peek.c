#include "lib/model/counter_peek.h"

#include <assert.h>

#include "lib/db.h"
#include "lib/model/counter_private.h"

static const char state_sql[] = "SELECT epoch "
				"FROM counter_states "
				"WHERE client_id = $1 "
				"AND NOT bypassed";

const char *const counter_peek_statements[] = { state_sql, NULL };

bool
counter_peek(struct task *task, struct counter_day *ret)
{
	struct db_params *params = db_params(task);
	struct counter_view view;
	struct db_rows *rows;

	assert(task->db == NULL);
	db_add_id(params, task->client);
	if (!db_query(task, state_sql, params, &rows) || !db_commit(task))
		return false;
	counter_look(task, &view);
	*ret = (struct counter_day){ .from_postgres = true };
	if (db_count(rows) == 0 || view.answer != COUNTER_OK || !view.loaded ||
	    view.epoch != db_int(rows, 0, 0))
		return true;
	*ret = (struct counter_day){
		.date = view.date,
		.confirmed = view.confirmed,
		.pending = view.pending,
		.users = view.users,
	};
	return true;
}
