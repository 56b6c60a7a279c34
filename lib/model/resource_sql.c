/* The statements of a resource, made of its table: names of ours, and parameters for all else. */
#include "lib/model/resource_private.h"

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
		[JSON_RATE] = "bigint",
		[JSON_MILLIONTHS] = "bigint",
		[JSON_TIME] = "timestamptz",
		[JSON_BOOL] = "boolean",
		[JSON_CHOICE] = "text",
		[JSON_ID] = "uuid",
		[JSON_TEXTS] = "text[]",
		[JSON_INTS] = "bigint[]",
		[JSON_OBJECT] = "jsonb",
	};

	return field->use & RESOURCE_SEALED ? "bytea" : types[field->json.type];
}

static const char *
column_of(const struct resource_field *field)
{
	return field->column != NULL ? field->column : field->json.name;
}

/* The pattern with the text in place of each "?". */
static void
write_pattern(struct buf *out, const char *pattern, const char *text)
{
	for (const char *place; (place = strchr(pattern, '?')) != NULL; pattern = place + 1) {
		buf_add(out, pattern, (size_t)(place - pattern));
		buf_puts(out, text);
	}
	buf_puts(out, pattern);
}

static const char *
into_of(const struct resource_field *field)
{
	if (field->into != NULL)
		return field->into;
	if (field->json.type == JSON_CENTS)
		return "? * 0.0000001";
	return field->json.type == JSON_MILLIONTHS ? "? * 0.000001" : "?";
}

static const char *
value_of(struct arena *arena, const struct resource_field *field, int number)
{
	struct buf value = { .arena = arena };

	write_pattern(
	    &value, into_of(field), arena_printf(arena, "$%d::%s", number, type_of(field)));
	return value.at;
}

static const char *
read_of(const struct resource_field *field)
{
	if (field->from != NULL)
		return field->from;
	if (field->json.type == JSON_CENTS)
		return "(? * 10000000)::bigint";
	if (field->json.type == JSON_MILLIONTHS)
		return "(? * 1000000)::bigint";
	if (field->use & RESOURCE_SEALED)
		return "?";
	return field->json.type == JSON_OBJECT ? "?::text" : "?";
}

bool
resource_reads(const struct resource_field *field, unsigned kind)
{
	bool shown = kind == RESOURCE_SQL_FIND || kind >= RESOURCE_SQL_LIST;

	unsigned unread = RESOURCE_ONCE | RESOURCE_UNKEPT | (shown ? (unsigned)RESOURCE_SECRET : 0);

	return !(field->use & unread);
}

bool
resource_keeps(const struct resource_field *field)
{
	return !(field->use & (RESOURCE_UNKEPT | RESOURCE_DERIVED));
}

bool
resource_changes(const struct resource_field *field)
{
	return field->use & (RESOURCE_CHANGE | RESOURCE_OWN) && resource_keeps(field);
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
		write_pattern(out, read_of(field), column_of(field));
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
		if (resource_keeps(&resource->fields[i]))
			buf_printf(out, ", %s", column_of(&resource->fields[i]));
	buf_printf(out, ")\nSELECT %s$%d::uuid", resource->of_operator ? "" : "$1::uuid, ",
	    id_number(resource));
	for (size_t i = 0; i < resource->count; i++)
		if (resource_keeps(&resource->fields[i]))
			buf_printf(
			    out, ", %s", value_of(out->arena, &resource->fields[i], number++));
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

		if (!resource_changes(field))
			continue;
		buf_printf(out, "%s%s = %s", before, column_of(field),
		    value_of(out->arena, field, number++));
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
	const char *value = value_of(out->arena, field, number);

	buf_puts(out, "AND ");
	if (field->filter != NULL)
		write_pattern(out, field->filter, value);
	else
		buf_printf(out, "%s = %s", column_of(field), value);
	buf_putc(out, '\n');
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
	buf_printf(out, "SELECT %s, count(*)\nFROM %s\nWHERE %s", column_of(by), resource->table,
	    resource->of_operator ? "true" : "client_id = $1");
	if (resource->soft)
		buf_puts(out, " AND deleted_at IS NULL");
	if (resource->only != NULL)
		buf_printf(out, "\nAND %s", resource->only);
	buf_printf(out, "\nGROUP BY %s", column_of(by));
}

static void
write_more(struct buf *out, const struct resource *resource, unsigned which)
{
	write_select(out, resource, RESOURCE_SQL_MORE);
	buf_puts(out, resource->selects[which]);
}

void
resource_write_sql(struct buf *out, const struct resource *resource, unsigned kind)
{
	unsigned list = kind - RESOURCE_SQL_LIST;

	if (kind >= RESOURCE_SQL_MORE)
		write_more(out, resource, kind - RESOURCE_SQL_MORE);
	else if (kind >= RESOURCE_SQL_COUNT)
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
