#include "lib/model/prompt_duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "lib/model/cents_sql.h"

#define PORTION 100 /* vectors read at once */

/* Embeddings are looked up one by one, in the order of cost until there are enough, whatever the
 * planner knows of the tables: OFFSET 0. */
static const char uses_sql[] =
    "WITH used AS MATERIALIZED ("
    "SELECT prompt_hash, count(*) AS calls, count(*) - count(cost_cents) AS unpriced,\n"
    "least(coalesce(sum(cost_cents), 0) * 10000000, " SUM_NANOS_MAX ")::bigint AS nanos\n"
    "FROM prompt_events\n"
    "WHERE client_id = $1\n"
    "AND created_at >= $2 AND created_at < $3\n"
    "GROUP BY prompt_hash)\n"
    "SELECT u.prompt_hash, u.calls, u.unpriced, u.nanos, e.embedding\n"
    "FROM used AS u\n"
    "CROSS JOIN LATERAL (\n"
    "SELECT embedding\n"
    "FROM prompt_embeddings\n"
    "WHERE client_id = $1 AND model = $4 AND prompt_hash = u.prompt_hash\n"
    "OFFSET 0) AS e\n"
    "ORDER BY u.nanos DESC, u.calls DESC, u.prompt_hash\n"
    "LIMIT $5";

const char *const prompt_duplicates_statements[] = { uses_sql, NULL };

struct uses {
	struct prompt_use *at;
	float (*vectors)[VECTOR_SIZE];
	size_t count;
};

/* One prompt more than is compared tells that there are more. */
static bool
read_uses(struct task *task, const struct prompt_period *period, struct uses *uses)
{
	struct db_params *params = db_params(task);
	struct db_cursor *cursor;
	struct db_rows *rows;
	int got;

	db_add_id(params, task->client);
	db_add_time(params, period->span.since);
	db_add_time(params, period->span.until);
	db_add_text(params, period->model);
	db_add_int(params, period->prompts_max + 1);
	if (!db_cursor_open(task, uses_sql, params, &cursor))
		return false;
	do {
		const struct arena_mark mark = arena_mark(task->arena);

		if (!db_cursor_next(task, cursor, PORTION, &rows))
			return false;
		got = db_count(rows);
		for (int i = 0; i < got; i++, uses->count++) {
			uses->at[uses->count] = (struct prompt_use){
				.hash = prompt_hash_of_row(rows, i, 0),
				.calls = db_int(rows, i, 1),
				.unpriced_calls = db_int(rows, i, 2),
				.cost_nanos = db_int(rows, i, 3),
			};
			db_reals(rows, i, 4, uses->vectors[uses->count], VECTOR_SIZE);
		}
		arena_undo(task->arena, mark);
	} while (got == PORTION);
	return db_cursor_close(task, cursor);
}

/* Which group each is in; the leader of group g is uses[leaders[g]]. */
static size_t
join_groups(struct uses *uses, int64_t min_similarity, size_t *leaders)
{
	size_t groups = 0;

	for (size_t i = 0; i < uses->count; i++) {
		struct prompt_use *use = &uses->at[i];

		for (use->group = 0; use->group < groups; use->group++) {
			use->similarity =
			    vector_similarity(uses->vectors[leaders[use->group]], uses->vectors[i]);
			if (use->similarity >= min_similarity)
				break;
		}
		if (use->group == groups) {
			use->similarity = VECTOR_SCALE;
			leaders[groups++] = i;
		}
	}
	return groups;
}

static int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* Into order by group; within one they keep theirs. */
static void
gather(struct task *task, const struct uses *uses, size_t groups, struct prompt_groups *ret)
{
	struct prompt_group *at = arena_array(task->arena, groups, sizeof(*at));
	size_t *ends = arena_array(task->arena, groups + 1, sizeof(*ends));
	struct prompt_use *sorted = arena_array(task->arena, uses->count, sizeof(*sorted));

	for (size_t i = 0; i < uses->count; i++)
		ends[uses->at[i].group + 1]++;
	for (size_t g = 0; g < groups; g++) {
		ends[g + 1] += ends[g];
		at[g].uses = sorted + ends[g];
	}
	for (size_t i = 0; i < uses->count; i++) {
		const struct prompt_use *use = &uses->at[i];
		struct prompt_group *group = &at[use->group];

		sorted[ends[use->group]++] = *use;
		group->count++;
		group->calls += use->calls;
		group->unpriced_calls += use->unpriced_calls;
		group->cost_nanos = add(group->cost_nanos, use->cost_nanos);
	}
	ret->at = at;
	for (size_t g = 0; g < groups; g++) {
		if (at[g].count > 1)
			at[ret->count++] = at[g];
	}
}

static int
compare_groups(const void *a, const void *b)
{
	const struct prompt_group *one = a, *two = b;

	if (one->cost_nanos != two->cost_nanos)
		return one->cost_nanos > two->cost_nanos ? -1 : 1;
	return prompt_hash_compare(&one->uses[0].hash, &two->uses[0].hash);
}

bool
prompt_find_duplicates(
    struct task *task, const struct prompt_period *period, struct prompt_groups *ret)
{
	size_t most = (size_t)period->prompts_max;
	size_t *leaders = arena_array(task->arena, most + 1, sizeof(*leaders));
	struct uses uses = {
		.at = arena_array(task->arena, most + 1, sizeof(*uses.at)),
		.vectors = arena_array(task->arena, most + 1, sizeof(*uses.vectors)),
	};
	struct prompt_group *groups;

	*ret = (struct prompt_groups){ .complete = true };
	if (!read_uses(task, period, &uses))
		return false;
	if (uses.count > most) {
		ret->complete = false;
		uses.count = most;
	}
	ret->prompts = (int64_t)uses.count;
	if (uses.count == 0)
		return true;
	gather(task, &uses, join_groups(&uses, period->min_similarity, leaders), ret);
	groups = arena_array(task->arena, ret->count, sizeof(*groups));
	if (ret->count > 0) {
		memcpy(groups, ret->at, ret->count * sizeof(*groups));
		qsort(groups, ret->count, sizeof(*groups), compare_groups);
	}
	ret->at = groups;
	if (ret->count > (size_t)period->limit)
		ret->count = (size_t)period->limit;
	return true;
}
