#include "lib/model/user_tiers.h"

#include <assert.h>
#include <string.h>

/* Not a join, which the planner may answer from a hash of all users. */
static const char find_sql[] = "SELECT (SELECT tier FROM users u "
			       "WHERE u.client_id = n.client_id AND u.id = n.user_id) "
			       "FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY "
			       "AS n (client_id, user_id, ordinal) "
			       "ORDER BY n.ordinal";

const char *const user_tiers_statements[] = { find_sql, NULL };

static const char *
constant(const char *tier)
{
	for (size_t i = 0; i < USER_TIERS; i++) {
		if (strcmp(user_tier_names[i], tier) == 0)
			return user_tier_names[i];
	}
	return NULL;
}

bool
user_tiers_find(struct task *task, struct user_tier_row *rows, size_t count)
{
	struct id *clients = arena_array(task->arena, count, sizeof(*clients));
	struct db_params *params = db_params(task);
	struct db_array *client_ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *user_ids = db_add_array(params, DB_ARRAY_ID);
	struct db_rows *found;
	size_t known = 0;

	assert(task->db == NULL);
	for (size_t i = 0; i < count; i++) {
		db_array_id(client_ids, rows[i].client);
		db_array_id(user_ids, rows[i].user);
		if (known == 0 || !id_equal(clients[known - 1], rows[i].client))
			clients[known++] = rows[i].client;
	}
	db_set_clients(task, clients, known);
	if (!db_query(task, find_sql, params, &found))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *tier = db_text(found, (int)i, 0);

		*rows[i].ret = tier == NULL ? rows[i].unknown : constant(tier);
	}
	return db_commit(task);
}
