/* The statements of a resource, made of its table: names of ours, and parameters for all else. */
#include "lib/model/resource_private.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

/* Parameters: the client, unless the rows have none; the id; then what the statement says. */
static int
id_number(const struct resource *resource)
{
	return resource->of_operator ? 1 : 2;
}

static const char *
type_of(const struct resource_field *field)
{
	static const char *const types[JSON_OBJECT + 1] = {
		[JSON_TEXT] = "text",
		[JSON_INT] = "bigint",
		[JSON_CENTS] = "bigint",
		[JSON_TIME] = "timestamptz",
		[JSON_BOOL] = "boolean",
		[JSON_CHOICE] = "text",
		[JSON_ID] = "uuid",
		[JSON_TEXTS] = "text[]",
		[JSON_OBJECT] = "jsonb",
	};

	return types[field->json.type];
}

static void
write_value(struct buf *out, const struct resource_field *field, int number)
{
	buf_printf(out, "$%d::%s", number, type_of(field));
	if (field->json.type == JSON_CENTS)
		buf_puts(out, " * 0.0000001");
}

bool
resource_reads(const struct resource_field *field, unsigned kind)
{
	bool shown = kind == RESOURCE_SQL_FIND || kind >= RESOURCE_SQL_LIST;

	return !(field->use & (RESOURCE_ONCE | (shown ? (unsigned)RESOURCE_SECRET : 0)));
}

static void
write_columns(struct buf *out, const struct resource *resource, unsigned kind)
{
	buf_puts(out, "id, created_at, updated_at");
	if (resource->soft)
		buf_puts(out, ", deleted_at");
	for (size_t i = 0; i < resource->count; i++) {
		const struct resource_field *field = &resource->fields[i];

		if (!resource_reads(field, kind))
			continue;
		buf_puts(out, ", ");
		if (field->json.type == JSON_CENTS)
			buf_printf(out, "(%s * 10000000)::bigint", field->json.name);
		else if (field->json.type == JSON_OBJECT)
			buf_printf(out, "%s::text", field->json.name);
		else
			buf_puts(out, field->json.name);
	}
}

static void
write_returning(struct buf *out, const struct resource *resource, unsigned kind)
{
	buf_puts(out, "RETURNING ");
	write_columns(out, resource, kind);
}

/* The rows of the caller, living or deleted. */
static void
write_where(struct buf *out, const struct resource *resource, const char *compare, bool deleted)
{
	buf_printf(out, "WHERE %sid %s $%d", resource->of_operator ? "" : "client_id = $1 AND ",
	    compare, id_number(resource));
	if (resource->soft)
		buf_printf(out, " AND deleted_at IS %sNULL", deleted ? "NOT " : "");
	if (resource->only != NULL)
		buf_printf(out, "\nAND %s", resource->only);
	buf_putc(out, '\n');
}

static void
write_select(struct buf *out, const struct resource *resource, unsigned kind)
{
	buf_puts(out, "SELECT ");
	write_columns(out, resource, kind);
	buf_printf(out, "\nFROM %s\n", resource->table);
}

static void
write_find(struct buf *out, const struct resource *resource, unsigned kind)
{
	write_select(out, resource, kind);
	write_where(out, resource, "=", kind == RESOURCE_SQL_LOCK_DELETED);
	if (kind != RESOURCE_SQL_FIND)
		buf_puts(out, "FOR NO KEY UPDATE");
}

static void
write_add(struct buf *out, const struct resource *resource)
{
	int number = id_number(resource) + 1;

	buf_printf(out, "INSERT INTO %s (%sid", resource->table,
	    resource->of_operator ? "" : "client_id, ");
	for (size_t i = 0; i < resource->count; i++)
		buf_printf(out, ", %s", resource->fields[i].json.name);
	buf_printf(out, ")\nSELECT %s$%d::uuid", resource->of_operator ? "" : "$1::uuid, ",
	    id_number(resource));
	for (size_t i = 0; i < resource->count; i++) {
		buf_puts(out, ", ");
		write_value(out, &resource->fields[i], number++);
	}
	buf_putc(out, '\n');
	write_returning(out, resource, RESOURCE_SQL_ADD);
}

static void
write_change(struct buf *out, const struct resource *resource)
{
	const char *before = "SET ";
	int number = id_number(resource) + 1;

	buf_printf(out, "UPDATE %s\n", resource->table);
	for (size_t i = 0; i < resource->count; i++) {
		const struct resource_field *field = &resource->fields[i];

		if (!(field->use & (RESOURCE_CHANGE | RESOURCE_OWN)))
			continue;
		buf_printf(out, "%s%s = ", before, field->json.name);
		write_value(out, field, number++);
		before = ",\n";
	}
	buf_putc(out, '\n');
	write_where(out, resource, "=", false);
	write_returning(out, resource, RESOURCE_SQL_CHANGE);
}

static void
write_remove(struct buf *out, const struct resource *resource)
{
	if (resource->soft)
		buf_printf(out, "UPDATE %s\nSET deleted_at = $%d\n", resource->table,
		    id_number(resource) + 1);
	else
		buf_printf(out, "DELETE FROM %s\n", resource->table);
	write_where(out, resource, "=", false);
	write_returning(out, resource, RESOURCE_SQL_REMOVE);
}

static void
write_restore(struct buf *out, const struct resource *resource)
{
	buf_printf(out, "UPDATE %s\nSET deleted_at = NULL\n", resource->table);
	write_where(out, resource, "=", true);
	write_returning(out, resource, RESOURCE_SQL_RESTORE);
}

/* Two that count at the same time would both find room for one more. */
static void
write_queue(struct buf *out, const struct resource *resource)
{
	buf_printf(out,
	    "SELECT pg_advisory_xact_lock(hashtextextended('%s ' || $1::uuid::text, 0))",
	    resource->table);
}

static void
write_held(struct buf *out, const struct resource *resource)
{
	buf_printf(out, "SELECT count(*)\nFROM %s\nWHERE client_id = $1%s", resource->table,
	    resource->soft ? " AND deleted_at IS NULL" : "");
}

static void
write_filter(struct buf *out, const struct resource_field *field, int number)
{
	const char *at = field->filter, *place;

	buf_puts(out, "AND ");
	if (at == NULL) {
		buf_printf(out, "%s = ", field->json.name);
		write_value(out, field, number);
	}
	while (at != NULL && (place = strchr(at, '?')) != NULL) {
		buf_printf(out, "%.*s", (int)(place - at), at);
		write_value(out, field, number);
		at = place + 1;
	}
	buf_printf(out, "%s\n", at == NULL ? "" : at);
}

/* A statement for each choice of filters: so each has the plan that fits it. */
static void
write_list(struct buf *out, const struct resource *resource, unsigned given, bool deleted)
{
	int number = id_number(resource) + 1;
	unsigned bit = 1;

	write_select(out, resource, RESOURCE_SQL_LIST);
	write_where(out, resource, "<", deleted);
	for (size_t i = 0; i < resource->count; i++) {
		if (!(resource->fields[i].use & RESOURCE_FILTER))
			continue;
		if (given & bit)
			write_filter(out, &resource->fields[i], number++);
		bit <<= 1;
	}
	buf_printf(out, "ORDER BY id DESC\nLIMIT $%d", number);
}

static void
write_count(struct buf *out, const struct resource *resource, const struct resource_field *by)
{
	buf_printf(out, "SELECT %s, count(*)\nFROM %s\nWHERE %s", by->json.name, resource->table,
	    resource->of_operator ? "true" : "client_id = $1");
	if (resource->soft)
		buf_puts(out, " AND deleted_at IS NULL");
	if (resource->only != NULL)
		buf_printf(out, "\nAND %s", resource->only);
	buf_printf(out, "\nGROUP BY %s", by->json.name);
}

static void
write_statement(struct buf *out, const struct resource *resource, unsigned kind)
{
	unsigned list = kind - RESOURCE_SQL_LIST;

	if (kind >= RESOURCE_SQL_COUNT)
		write_count(out, resource, &resource->fields[kind - RESOURCE_SQL_COUNT]);
	else if (kind >= RESOURCE_SQL_LIST)
		write_list(out, resource, list % (1 << RESOURCE_FILTERS_MAX),
		    list >= 1 << RESOURCE_FILTERS_MAX);
	else if (kind == RESOURCE_SQL_ADD)
		write_add(out, resource);
	else if (kind == RESOURCE_SQL_CHANGE)
		write_change(out, resource);
	else if (kind == RESOURCE_SQL_REMOVE)
		write_remove(out, resource);
	else if (kind == RESOURCE_SQL_RESTORE)
		write_restore(out, resource);
	else if (kind == RESOURCE_SQL_QUEUE)
		write_queue(out, resource);
	else if (kind == RESOURCE_SQL_HELD)
		write_held(out, resource);
	else
		write_find(out, resource, kind);
}

static unsigned
count_filters(const struct resource *resource)
{
	unsigned filters = 0;

	assert(resource->count <= RESOURCE_FIELDS_MAX);
	for (size_t i = 0; i < resource->count; i++)
		if (resource->fields[i].use & RESOURCE_FILTER)
			filters++;
	assert(filters <= RESOURCE_FILTERS_MAX);
	return filters;
}

static bool
has_statement(const struct resource *resource, unsigned kind)
{
	unsigned list = kind - RESOURCE_SQL_LIST, filters = count_filters(resource);

	if (kind >= RESOURCE_SQL_COUNT)
		return kind - RESOURCE_SQL_COUNT < resource->count &&
		       resource_counts(&resource->fields[kind - RESOURCE_SQL_COUNT]);
	if (kind >= RESOURCE_SQL_LIST)
		return list % (1 << RESOURCE_FILTERS_MAX) < 1U << filters &&
		       (resource->soft || list < 1 << RESOURCE_FILTERS_MAX);
	if (kind == RESOURCE_SQL_REMOVE)
		return !resource->stays;
	if (kind == RESOURCE_SQL_QUEUE || kind == RESOURCE_SQL_HELD)
		return resource->max > 0;
	return resource->soft ||
	       (kind != RESOURCE_SQL_LOCK_DELETED && kind != RESOURCE_SQL_RESTORE);
}

/* They live as long as the process. */
static void
make_all(void)
{
	static struct arena *arena;

	arena = arena_new();
	for (size_t i = 0; resources[i] != NULL; i++)
		for (unsigned kind = 0; kind < RESOURCE_SQL_END; kind++) {
			struct buf buf = { .arena = arena };

			if (!has_statement(resources[i], kind))
				continue;
			write_statement(&buf, resources[i], kind);
			resources[i]->statements->sql[kind] = buf.at;
		}
}

const char *
resource_sql(const struct resource *resource, unsigned kind)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make_all);
	return resource->statements->sql[kind];
}

const char *
resource_list_sql(const struct resource *resource, const struct resource_filter *filter)
{
	return resource_sql(resource,
	    RESOURCE_SQL_LIST + (filter->deleted ? 1U << RESOURCE_FILTERS_MAX : 0) + filter->given);
}

const char *
resource_statement(const struct resource *resource, unsigned number)
{
	for (unsigned kind = 0; kind < RESOURCE_SQL_END; kind++)
		if (resource_sql(resource, kind) != NULL && number-- == 0)
			return resource_sql(resource, kind);
	return NULL;
}
