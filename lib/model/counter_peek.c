#include "lib/model/counter_peek.h"
#include "lib/model/counter_day.h"

#include <assert.h>

#include "lib/db.h"
#include "lib/model/counter_private.h"

static const char state_sql[] = "SELECT epoch, day "
				"FROM counter_states "
				"WHERE client_id = $1 "
				"AND NOT bypassed";

const char *const counter_peek_statements[] = { state_sql, NULL };

bool
counter_peek_state(struct task *task, struct counter_state *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	*ret = (struct counter_state){ 0 };
	db_add_id(params, task->client);
	if (!db_query(task, state_sql, params, &rows))
		return false;
	if (db_count(rows) > 0)
		*ret = (struct counter_state){ .epoch = db_int(rows, 0, 0),
			.day = db_date(rows, 0, 1) };
	return true;
}

bool
counter_peek(struct task *task, struct counter_day *ret)
{
	struct counter_state state;
	struct counter_view view;

	assert(task->db == NULL);
	*ret = (struct counter_day){ .from_postgres = true };
	if (!counter_peek_state(task, &state) || !db_commit(task))
		return false;
	if (state.epoch == 0)
		return true;
	counter_look(task, &state, &view);
	if (view.answer != COUNTER_OK)
		return true;
	*ret = (struct counter_day){
		.date = state.day,
		.confirmed = view.confirmed,
		.pending = view.pending,
		.pending_since = view.pending_since,
		.users = view.users,
	};
	return true;
}
