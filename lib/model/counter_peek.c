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
counter_peek(struct task *task, struct counter_day *ret)
{
	struct db_params *params = db_params(task);
	struct counter_state state;
	struct counter_view view;
	struct db_rows *rows;

	assert(task->db == NULL);
	*ret = (struct counter_day){ .from_postgres = true };
	db_add_id(params, task->client);
	if (!db_query(task, state_sql, params, &rows) || !db_commit(task))
		return false;
	if (db_count(rows) == 0)
		return true;
	state = (struct counter_state){ .epoch = db_int(rows, 0, 0), .day = db_date(rows, 0, 1) };
	counter_look(task, &state, &view);
	if (view.answer != COUNTER_OK)
		return true;
	*ret = (struct counter_day){
		.date = state.day,
		.confirmed = view.confirmed,
		.pending = view.pending,
		.users = view.users,
	};
	return true;
}
