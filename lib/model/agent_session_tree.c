#include "lib/model/agent_session_tree.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/model/agent_session_private.h"

/* From each session to those that it began, then all of them with their sums. */
static const char tree_sql[] =
    "WITH RECURSIVE tree AS (\n"
    "SELECT id, parent_id, external_id, depth, phase, status, started_at, ended_at, "
    "stated_cost_cents, stated_tokens, tool_calls_count\n"
    "FROM agent_sessions\n"
    "WHERE client_id = $1 AND id = $2\n"
    "UNION ALL\n"
    "SELECT s.id, s.parent_id, s.external_id, s.depth, s.phase, s.status, s.started_at, "
    "s.ended_at, s.stated_cost_cents, s.stated_tokens, s.tool_calls_count\n"
    "FROM tree AS t\n"
    "JOIN agent_sessions AS s ON s.client_id = $1 AND s.parent_id = t.id)\n"
    "SELECT t.id, t.parent_id, t.external_id, t.depth, t.phase, t.status, t.started_at, "
    "t.ended_at, "
    "coalesce(greatest((t.stated_cost_cents * 10000000)::bigint, u.cost_nanos), 0), "
    "coalesce(greatest(t.stated_tokens, u.tokens), 0), coalesce(u.calls, 0), "
    "t.tool_calls_count\n"
    "FROM tree AS t\n"
    "LEFT JOIN agent_session_usage AS u ON u.client_id = $1 AND u.agent_session_id = t.id\n"
    "ORDER BY t.depth, t.id";

static const char root_sql[] = "SELECT root_id\n"
			       "FROM agent_sessions\n"
			       "WHERE client_id = $1 AND id = $2";

const char *const agent_session_tree_statements[] = { tree_sql, root_sql, NULL };

static struct agent_node
read_node(const struct task *task, const struct db_rows *rows, int row)
{
	int64_t started_at = db_time(rows, row, 6), ended_at = db_time(rows, row, 7);
	int64_t until = ended_at == 0 ? task->now : ended_at;

	return (struct agent_node){ .id = db_id(rows, row, 0),
		.parent = db_id(rows, row, 1),
		.external_id = db_text(rows, row, 2),
		.depth = db_int(rows, row, 3),
		.phase = db_text(rows, row, 4),
		.status = db_text(rows, row, 5),
		.started_at = started_at,
		.ended_at = ended_at,
		.own = { .sessions = 1,
		    .running = ended_at == 0,
		    .cost_nanos = db_int(rows, row, 8),
		    .tokens = db_int(rows, row, 9),
		    .calls = db_int(rows, row, 10),
		    .tool_calls = db_int(rows, row, 11),
		    .duration_usec = until > started_at ? until - started_at : 0 } };
}

static int
compare_nodes(const void *a, const void *b)
{
	const struct agent_node *x = *(struct agent_node *const *)a;
	const struct agent_node *y = *(struct agent_node *const *)b;

	return id_compare(x->id, y->id);
}

static void
add(int64_t *sum, int64_t number)
{
	if (__builtin_add_overflow(*sum, number, sum))
		*sum = INT64_MAX;
}

static void
add_usage(struct agent_usage *sum, const struct agent_usage *usage)
{
	add(&sum->sessions, usage->sessions);
	add(&sum->running, usage->running);
	add(&sum->cost_nanos, usage->cost_nanos);
	add(&sum->tokens, usage->tokens);
	add(&sum->calls, usage->calls);
	add(&sum->tool_calls, usage->tool_calls);
	add(&sum->duration_usec, usage->duration_usec);
}

/* Children stand behind their parents: from the last to the first each is whole when it is added
 * to its own. */
void
agent_tree_total(struct task *task, struct agent_tree *tree)
{
	struct agent_node **by_id = arena_array(task->arena, tree->count, sizeof(*by_id));

	for (size_t i = 0; i < tree->count; i++) {
		by_id[i] = &tree->at[i];
		by_id[i]->total = by_id[i]->own;
	}
	qsort(by_id, tree->count, sizeof(struct agent_node *), compare_nodes);
	for (size_t i = tree->count; i-- > 1;) {
		const struct agent_node parent = { .id = tree->at[i].parent };
		const struct agent_node *key = &parent;
		struct agent_node **found =
		    bsearch(&key, by_id, tree->count, sizeof(struct agent_node *), compare_nodes);

		if (found != NULL)
			add_usage(&(*found)->total, &tree->at[i].total);
	}
}

bool
agent_session_tree(struct task *task, struct id id, struct agent_tree *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, tree_sql, db_params_of(task, id), &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	ret->at = arena_array(task->arena, ret->count, sizeof *ret->at);
	for (size_t i = 0; i < ret->count; i++)
		ret->at[i] = read_node(task, rows, (int)i);
	agent_tree_total(task, ret);
	return true;
}

bool
agent_session_find_root(struct task *task, struct id id, struct id *ret)
{
	struct db_rows *rows;

	if (!db_query(task, root_sql, db_params_of(task, id), &rows))
		return false;
	*ret = db_count(rows) == 0 ? (struct id){ 0 } : db_id(rows, 0, 0);
	return true;
}

static void
write_usage(struct json_out *out, const char *name, const struct agent_usage *usage)
{
	json_open_at(out, name);
	json_int(out, "sessions", usage->sessions);
	json_int(out, "running", usage->running);
	json_cents(out, "cost_cents", usage->cost_nanos);
	json_int(out, "tokens", usage->tokens);
	json_int(out, "calls", usage->calls);
	json_int(out, "tool_calls", usage->tool_calls);
	json_int(out, "duration_ms", usage->duration_usec / (CLOCK_SECOND / 1000));
	json_close(out);
}

static void
write_node(struct json_out *out, const struct agent_node *node)
{
	json_open(out);
	json_id(out, "id", node->id);
	json_id(out, "parent_id", node->parent);
	json_text(out, "external_id", node->external_id);
	json_int(out, "depth", node->depth);
	json_text(out, "phase", node->phase);
	json_text(out, "status", node->status);
	json_time(out, "started_at", node->started_at);
	if (node->ended_at == 0)
		json_null(out, "ended_at");
	else
		json_time(out, "ended_at", node->ended_at);
	write_usage(out, "own", &node->own);
	write_usage(out, "total", &node->total);
	json_close(out);
}

void
agent_tree_write(struct json_out *out, const void *object)
{
	const struct agent_tree *tree = object;

	json_open(out);
	json_open_array_at(out, "data");
	for (size_t i = 0; i < tree->count; i++)
		write_node(out, &tree->at[i]);
	json_close_array(out);
	json_close(out);
}
