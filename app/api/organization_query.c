#include "app/api/organization_query.h"

#include <string.h>

#include "app/api/organization.h"
#include "app/auth.h"
#include "app/page.h"
#include "lib/clock.h"

const char *const organization_width_names[] = { "1d", "1h", NULL };

/* What others tell and no rollup knows. */
static const char *const unknown_groups[] = { "api_key_id", "batch", "service_tier" };

static bool
holds(const struct json_texts *list, const char *text)
{
	bool found = false;

	for (size_t i = 0; i < list->count && !found; i++)
		found = text != NULL && strcmp(list->at[i], text) == 0;
	return found;
}

static bool
read_group(
    struct task *task, const char *name, const char *const *names, struct organization_query *query)
{
	for (size_t i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], name) == 0) {
			query->by[i] = true;
			return true;
		}
	}
	for (size_t i = 0; i < COUNT(unknown_groups); i++) {
		if (strcmp(unknown_groups[i], name) == 0)
			return task_fail_field(task, "group_by",
			    "cannot be api_key_id, batch or service_tier: sums are not kept by these");
	}
	return task_fail_field(task, "group_by",
	    names[ORGANIZATION_USER] == NULL ? "must be of project_id and line_item"
					     : "must be of project_id, user_id and model");
}

/* By what the rollups are read. */
static bool
read_groups(struct task *task, const struct organization_input *input, const char *const *names,
    struct organization_query *query)
{
	bool model, user;

	for (size_t i = 0; i < input->group_by.count; i++) {
		if (!read_group(task, input->group_by.at[i], names, query))
			return false;
	}
	model = query->by[ORGANIZATION_MODEL] || input->models.count > 0;
	user = query->by[ORGANIZATION_USER] || input->user_ids.count > 0;
	if (model && user)
		return task_fail_field(task, query->by[ORGANIZATION_USER] ? "group_by" : "user_ids",
		    "stands beside models: sums are kept by user or by model");
	if (model || user) {
		query->usage.by[0] = user ? USAGE_USER : USAGE_MODEL;
		query->usage.by_count = 1;
	}
	return true;
}

/* The page that begins at the second, which has 32 bits, in place of an id. */
static struct id
page_id(int64_t second)
{
	struct id id = { 0 };

	for (size_t i = 0; i < 4; i++)
		id.bytes[15 - i] = (uint8_t)(second >> (8 * i) & 0xff);
	return id;
}

static bool
read_page(struct task *task, const char *cursor, int64_t width, int64_t *start)
{
	struct page page = { .cursor = cursor };
	int64_t limit, second = 0;
	struct id id;

	if (!page_read(task, &page, &limit, &id)) {
		task_clear_error(task);
		return task_fail_field(task, "page", "is not one that this service gave");
	}
	for (size_t i = 12; i < 16; i++)
		second = second << 8 | id.bytes[i];
	if (cursor == NULL)
		return true;
	if (!id_equal(id, page_id(second)) || second * CLOCK_SECOND % width != 0 ||
	    second * CLOCK_SECOND <= *start)
		return task_fail_field(task, "page", "is not one that these parameters gave");
	*start = second * CLOCK_SECOND;
	return true;
}

static bool
read_limit(
    struct task *task, const struct organization_input *input, int64_t days_max, int64_t *ret)
{
	bool hours = input->bucket_width == ORGANIZATION_HOUR;

	*ret = input->limit > 0 ? input->limit
	       : hours		? ORGANIZATION_HOURS_DEFAULT
				: ORGANIZATION_DAYS_DEFAULT;
	if (!hours && *ret > days_max)
		return task_fail_field(task, "limit", "must be at most 31 by day");
	return true;
}

/* Whole days or hours of UTC: the last is the one that end_time falls into. */
static bool
read_buckets(struct request const *req, const struct organization_input *input, int64_t days_max,
    struct organization_query *query)
{
	struct task *task = req->task;
	int64_t width = input->bucket_width == ORGANIZATION_HOUR ? SPAN_HOUR : CLOCK_DAY;
	int64_t start = span_floor(input->start_time * CLOCK_SECOND, width);
	int64_t end = input->end_time > 0 ? input->end_time * CLOCK_SECOND : task->now;
	struct span *at;
	int64_t limit;

	if (input->start_time * CLOCK_SECOND >= end)
		return task_fail_field(task, "end_time", "must be later than start_time");
	if (!read_limit(task, input, days_max, &limit) ||
	    !read_page(task, input->page, width, &start))
		return false;
	at = arena_array(task->arena, (size_t)limit, sizeof(*at));
	query->usage.buckets = at;
	for (; start < end && (int64_t)query->usage.bucket_count < limit; start += width)
		at[query->usage.bucket_count++] = (struct span){ start, start + width };
	if (start < end)
		query->next_page = page_cursor(task->arena, page_id(start / CLOCK_SECOND));
	return true;
}

bool
organization_read(const struct request *req, const struct organization_input *input,
    const char *const *names, int64_t days_max, struct organization_query *ret)
{
	char client[ID_TEXT_SIZE];

	*ret = (struct organization_query){
		.usage = { .zone = req->identity->zone,
		    .timezone = req->identity->timezone,
		    .rows_max = USAGE_ROWS_MAX,
		    .since_name = "start_time" },
		.is_other = input->project_ids.count > 0 &&
			    !holds(&input->project_ids, id_format(req->task->client, client)),
	};
	return read_groups(req->task, input, names, ret) && read_buckets(req, input, days_max, ret);
}

/* Leaves the rows that were asked for, with the key that is told. */
static void
filter(const struct organization_input *input, const struct organization_query *query,
    struct usage_rows *rows)
{
	bool user = query->usage.by_count > 0 && query->usage.by[0] == USAGE_USER;
	const struct json_texts *wanted = user ? &input->user_ids : &input->models;
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct usage_row *row = &rows->at[i];

		if (wanted->count > 0 && !holds(wanted, row->key[0]))
			continue;
		if (!query->by[user ? ORGANIZATION_USER : ORGANIZATION_MODEL])
			row->key[0] = NULL;
		rows->at[count++] = *row;
	}
	rows->count = count;
}

static bool
read_rows(struct task *task, const struct organization_query *query, struct usage_rows *ret)
{
	*ret = (struct usage_rows){ 0 };
	if (query->is_other || query->usage.bucket_count == 0)
		return true;
	return usage_read(task, &query->usage, ret);
}

bool
organization_find(const struct request *req, const struct organization_input *input,
    const struct organization_query *query, struct usage_groups *ret)
{
	struct usage_rows rows;

	if (!read_rows(req->task, query, &rows))
		return false;
	filter(input, query, &rows);
	usage_group(req->task, &rows, SIZE_MAX, ret);
	if (ret->count > ORGANIZATION_RESULTS_MAX)
		return task_fail_field(req->task, "limit", "is too large for so many groups");
	return true;
}
