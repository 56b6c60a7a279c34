#include "lib/model/counter_compare.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/db.h"
#include "lib/model/budget_sum.h"
#include "lib/model/counter_private.h"

/* ARGV: epoch, run, buckets… What is counted of each, and the pending batches, at one instant. */
static struct redis_script counts_script = {
	.source = COUNTER_LUA_STATE
	"local s = state()\n"
	"if s ~= 'ready' then return { s } end\n"
	"local out = { s }\n"
	"for i = 3, #ARGV do\n"
	"  local v = redis.call('HMGET', prefix .. ARGV[i], '0', '1', '2')\n"
	"  for m = 1, 3 do table.insert(out, v[m] or '0') end\n"
	"end\n"
	"for _, v in ipairs(redis.call('HGETALL', pending)) do table.insert(out, v) end\n"
	"return out\n"
};
_Static_assert(BUDGET_MEASURES == 3, "the fields of counts_script");

static const char state_sql[] = "SELECT epoch "
				"FROM counter_states "
				"WHERE client_id = $1 "
				"AND NOT bypassed";

const char *const counter_compare_statements[] = { state_sql, NULL };

/* A bucket at one instant. */
struct seen {
	const char *bucket;
	const char *value;
	int64_t log[BUDGET_MEASURES];
	int64_t counted[BUDGET_MEASURES]; /* pending ones included */
	int64_t pending[BUDGET_MEASURES];
};

struct seen_list {
	struct seen *at;
	size_t count, room;
};

struct comparing {
	struct task *task;
	int64_t epoch;
	const struct budget *budget;
	const struct zone *zone; /* the budget's */
	struct counter_comparison *ret;
};

static struct seen *
add_seen(struct task *task, struct seen_list *list)
{
	if (list->count == list->room) {
		struct seen *more;

		list->room = list->room == 0 ? BUDGET_SUMS_PORTION : 2 * list->room;
		more = arena_array(task->arena, list->room, sizeof(*more));
		if (list->count > 0)
			memcpy(more, list->at, list->count * sizeof(*more));
		list->at = more;
	}
	return &list->at[list->count++];
}

static int
compare_seen(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->bucket, ((const struct seen *)b)->bucket);
}

static int64_t
read_number(struct task *task, const struct redis_reply *reply)
{
	return strtoll(arena_strndup(task->arena, reply->text.at, reply->text.len), NULL, 10);
}

/* "p bucket expiry amount…;bucket …": what is announced and not confirmed. */
static void
add_pending(struct task *task, const struct redis_reply *entry, struct seen *seen, size_t count)
{
	char *text = arena_strndup(task->arena, entry->text.at, entry->text.len);
	char *rest = text + 2, *item;

	if (*text != 'p')
		return;
	while ((item = strsep(&rest, ";")) != NULL && *item != '\0') {
		struct seen key = { .bucket = strsep(&item, " ") };
		struct seen *found = bsearch(&key, seen, count, sizeof(*seen), compare_seen);
		char *at = item;

		if (found == NULL || item == NULL)
			continue;
		(void)strtoll(item, &at, 10);
		for (int m = 0; m < BUDGET_MEASURES; m++)
			found->pending[m] += strtoll(at, &at, 10);
	}
}

/* What Redis has of some buckets, which are sorted by it. */
static bool
read_counts(struct comparing *comparing, struct seen *seen, size_t count)
{
	struct task *task = comparing->task;
	struct redis_command *command;
	struct redis_reply reply;

	qsort(seen, count, sizeof(*seen), compare_seen);
	if (!counter_command(task, &counts_script, task->client, comparing->epoch, &command)) {
		task_clear_error(task);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		redis_add(command, seen[i].bucket);
	if (counter_run(task, command, &reply) != COUNTER_OK ||
	    reply.count < 1 + BUDGET_MEASURES * count)
		return false;
	for (size_t i = 0; i < count; i++) {
		for (size_t m = 0; m < BUDGET_MEASURES; m++)
			seen[i].counted[m] =
			    read_number(task, &reply.items[1 + BUDGET_MEASURES * i + m]);
	}
	for (size_t i = 1 + BUDGET_MEASURES * count; i + 1 < reply.count; i += 2)
		add_pending(task, &reply.items[i + 1], seen, count);
	return true;
}

/* The log's sums of the open window, and for each portion what Redis has by then. */
static bool
read_all(struct comparing *comparing, struct seen_list *list)
{
	const struct budget *budget = comparing->budget;
	struct task *task = comparing->task;
	struct window window =
	    period_window(budget->period, comparing->zone, task->now, budget->rolling_hours);
	int64_t step = budget->period == PERIOD_ROLLING ? period_step(budget->rolling_hours) : 0;
	struct budget_sums *cursor;
	const struct budget_sum *sums;
	size_t count;

	if (!budget_sums_open(task, budget, window.start, window.end, step, &cursor))
		return false;
	do {
		size_t from = list->count;

		if (!budget_sums_next(task, cursor, &sums, &count))
			return false;
		for (size_t i = 0; i < count; i++) {
			struct budget_place place =
			    budget_place_of_slot(task, budget, comparing->zone, sums[i].value,
				step > 0 ? sums[i].slot * step : task->now);
			struct seen *seen = add_seen(task, list);

			*seen = (struct seen){ .bucket = budget_place_bucket(task, &place),
				.value = place.value == NULL
					     ? NULL
					     : arena_strdup(task->arena, place.value) };
			memcpy(seen->log, sums[i].amounts, sizeof(seen->log));
		}
		if (count > 0 && !read_counts(comparing, list->at + from, count))
			comparing->ret->compared = false;
	} while (count > 0 && comparing->ret->compared);
	return db_commit(task);
}

static bool
differs(const struct seen *after, const struct seen *before)
{
	for (int m = 0; m < BUDGET_MEASURES; m++) {
		/* What is in the log was announced before; what is confirmed is in the log. */
		if (after->log[m] > after->counted[m])
			return true;
		if (before != NULL && before->counted[m] != INT64_MAX &&
		    before->counted[m] - before->pending[m] > after->log[m])
			return true;
	}
	return false;
}

static void
add_difference(struct comparing *comparing, const struct seen *seen)
{
	struct counter_comparison *ret = comparing->ret;
	struct counter_difference *difference;

	ret->differing++;
	if (ret->count == COUNTER_DIFFERENCES_MAX)
		return;
	difference = &ret->at[ret->count++];
	*difference =
	    (struct counter_difference){ .budget = comparing->budget, .value = seen->value };
	memcpy(difference->log, seen->log, sizeof(seen->log));
	memcpy(difference->counted, seen->counted, sizeof(seen->counted));
}

/* Twice: what was confirmed before the log is summed must be in the second sums. */
static bool
compare_budget(struct comparing *comparing)
{
	struct seen_list before = { 0 }, after = { 0 };

	if (!read_all(comparing, &before))
		return false;
	if (before.count > 0)
		qsort(before.at, before.count, sizeof(*before.at), compare_seen);
	if (!comparing->ret->compared || !read_all(comparing, &after))
		return !comparing->ret->compared;
	if (!comparing->ret->compared)
		return true;
	for (size_t i = 0; i < after.count; i++) {
		const struct seen *same = before.count == 0
					      ? NULL
					      : bsearch(&after.at[i], before.at, before.count,
						    sizeof(*before.at), compare_seen);

		comparing->ret->buckets++;
		if (differs(&after.at[i], same))
			add_difference(comparing, &after.at[i]);
	}
	return true;
}

/* *ret 0: there is no complete count. */
static bool
find_epoch(struct task *task, int64_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	if (!db_query(task, state_sql, params, &rows))
		return false;
	*ret = db_count(rows) == 0 ? 0 : db_int(rows, 0, 0);
	return true;
}

bool
counter_compare(struct task *task, struct counter_comparison *ret)
{
	struct comparing comparing = { .task = task, .ret = ret };
	struct budgets budgets;

	assert(task->db == NULL);
	*ret = (struct counter_comparison){ .compared = true };
	ret->at = arena_array(task->arena, COUNTER_DIFFERENCES_MAX, sizeof(*ret->at));
	/* The budgets behind the epoch: one that is newer has ended it. */
	if (!find_epoch(task, &comparing.epoch) ||
	    !budget_list(task, (struct id){ 0 }, BUDGETS_MAX, &budgets) || !db_commit(task))
		return false;
	ret->compared = comparing.epoch > 0;
	for (size_t i = 0; i < budgets.count && ret->compared; i++) {
		comparing.budget = &budgets.at[i];
		if (!zone_find(task, budgets.at[i].timezone, &comparing.zone) ||
		    !compare_budget(&comparing))
			return false;
	}
	return true;
}
