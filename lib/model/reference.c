#include "lib/model/reference.h"

#include <assert.h>
#include <string.h>

/* Stands for the tier of who was erased. */
#define ERASED "erased"

/* Not joins, which the planner may answer from a hash of a whole table. A session has no tier, an
 * agent session has its root instead. $3 is the kind. */
static const char find_sql[] = "SELECT CASE n.kind WHEN 1 THEN "
			       "(SELECT '' FROM sessions s "
			       "WHERE s.client_id = n.client_id AND s.id = n.id) "
			       "WHEN 2 THEN (SELECT a.root_id::text FROM agent_sessions a "
			       "WHERE a.client_id = n.client_id AND a.id = n.id) "
			       "ELSE coalesce((SELECT u.tier FROM users u "
			       "WHERE u.client_id = n.client_id AND u.id = n.id), "
			       "(SELECT '" ERASED "' FROM erased_users e "
			       "WHERE e.client_id = n.client_id "
			       "AND e.user_hash = erased_hash(n.client_id, n.id))) END "
			       "FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY "
			       "AS n (client_id, id, kind, ordinal) "
			       "ORDER BY n.ordinal";

const char *const reference_statements[] = { find_sql, NULL };

_Static_assert(REFERENCE_SESSION == 1 && REFERENCE_AGENT_SESSION == 2, "as find_sql has them");

static void
read_root(const char *root, struct reference *ret)
{
	ret->found = true;
	ret->erased = false;
	ret->root = (struct id){ 0 };
	if (root != NULL && !id_parse((struct text){ root, strlen(root) }, &ret->root))
		assert(false && "a uuid that is none");
}

static void
read_answer(const char *answer, struct reference *ret)
{
	if (ret->kind == REFERENCE_AGENT_SESSION) {
		read_root(answer, ret);
		return;
	}
	ret->erased = answer != NULL && strcmp(answer, ERASED) == 0;
	ret->found = answer != NULL && !ret->erased;
	if (ret->found && ret->kind == REFERENCE_USER)
		ret->tier = user_tier_of(answer);
}

bool
reference_find(struct task *task, struct reference *const *list, size_t count)
{
	struct id *clients = arena_array(task->arena, count, sizeof(*clients));
	struct db_params *params = db_params(task);
	struct db_array *client_ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *ids = db_add_array(params, DB_ARRAY_ID);
	struct db_array *kinds = db_add_array(params, DB_ARRAY_INT);
	struct db_step step = { .sql = find_sql, .params = params };
	struct db_rows *rows;
	size_t known = 0;

	assert(task->db == NULL);
	for (size_t i = 0; i < count; i++) {
		db_array_id(client_ids, list[i]->client);
		db_array_id(ids, list[i]->id);
		db_array_int(kinds, list[i]->kind);
		if (known == 0 || !id_equal(clients[known - 1], list[i]->client))
			clients[known++] = list[i]->client;
	}
	db_set_clients(task, clients, known);
	if (!db_pipeline_commit(task, &step, 1, &rows, NULL))
		return false;
	for (size_t i = 0; i < count; i++)
		read_answer(db_text(rows, (int)i, 0), list[i]);
	return true;
}
