/* The nearest of many: all sketches are read, then vectors, the likeliest first, as long as one
 * could still be among the nearest. */
#include "lib/model/prompt_embedding.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_PORTION 500
#define COMPARE_PORTION 50

static const char own_sql[] = "SELECT embedding\n"
			      "FROM prompt_embeddings\n"
			      "WHERE client_id = $1 AND model = $2 AND prompt_hash = $3";

/* The newest of those that are too many: an index tells it alone. */
static const char newest_sql[] = "SELECT seen_at\n"
				 "FROM prompt_embeddings\n"
				 "WHERE client_id = $1\n"
				 "AND model = $2\n"
				 "AND seen_at >= $3\n"
				 "ORDER BY seen_at DESC\n"
				 "OFFSET $4\n"
				 "LIMIT 1";

/* In whatever order they lie. */
static const char scan_sql[] = "SELECT prompt_hash, sketch\n"
			       "FROM prompt_embeddings\n"
			       "WHERE client_id = $1\n"
			       "AND model = $2\n"
			       "AND seen_at >= $3\n"
			       "LIMIT $4";

static const char vectors_sql[] =
    "SELECT prompt_hash, event_id, seen_at, embedding\n"
    "FROM prompt_embeddings\n"
    "WHERE client_id = $1\n"
    "AND model = $2\n"
    "AND prompt_hash = ANY (ARRAY(SELECT decode(unnest($3::text[]), 'hex')))";

const char *const prompt_similar_statements[] = { own_sql, newest_sql, scan_sql, vectors_sql,
	NULL };

struct candidate {
	struct prompt_hash hash;
	int32_t at_most; /* its similarity, in millionths */
};

/* The nearest so far, in order; room for one more. */
struct nearest {
	struct prompt_match *at;
	size_t count;
	const struct prompt_search *search;
};

static bool
find_own(struct task *task, const struct prompt_search *search, float ret[VECTOR_SIZE])
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_text(params, search->model);
	prompt_hash_add(params, search->hash);
	if (!db_query_one(task, own_sql, params, &rows))
		return false;
	db_reals(rows, 0, 0, ret, VECTOR_SIZE);
	return true;
}

static struct db_params *
make_params(struct task *task, const struct prompt_search *search, int64_t since)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_text(params, search->model);
	db_add_time(params, since);
	db_add_int(params, search->search_max);
	return params;
}

/* Since when there are no more than may be searched; *ret_all: there are no others. */
static bool
find_newest(
    struct task *task, const struct prompt_search *search, int64_t *ret_since, bool *ret_all)
{
	struct db_rows *rows;

	if (!db_query(task, newest_sql, make_params(task, search, search->since), &rows))
		return false;
	*ret_all = db_count(rows) == 0;
	*ret_since = *ret_all ? search->since : db_time(rows, 0, 0) + 1;
	return true;
}

/* How near each can be. */
static bool
scan(struct task *task, const struct prompt_search *search, int64_t since, const float *unit,
    struct candidate *candidates, size_t *ret_count)
{
	const struct candidate *end = candidates + search->search_max;
	struct db_params *params = make_params(task, search, since);
	struct candidate *next = candidates;
	struct db_cursor *cursor;
	struct db_rows *rows;
	int got;

	if (!db_cursor_open(task, scan_sql, params, &cursor))
		return false;
	do {
		const struct arena_mark mark = arena_mark(task->arena);

		if (!db_cursor_next(task, cursor, SCAN_PORTION, &rows))
			return false;
		got = db_count(rows);
		for (int i = 0; i < got; i++) {
			struct text sketch = db_bytes(rows, i, 1);

			assert(sketch.len == VECTOR_SKETCH_BYTES && next < end);
			*next = (struct candidate){
				.hash = prompt_hash_of_row(rows, i, 0),
				.at_most =
				    (int32_t)vector_at_most(unit, (const uint8_t *)sketch.at),
			};
			if (search->hash == NULL || prompt_hash_compare(search->hash, &next->hash))
				next++;
		}
		arena_undo(task->arena, mark);
	} while (got == SCAN_PORTION);
	*ret_count = (size_t)(next - candidates);
	return db_cursor_close(task, cursor);
}

static int
compare_candidates(const void *a, const void *b)
{
	const struct candidate *one = a, *two = b;

	if (one->at_most != two->at_most)
		return one->at_most > two->at_most ? -1 : 1;
	return prompt_hash_compare(&one->hash, &two->hash);
}

static bool
is_nearer(const struct prompt_match *a, const struct prompt_match *b)
{
	if (a->similarity != b->similarity)
		return a->similarity > b->similarity;
	return prompt_hash_compare(&a->hash, &b->hash) < 0;
}

static void
add_match(struct nearest *nearest, const struct prompt_match *match)
{
	size_t place = nearest->count;

	if (match->similarity < nearest->search->min_similarity)
		return;
	for (; place > 0 && is_nearer(match, &nearest->at[place - 1]); place--)
		nearest->at[place] = nearest->at[place - 1];
	nearest->at[place] = *match;
	if (nearest->count < (size_t)nearest->search->limit)
		nearest->count++;
}

/* What a similarity must reach to be among the nearest. */
static int64_t
floor_of(const struct nearest *nearest)
{
	if (nearest->count < (size_t)nearest->search->limit)
		return nearest->search->min_similarity;
	return nearest->at[nearest->count - 1].similarity;
}

static bool
compare(struct task *task, const float *unit, const struct candidate *candidates, size_t count,
    struct nearest *nearest)
{
	const char *digits[COMPARE_PORTION];
	struct db_params *params = db_params(task);
	float other[VECTOR_SIZE];
	struct db_rows *rows;

	for (size_t i = 0; i < count; i++)
		digits[i] = prompt_hash_digits(task, &candidates[i].hash);
	db_add_id(params, task->client);
	db_add_text(params, nearest->search->model);
	db_add_texts(params, digits, count);
	if (!db_query(task, vectors_sql, params, &rows))
		return false;
	for (int i = 0; i < db_count(rows); i++) {
		struct prompt_match match = {
			.hash = prompt_hash_of_row(rows, i, 0),
			.event_id = db_id(rows, i, 1),
			.seen_at = db_time(rows, i, 2),
		};

		db_reals(rows, i, 3, other, VECTOR_SIZE);
		match.similarity = vector_similarity(unit, other);
		add_match(nearest, &match);
	}
	return true;
}

/* *ret_complete: nothing nearer was left. */
static bool
find_nearest(struct task *task, const float *unit, const struct candidate *candidates, size_t count,
    struct nearest *nearest, bool *ret_complete)
{
	size_t next = 0;

	while (next < count && candidates[next].at_most >= floor_of(nearest)) {
		const struct arena_mark mark = arena_mark(task->arena);
		size_t portion = count - next < COMPARE_PORTION ? count - next : COMPARE_PORTION;

		*ret_complete = next < (size_t)nearest->search->compare_max;
		if (!*ret_complete)
			return true;
		if (!compare(task, unit, candidates + next, portion, nearest))
			return false;
		arena_undo(task->arena, mark);
		next += portion;
	}
	*ret_complete = true;
	return true;
}

bool
prompt_find_similar(
    struct task *task, const struct prompt_search *search, struct prompt_matches *ret)
{
	struct candidate *candidates =
	    arena_array(task->arena, (size_t)search->search_max, sizeof(*candidates));
	struct nearest nearest = {
		.at = arena_array(task->arena, (size_t)search->limit + 1, sizeof(*nearest.at)),
		.search = search,
	};
	float unit[VECTOR_SIZE];
	int64_t since;
	size_t count;
	bool all;

	if (search->vector == NULL && !find_own(task, search, unit))
		return false;
	if (search->vector != NULL && !vector_unit(search->vector, unit))
		return task_fail_field(task, "embedding", "must not be all zeros");
	if (!find_newest(task, search, &since, &all) ||
	    !scan(task, search, since, unit, candidates, &count))
		return false;
	qsort(candidates, count, sizeof(*candidates), compare_candidates);
	*ret = (struct prompt_matches){ .searched = (int64_t)count };
	if (!find_nearest(task, unit, candidates, count, &nearest, &ret->complete))
		return false;
	ret->complete = ret->complete && all;
	ret->at = nearest.at;
	ret->count = nearest.count;
	return true;
}
