#include <string.h>

#include "lib/clock.h"
#include "lib/model/cents_sql.h"
#include "lib/model/rollup_private.h"
#include "lib/model/usage_private.h"
#include "lib/model/usage_sql.h"

const char *const usage_grain_names[] = { "day", "hour", "quarter" };

/* The columns of a row, from one of cost_aggregates or of sums of the log. */
#define SUMS \
	"least(cost_cents * 10000000, " SUM_NANOS_MAX ")::bigint, calls, tokens, input_tokens, " \
	"output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, failed_calls, " \
	"unpriced_calls"

/* $1 to $4 of a row of 'call', or $1 of any other, behind a number of other parameters. */
#define IS_KEY(first, second, third, fourth) \
	"(" first "::text IS NULL OR key[1] = " first ") " \
	"AND (" second "::text IS NULL OR key[2] = " second ") " \
	"AND (" third "::text IS NULL OR key[3] = " third ") " \
	"AND (" fourth "::text IS NULL OR key[4] = " fourth ")"

#define OF_ROLLUPS \
	"SELECT a.start, a.dimension = 'call', a.key[1], a.key[2], a.key[3], a.key[4], " SUMS ", " \
	"a.duration_slots, a.duration_calls, s.part " \
	"FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[]) " \
	"WITH ORDINALITY AS s (dimension, grain, since, until, part) " \
	"CROSS JOIN LATERAL (" \
	"SELECT * " \
	"FROM cost_rows($1, s.dimension, s.grain, s.since, s.until) "

/* Without OFFSET 0 the planner might read all rows of the client and join them to the spans. */
static const char rows_sql[] = OF_ROLLUPS "OFFSET 0) AS a "
					  "WHERE " IS_KEY("$7", "$8", "$9", "$10") " "
										   "LIMIT $6";

/* One key of a dimension, by cost_aggregates_key. */
static const char one_sql[] = OF_ROLLUPS "WHERE dimension <> 'call' "
					 "AND key[1] = $7 "
					 "OFFSET 0) AS a "
					 "LIMIT $6";

/* Some of the users, and nobody. */
static const char some_sql[] = OF_ROLLUPS "WHERE dimension <> 'call' "
					  "AND key[1] = ANY ($7) "
					  "OFFSET 0) AS a "
					  "LIMIT $6";
static const char nobody_sql[] = OF_ROLLUPS "WHERE dimension <> 'call' "
					    "AND key[1] IS NULL "
					    "OFFSET 0) AS a "
					    "LIMIT $6";

#define SUMS_OF_LOG(by, call) \
	"SELECT start, " call ", key[1], key[2], key[3], key[4], " SUMS ", " \
	"CASE WHEN slot IS NULL THEN '{}' ELSE ARRAY[slot] END, " \
	"CASE WHEN slot IS NULL THEN '{}' ELSE ARRAY[calls] END " \
	"FROM (" by ") AS l"
#define OF_LOG(by, call) \
	SUMS_OF_LOG(by, call) " WHERE " IS_KEY("$7", "$8", "$9", "$10") " LIMIT $11"

static const char log_by_call_sql[] = OF_LOG(USAGE_BY_CALL, "true");
static const char log_by_user_sql[] = OF_LOG(USAGE_BY_USER, "false");
static const char log_by_tag_sql[] = OF_LOG(USAGE_BY_TAG, "false");

/* One user, by an index of the log. */
static const char log_of_user_sql[] =
    SUMS_OF_LOG("SELECT start, ARRAY[g.key::text] COLLATE \"C\" AS key, slot, " USAGE_COLUMNS " "
		"FROM (" USAGE_OF_LOG_WHERE("l.user_id", " AND l.user_id = $7::uuid") ") AS g",
	"false") " LIMIT $8";

const char *const usage_row_statements[] = { rows_sql, one_sql, some_sql, nobody_sql,
	log_by_call_sql, log_by_user_sql, log_by_tag_sql, log_of_user_sql, NULL };

enum column {
	START,
	IS_CALL,
	KEYS,
	SUMS_BEGIN = KEYS + 4,
	SLOTS = SUMS_BEGIN + TOTAL_COUNT,
	CALLS,
	PART /* of the rollups only */
};

/* The order in which the sums come. */
static const enum total columns[] = {
	TOTAL_COST,
	TOTAL_REQUESTS,
	TOTAL_TOKENS,
	TOTAL_INPUT,
	TOTAL_OUTPUT,
	TOTAL_CACHED,
	TOTAL_CACHE_WRITE,
	TOTAL_REASONING,
	TOTAL_FAILED,
	TOTAL_UNPRICED,
};
_Static_assert(COUNT(columns) == TOTAL_COUNT, "a total without a column");

/* The names of the rows of a part. */
static const char *
rows_of(enum usage_dimension dimension, enum usage_grain grain)
{
	if (dimension == USAGE_DIMENSIONS || (dimension < USAGE_USER && grain == USAGE_QUARTER))
		return "call";
	return usage_dimension_names[dimension];
}

/* The parameters of IS_KEY() for rows of 'call', or of this dimension. */
static void
add_keys(struct db_params *params, const struct usage_query *query, enum usage_dimension dimension)
{
	const bool of_call = dimension == USAGE_DIMENSIONS || dimension < USAGE_USER;
	const char *const *keys = of_call ? query->only : &query->only[dimension];

	for (int i = 0; i < USAGE_KEYS_MAX; i++)
		db_add_text(params, of_call || i == 0 ? keys[i] : NULL);
}

static void
read_row(struct task *task, const struct usage_query *query, const struct db_rows *from, int i,
    struct usage_row *row)
{
	bool call = db_bool(from, i, IS_CALL);

	row->bucket = usage_bucket_at(query, db_time(from, i, START));
	for (size_t k = 0; k < query->by_count; k++)
		row->key[k] = db_text(from, i, KEYS + (call ? (int)query->by[k] : 0));
	for (int t = 0; t < TOTAL_COUNT; t++)
		row->totals.at[columns[t]] = db_int(from, i, SUMS_BEGIN + t);
	db_ints(from, i, SLOTS, task, &row->slots);
	db_ints(from, i, CALLS, task, &row->calls);
}

/* The same with the other sign, for the bucket that has it in its day. */
static void
take_back(struct task *task, const struct usage_row *row, size_t bucket, struct usage_row *ret)
{
	int64_t *calls = arena_array(task->arena, row->calls.count, sizeof(*calls));

	*ret = *row;
	ret->bucket = bucket;
	for (int t = 0; t < TOTAL_COUNT; t++)
		ret->totals.at[t] = -row->totals.at[t];
	for (size_t i = 0; i < row->calls.count; i++)
		calls[i] = -row->calls.at[i];
	ret->calls.at = calls;
}

/* Room for so many more. */
static void
make_room(struct task *task, struct usage_rows *rows, size_t more)
{
	struct usage_row *at = arena_array(task->arena, rows->count + more, sizeof(*at));

	if (rows->count > 0)
		memcpy(at, rows->at, rows->count * sizeof(*at));
	rows->at = at;
}

void
usage_append(struct task *task, struct usage_rows *rows, const struct usage_rows *more)
{
	make_room(task, rows, more->count);
	if (more->count > 0)
		memcpy(&rows->at[rows->count], more->at, more->count * sizeof(*rows->at));
	rows->count += more->count;
}

/* Of the log. */
static void
add_log(struct task *task, const struct usage_query *query, const struct db_rows *from,
    struct usage_rows *rows)
{
	int count = db_count(from);

	make_room(task, rows, (size_t)count);
	for (int i = 0; i < count; i++)
		read_row(task, query, from, i, &rows->at[rows->count++]);
}

static const struct usage_part *
part_of(const struct usage_parts *parts, const struct db_rows *from, int i)
{
	return &parts->at[db_int(from, i, PART) - 1];
}

/* Of these parts of the rollups. */
static void
add_rows(struct task *task, const struct usage_query *query, const struct usage_parts *parts,
    const struct db_rows *from, struct usage_rows *rows)
{
	int count = db_count(from);
	size_t taken = 0;

	for (int i = 0; i < count; i++)
		taken += part_of(parts, from, i)->from != USAGE_NO_BUCKET;
	make_room(task, rows, (size_t)count + taken);
	for (int i = 0; i < count; i++) {
		const struct usage_part *part = part_of(parts, from, i);
		struct usage_row *row = &rows->at[rows->count++];

		read_row(task, query, from, i, row);
		if (part->into == USAGE_BY_NOON)
			row->bucket =
			    usage_bucket_at(query, db_time(from, i, START) + CLOCK_DAY / 2);
		else if (part->into != USAGE_BY_START)
			row->bucket = part->into;
		if (part->from != USAGE_NO_BUCKET)
			take_back(task, row, part->from, &rows->at[rows->count++]);
	}
}

/* Those of rows of 'call', or of others. */
static struct usage_parts
choose_parts(struct task *task, const struct usage_query *query, const struct usage_parts *parts,
    bool call, bool other)
{
	enum usage_dimension dimension = usage_dimension_of(query);
	struct usage_parts chosen = { .at = arena_array(
					  task->arena, parts->count, sizeof(*parts->at)) };

	for (size_t i = 0; i < parts->count; i++) {
		const char *name = rows_of(dimension, parts->at[i].grain);

		if (strcmp(name, "call") == 0 ? call : other)
			chosen.at[chosen.count++] = parts->at[i];
	}
	return chosen;
}

/* The parts, and the most rows: $2 to $6. */
static void
add_parts(struct task *task, struct db_params *params, const struct usage_query *query,
    const struct usage_parts *parts)
{
	enum usage_dimension dimension = usage_dimension_of(query);
	struct db_array *dimensions, *grains, *since, *until;

	db_add_id(params, task->client);
	dimensions = db_add_array(params, DB_ARRAY_TEXT);
	grains = db_add_array(params, DB_ARRAY_TEXT);
	since = db_add_array(params, DB_ARRAY_TIME);
	until = db_add_array(params, DB_ARRAY_TIME);
	for (size_t i = 0; i < parts->count; i++) {
		const struct usage_part *part = &parts->at[i];
		const char *name = rows_of(dimension, part->grain);
		const char *grain = usage_grain_names[part->grain];

		db_array_text(dimensions, (struct text){ name, strlen(name) });
		db_array_text(grains, (struct text){ grain, strlen(grain) });
		db_array_time(since, part->span.since);
		db_array_time(until, part->span.until);
	}
	db_add_int(params, query->rows_max + INT64_C(1));
}

bool
usage_read_rollups(struct task *task, const struct usage_query *query,
    const struct usage_parts *parts, struct usage_rows *rows, bool *ret_more)
{
	enum usage_dimension dimension = usage_dimension_of(query);
	bool one = dimension < USAGE_DIMENSIONS && query->only[dimension] != NULL;
	struct db_params *range = db_params(task), *key = db_params(task);
	struct db_step steps[] = { { rows_sql, range }, { one_sql, key } };
	struct db_rows *found[COUNT(steps)];
	struct usage_parts of[] = { choose_parts(task, query, parts, true, !one),
		choose_parts(task, query, parts, false, true) };
	size_t count = one ? 2 : 1;

	add_parts(task, range, query, &of[0]);
	add_keys(range, query, USAGE_DIMENSIONS);
	if (one) {
		add_parts(task, key, query, &of[1]);
		db_add_text(key, query->only[dimension]);
	}
	if (!db_pipeline(task, steps, count, found))
		return false;
	*ret_more = false;
	for (size_t i = 0; i < count; i++)
		*ret_more = *ret_more || db_count(found[i]) > query->rows_max;
	for (size_t i = 0; i < count && !*ret_more; i++)
		add_rows(task, query, &of[i], found[i], rows);
	return true;
}

bool
usage_read_some(struct task *task, const struct usage_query *query, const struct usage_parts *parts,
    const struct usage_costs *users, struct usage_rows *rows)
{
	struct db_params *some = db_params(task), *nobody = db_params(task);
	struct db_step steps[] = { { some_sql, some }, { nobody_sql, nobody } };
	struct db_rows *found[COUNT(steps)];
	struct db_array *texts;
	size_t count = 1;

	add_parts(task, some, query, parts);
	texts = db_add_array(some, DB_ARRAY_TEXT);
	for (size_t i = 0; i < users->count; i++) {
		const char *user = users->at[i].user;

		db_array_text(texts, (struct text){ user, user == NULL ? 0 : strlen(user) });
		if (user == NULL)
			count = 2;
	}
	add_parts(task, nobody, query, parts);
	if (!db_pipeline(task, steps, count, found))
		return false;
	for (size_t i = 0; i < count; i++)
		add_rows(task, query, parts, found[i], rows);
	return true;
}

/* A client that was never rolled up has all of its log here. */
bool
usage_read_log(
    struct task *task, const struct usage_query *query, struct span span, struct usage_rows *rows)
{
	enum usage_dimension dimension = usage_dimension_of(query);
	struct db_params *params = db_params(task);
	int64_t left = query->rows_max - (int64_t)rows->count;
	const char *sql = log_by_call_sql;
	struct db_rows *found;

	usage_add_params(task, params, span);
	if (dimension == USAGE_USER && query->only[USAGE_USER] != NULL) {
		sql = log_of_user_sql;
		db_add_text(params, query->only[USAGE_USER]);
	} else {
		if (dimension == USAGE_USER || dimension == USAGE_TAG)
			sql = dimension == USAGE_USER ? log_by_user_sql : log_by_tag_sql;
		add_keys(params, query, dimension);
	}
	db_add_int(params, left + 1);
	if (!db_query(task, sql, params, &found))
		return false;
	if (db_count(found) > left)
		return task_fail_later(
		    task, USAGE_LATER_S, "Too many calls are not rolled up yet.");
	add_log(task, query, found, rows);
	return true;
}
