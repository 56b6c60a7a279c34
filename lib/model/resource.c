#include "lib/model/resource.h"

#include <string.h>

#include "lib/model/audit.h"
#include "lib/model/keyset.h"
#include "lib/model/resource_private.h"

static struct resource_head *
head_of(void *object)
{
	return object;
}

struct id
resource_id(const void *object)
{
	return ((const struct resource_head *)object)->id;
}

void *
resource_new(struct task *task, const struct resource *resource)
{
	void *object = arena_alloc(task->arena, resource->size);

	if (resource->defaults != NULL)
		memcpy(object, resource->defaults, resource->size);
	return object;
}

void
resource_apply(const struct resource *resource, const bool *given, const bool *nulled,
    const void *from, void *to)
{
	size_t first = 0; /* of the field's group */

	for (size_t i = 0; i < resource->count; i++) {
		const struct resource_field *field = &resource->fields[i];
		size_t at = field->json.offset;

		if (field->group == NULL || field->group != resource->fields[first].group)
			first = i;
		if (nulled[first])
			resource_clear(field, to);
		else if (given[i])
			memcpy(
			    (char *)to + at, (const char *)from + at, resource_value_size(field));
	}
}

static struct text
text_of(struct task *task, const struct resource *resource, const void *object, unsigned without)
{
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	json_open(out);
	resource_write_members(out, resource, object, without);
	json_close(out);
	return buf_text(&buf);
}

/* For the audit log; nothing where there is no object. */
static struct text
shown(struct task *task, const struct resource *resource, const void *object)
{
	if (object == NULL)
		return (struct text){ 0 };
	return text_of(task, resource, object,
	    RESOURCE_SECRET | RESOURCE_ONCE | RESOURCE_UNSHOWN | RESOURCE_SEALED);
}

static bool
same(struct task *task, const struct resource *resource, const void *a, const void *b)
{
	struct text first = text_of(task, resource, a, RESOURCE_UNKEPT);
	struct text second = text_of(task, resource, b, RESOURCE_UNKEPT);

	return first.len == second.len && first.len > 0 &&
	       memcmp(first.at, second.at, first.len) == 0;
}

/* Behind values that may have been sealed. */
static bool
is_well(const struct task *task)
{
	return task->err.code == ERR_NONE;
}

static struct db_params *
key(struct task *task, const struct resource *resource, struct id id)
{
	struct db_params *params = db_params(task);

	if (!resource->of_operator)
		db_add_client(params, task->client);
	db_add_id(params, id);
	return params;
}

static void
take_row(struct task *task, const struct resource *resource, unsigned kind,
    const struct db_rows *rows, int row, void *object)
{
	struct resource_head *head = head_of(object);
	int column = 0;

	head->id = db_id(rows, row, column++);
	head->created_at = db_time(rows, row, column++);
	head->updated_at = db_time(rows, row, column++);
	head->deleted_at = resource->soft ? db_time(rows, row, column++) : 0;
	for (size_t i = 0; i < resource->count; i++)
		if (resource_reads(&resource->fields[i], kind))
			resource_take(
			    task, resource, rows, row, column++, &resource->fields[i], object);
	if (resource->loaded != NULL)
		resource->loaded(object);
}

/* A row into an object that holds nothing yet. */
static void
read_row(struct task *task, const struct resource *resource, unsigned kind,
    const struct db_rows *rows, int row, void *object)
{
	for (size_t i = 0; i < resource->count; i++)
		if (!resource_reads(&resource->fields[i], kind))
			resource_clear(&resource->fields[i], object);
	take_row(task, resource, kind, rows, row, object);
}

/* Makes a violated constraint a field that the caller knows. Always false. */
static bool
explain(struct task *task, const struct resource *resource)
{
	const char *constraint = task->err.constraint;
	bool unique = task->err.code == ERR_CONFLICT;

	for (size_t i = 0; constraint != NULL && i < resource->taken_count; i++) {
		const struct resource_taken *taken = &resource->taken[i];

		if (strcmp(constraint, taken->constraint) != 0)
			continue;
		task_clear_error(task);
		if (!unique)
			return task_fail_field(task, taken->field, taken->message);
		task_fail(
		    task, ERR_CONFLICT, "Another %s has the same %s.", resource->one, taken->field);
		task->err.fields[0] = (struct err_field){ taken->field, taken->message };
		task->err.field_count = 1;
		return false;
	}
	return false;
}

/* What is done behind each statement that changes a row. */
static bool
finish(struct task *task, const struct resource *resource, const char *action, struct id id,
    const void *before, const void *after)
{
	if (!is_well(task))
		return false;
	if (resource->stored != NULL && !resource->stored(task, action, before, after))
		return false;
	return resource->quiet || audit_add(task, action, resource->table, id,
				      shown(task, resource, before), shown(task, resource, after));
}

/* One more of the client's has room; no other is added until the transaction ends. */
static bool
has_room(struct task *task, const struct resource *resource)
{
	struct db_params *client = db_params(task);
	const struct db_step steps[] = {
		{ resource_sql(resource, RESOURCE_SQL_QUEUE), client },
		{ resource_sql(resource, RESOURCE_SQL_HELD), client },
	};
	struct db_rows *rows[COUNT(steps)];

	if (resource->max == 0)
		return true;
	db_add_id(client, task->client);
	if (!db_pipeline(task, steps, COUNT(steps), rows))
		return false;
	return db_int(rows[1], 0, 0) < resource->max ||
	       task_fail(task, ERR_CONFLICT, "A client has %lld %s at most.",
		   (long long)resource->max, resource->table);
}

bool
resource_add(struct task *task, const struct resource *resource, void *object)
{
	struct db_params *params;
	struct db_rows *rows;

	if (resource->check != NULL && !resource->check(task, NULL, object))
		return false;
	if (!has_room(task, resource))
		return false;
	if (id_is_nil(resource_id(object)))
		head_of(object)->id = id_new(task->now);
	params = key(task, resource, resource_id(object));
	for (size_t i = 0; i < resource->count; i++)
		if (resource_keeps(&resource->fields[i]))
			resource_bind(task, resource, params, &resource->fields[i], object);
	if (!is_well(task) ||
	    !db_query(task, resource_sql(resource, RESOURCE_SQL_ADD), params, &rows))
		return explain(task, resource);
	take_row(task, resource, RESOURCE_SQL_ADD, rows, 0, object);
	return finish(task, resource, "add", resource_id(object), NULL, object);
}

static bool
find(struct task *task, const struct resource *resource, enum resource_kind kind, struct id id,
    void *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, resource_sql(resource, kind), key(task, resource, id), &rows))
		return false;
	read_row(task, resource, kind, rows, 0, ret);
	return is_well(task);
}

bool
resource_find(struct task *task, const struct resource *resource, struct id id, void *ret)
{
	return find(task, resource, RESOURCE_SQL_FIND, id, ret);
}

bool
resource_find_to_change(
    struct task *task, const struct resource *resource, struct id id, const void *change, void *ret)
{
	if (resource->lock != NULL && change != NULL && !resource->lock(task, id, change))
		return false;
	return find(task, resource, RESOURCE_SQL_LOCK, id, ret);
}

bool
resource_change(struct task *task, const struct resource *resource, const char *action,
    const void *before, void *after)
{
	struct db_params *params = key(task, resource, resource_id(before));
	struct db_rows *rows;

	if (resource->check != NULL && !resource->check(task, before, after))
		return false;
	if (same(task, resource, before, after))
		return true;
	for (size_t i = 0; i < resource->count; i++)
		if (resource_changes(&resource->fields[i]))
			resource_bind(task, resource, params, &resource->fields[i], after);
	if (!is_well(task) ||
	    !db_query_one(task, resource_sql(resource, RESOURCE_SQL_CHANGE), params, &rows))
		return explain(task, resource);
	take_row(task, resource, RESOURCE_SQL_CHANGE, rows, 0, after);
	return finish(task, resource, action, resource_id(after), before, after);
}

bool
resource_remove(struct task *task, const struct resource *resource, const void *before)
{
	struct db_params *params = key(task, resource, resource_id(before));
	struct db_rows *rows;
	void *after = resource_new(task, resource);

	if (resource->soft)
		db_add_time(params, task->now);
	if (!db_query_one(task, resource_sql(resource, RESOURCE_SQL_REMOVE), params, &rows))
		return false;
	take_row(task, resource, RESOURCE_SQL_REMOVE, rows, 0, after);
	return finish(task, resource, "remove", resource_id(before), before,
	    resource->soft && !resource->final ? after : NULL);
}

bool
resource_restore(struct task *task, const struct resource *resource, struct id id, void *ret)
{
	struct db_params *params = key(task, resource, id);
	void *before = resource_new(task, resource);
	struct db_rows *rows;

	if (!db_query(task, resource_sql(resource, RESOURCE_SQL_LOCK_DELETED), params, &rows))
		return false;
	if (db_count(rows) == 0)
		return resource_find(task, resource, id, ret) &&
		       task_fail(task, ERR_CONFLICT, "The %s is not deleted.", resource->one);
	take_row(task, resource, RESOURCE_SQL_LOCK_DELETED, rows, 0, before);
	if (!has_room(task, resource))
		return false;
	if (!db_query_one(task, resource_sql(resource, RESOURCE_SQL_RESTORE), params, &rows))
		return explain(task, resource);
	take_row(task, resource, RESOURCE_SQL_RESTORE, rows, 0, ret);
	return finish(task, resource, "restore", id, before, ret);
}

static void *
take_rows(struct task *task, const struct resource *resource, const struct db_rows *rows,
    size_t *ret_count)
{
	size_t count = (size_t)db_count(rows);
	char *objects = arena_array(task->arena, count, resource->size);

	for (size_t i = 0; i < count; i++)
		read_row(
		    task, resource, RESOURCE_SQL_LIST, rows, (int)i, objects + i * resource->size);
	*ret_count = count;
	return objects;
}

bool
resource_list(struct task *task, const struct resource *resource,
    const struct resource_filter *filter, void **ret, size_t *ret_count)
{
	struct db_params *params = key(task, resource, keyset_below(filter->after));
	struct db_rows *rows;
	unsigned bit = 1;

	for (size_t i = 0; i < resource->count; i++) {
		if (!(resource->fields[i].use & RESOURCE_FILTER))
			continue;
		if (filter->given & bit)
			resource_bind(task, resource, params, &resource->fields[i], filter->values);
		bit <<= 1;
	}
	db_add_int(params, filter->limit);
	if (!db_query(task, resource_list_sql(resource, filter), params, &rows))
		return false;
	*ret = take_rows(task, resource, rows, ret_count);
	return is_well(task);
}

bool
resource_select(struct task *task, const struct resource *resource, unsigned which,
    const struct db_params *params, void **ret, size_t *ret_count)
{
	struct db_rows *rows;

	if (!db_query(task, resource_sql(resource, RESOURCE_SQL_MORE + which), params, &rows))
		return false;
	*ret = take_rows(task, resource, rows, ret_count);
	return is_well(task);
}

bool
resource_counts(const struct resource_field *field)
{
	return field->json.type == JSON_CHOICE && field->use & RESOURCE_FILTER;
}

bool
resource_count(struct task *task, const struct resource *resource, const struct resource_field *by,
    int64_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	const char *sql =
	    resource_sql(resource, RESOURCE_SQL_COUNT + (unsigned)(by - resource->fields));

	if (!resource->of_operator)
		db_add_id(params, task->client);
	if (!db_query(task, sql, params, &rows))
		return false;
	for (int i = 0; by->json.choices[i] != NULL; i++)
		ret[i] = 0;
	for (int row = 0; row < db_count(rows); row++)
		ret[resource_choice(by, db_text(rows, row, 0))] = db_int(rows, row, 1);
	return true;
}
