/* What was read of the rollups is kept from one question to the next: of days that are over until
 * one of them changes, of others until more is rolled up. */
#include <string.h>

#include "lib/model/usage_memory.h"
#include "lib/model/usage_private.h"

/* Where the days are over by then, rows of this grain are over by the result: an hour may lie in
 * two days. */
static int64_t
end_of_grain(enum usage_grain grain, int64_t until)
{
	return grain == USAGE_HOUR ? span_floor(until, SPAN_HOUR) : until;
}

void
usage_split(struct task *task, const struct usage_changed *changed, const struct usage_parts *parts,
    struct usage_parts *over, struct usage_parts *open)
{
	for (size_t i = 0; i < parts->count; i++) {
		struct usage_part before = parts->at[i], behind = parts->at[i];
		int64_t end = end_of_grain(before.grain, changed->days_until);

		if (before.span.until > end)
			before.span.until = end;
		if (behind.span.since < end)
			behind.span.since = end;
		if (before.span.since < before.span.until)
			usage_push(task, over, before);
		if (behind.span.since < behind.span.until)
			usage_push(task, open, behind);
	}
}

void
usage_key_int(struct buf *buf, int64_t value)
{
	buf_add(buf, &value, sizeof(value));
}

void
usage_key_text(struct buf *buf, const char *text)
{
	usage_key_int(buf, text == NULL ? -1 : (int64_t)strlen(text));
	if (text != NULL)
		buf_puts(buf, text);
}

void
usage_key_begin(struct task *task, enum usage_set set, struct buf *buf)
{
	*buf = (struct buf){ .arena = task->arena };
	usage_key_int(buf, set);
	buf_add(buf, task->client.bytes, sizeof(task->client.bytes));
	/* Of a key that is bound to a user the rows are that user's. */
	buf_add(buf, task->user.bytes, sizeof(task->user.bytes));
}

void
usage_key_parts(struct buf *buf, const struct usage_parts *parts)
{
	usage_key_int(buf, (int64_t)parts->count);
	for (size_t i = 0; i < parts->count; i++) {
		const struct usage_part *part = &parts->at[i];

		usage_key_int(buf, part->grain);
		usage_key_int(buf, part->span.since);
		usage_key_int(buf, part->span.until);
		usage_key_int(buf, (int64_t)part->into);
		usage_key_int(buf, (int64_t)part->from);
	}
}

struct id
usage_key_end(struct id revision, const struct buf *buf)
{
	return id_hash(revision, buf_text(buf));
}

/* What is read, and which of it: parts that end by then, under this revision. */
struct set {
	const struct usage_query *query;
	const struct usage_costs *users;
	struct id revision;
	int64_t until;
	struct usage_parts parts;
};

/* Of the buckets only where those begin that matter: the last may end with the present. */
static struct id
make_key(struct task *task, const struct set *set)
{
	const struct usage_query *query = set->query;
	const struct usage_costs *users = set->users;
	struct buf buf;

	usage_key_begin(task, USAGE_SET_ROWS, &buf);
	usage_key_int(&buf, (int64_t)query->by_count);
	for (size_t i = 0; i < query->by_count; i++)
		usage_key_int(&buf, query->by[i]);
	for (int i = 0; i < USAGE_DIMENSIONS; i++)
		usage_key_text(&buf, query->only[i]);
	usage_key_int(&buf, query->rows_max);
	for (size_t i = 0; i < query->bucket_count; i++) {
		if (query->buckets[i].since < set->until)
			usage_key_int(&buf, query->buckets[i].since);
	}
	usage_key_int(&buf, INT64_MAX); /* behind the last */
	usage_key_parts(&buf, &set->parts);
	usage_key_int(&buf, users == NULL ? -1 : (int64_t)users->count);
	for (size_t i = 0; users != NULL && i < users->count; i++)
		usage_key_text(&buf, users->at[i].user);
	return usage_key_end(set->revision, &buf);
}

static bool
read(struct task *task, const struct usage_query *query, const struct usage_parts *parts,
    const struct usage_costs *users, struct usage_rows *rows, bool *ret_more)
{
	size_t before = rows->count;

	if (users == NULL)
		return usage_read_rollups(task, query, parts, rows, ret_more);
	if (!usage_read_some(task, query, parts, users, rows))
		return false;
	*ret_more = rows->count - before > (size_t)query->rows_max;
	return true;
}

static bool
read_set(struct task *task, const struct set *set, struct usage_rows *rows, bool *ret_more)
{
	struct usage_rows kept = { 0 };
	struct id key;

	if (set->parts.count == 0)
		return true;
	key = make_key(task, set);
	if (!usage_memory_find(task->usage_memory, task, key, &kept)) {
		if (!read(task, set->query, &set->parts, set->users, &kept, ret_more))
			return false;
		if (*ret_more)
			return true;
		usage_compact(task, &kept);
		usage_memory_keep(task->usage_memory, key, &kept);
	}
	usage_append(task, rows, &kept);
	return true;
}

bool
usage_read_parts(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, const struct usage_parts *parts,
    const struct usage_costs *users, struct usage_rows *rows, bool *ret_more)
{
	struct set over = { query, users, changed->revision, changed->days_until, { 0 } };
	struct set open = { query, users, changed->open_revision, INT64_MAX, { 0 } };

	*ret_more = false;
	if (task->usage_memory == NULL)
		return read(task, query, parts, users, rows, ret_more);
	usage_split(task, changed, parts, &over.parts, &open.parts);
	return read_set(task, &over, rows, ret_more) &&
	       (*ret_more || read_set(task, &open, rows, ret_more));
}
