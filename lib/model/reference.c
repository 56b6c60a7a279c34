#include "lib/model/reference.h"

#include <assert.h>
#include <string.h>

/* Stands for the tier of who was erased. */
#define ERASED "erased"

/* Not joins, which the planner may answer from a hash of a whole table. A session has no tier. */
static const char find_sql[] = "SELECT CASE WHEN n.is_session THEN "
			       "(SELECT '' FROM sessions s "
			       "WHERE s.client_id = n.client_id AND s.id = n.id) "
			       "ELSE coalesce((SELECT u.tier FROM users u "
			       "WHERE u.client_id = n.client_id AND u.id = n.id), "
			       "(SELECT '" ERASED "' FROM erased_users e "
			       "WHERE e.client_id = n.client_id "
			       "AND e.user_hash = erased_hash(n.client_id, n.id))) END "
			       "FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) WITH ORDINALITY "
			       "AS n (client_id, id, is_session, ordinal) "
			       "ORDER BY n.ordinal";

const char *const reference_statements[] = { find_sql, NULL };

bool
reference_find(struct task *task, struct reference *const *list, size_t count)
{
	struct id *clients = arena_array(task->arena, count, sizeof(*clients));
	struct db_params *params = db_params(task);
	struct db_array *client_ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *sessions = db_add_array(params, DB_ARRAY_BOOL);
	struct db_step step = { .sql = find_sql, .params = params };
	struct db_rows *rows;
	size_t known = 0;

	assert(task->db == NULL);
	for (size_t i = 0; i < count; i++) {
		db_array_id(client_ids, list[i]->client);
		db_array_id(ids, list[i]->id);
		db_array_bool(sessions, list[i]->kind == REFERENCE_SESSION);
		if (known == 0 || !id_equal(clients[known - 1], list[i]->client))
			clients[known++] = list[i]->client;
	}
	db_set_clients(task, clients, known);
	if (!db_pipeline_commit(task, &step, 1, &rows, NULL))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *tier = db_text(rows, (int)i, 0);

		list[i]->erased = tier != NULL && strcmp(tier, ERASED) == 0;
		list[i]->found = tier != NULL && !list[i]->erased;
		if (list[i]->found && list[i]->kind == REFERENCE_USER)
			list[i]->tier = user_tier_of(tier);
	}
	return true;
}
