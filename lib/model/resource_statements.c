/* The statements of all resources, made once and kept. */
#include "lib/model/resource_private.h"

#include <assert.h>
#include <pthread.h>

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

static unsigned
count_selects(const struct resource *resource)
{
	unsigned selects = 0;

	while (resource->selects != NULL && resource->selects[selects] != NULL)
		selects++;
	assert(selects <= RESOURCE_SELECTS_MAX);
	return selects;
}

static bool
has_statement(const struct resource *resource, unsigned kind)
{
	unsigned list = kind - RESOURCE_SQL_LIST, filters = count_filters(resource);
	bool restores = resource->soft && !resource->final;

	if (kind >= RESOURCE_SQL_MORE)
		return kind - RESOURCE_SQL_MORE < count_selects(resource);
	if (kind >= RESOURCE_SQL_COUNT)
		return kind - RESOURCE_SQL_COUNT < resource->count &&
		       resource_counts(&resource->fields[kind - RESOURCE_SQL_COUNT]);
	if (kind >= RESOURCE_SQL_LIST)
		return list % (1 << RESOURCE_FILTERS_MAX) < 1U << filters &&
		       (restores || list < 1 << RESOURCE_FILTERS_MAX);
	if (kind == RESOURCE_SQL_REMOVE)
		return !resource->stays;
	if (kind == RESOURCE_SQL_QUEUE || kind == RESOURCE_SQL_HELD)
		return resource->max > 0;
	return restores || (kind != RESOURCE_SQL_LOCK_DELETED && kind != RESOURCE_SQL_RESTORE);
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
			resource_write_sql(&buf, resources[i], kind);
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
