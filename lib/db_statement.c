#include "lib/db_private.h"

#include <stdlib.h>

/* A power of two, so that a hash is cut by a mask. */
#define CAPACITY_MIN 64

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t
hash_types(const struct db_params *params)
{
	uint64_t hash = 1;

	for (int i = 0; params != NULL && i < params->count; i++)
		hash = mix(hash, params->list[i].type + 1U);
	return hash;
}

static struct db_statement **
slot(struct db_statement **table, size_t capacity, const char *sql, uint64_t types)
{
	size_t at = (size_t)mix(types, (uintptr_t)sql);

	for (;; at++) {
		struct db_statement **found = &table[at & (capacity - 1)];

		if (*found == NULL || ((*found)->sql == sql && (*found)->types == types))
			return found;
	}
}

static void
grow(struct db *db)
{
	size_t capacity = db->statement_capacity == 0 ? CAPACITY_MIN : db->statement_capacity * 2;
	struct db_statement **table = calloc(capacity, sizeof(struct db_statement *));

	if (table == NULL)
		abort();
	for (size_t i = 0; i < db->statement_capacity; i++) {
		struct db_statement *old = db->statements[i];

		if (old != NULL)
			*slot(table, capacity, old->sql, old->types) = old;
	}
	free(db->statements);
	db->statements = table;
	db->statement_capacity = capacity;
}

struct db_statement *
db_statement(struct db *db, const char *sql, const struct db_params *params)
{
	uint64_t types = hash_types(params);
	struct db_statement **found;

	if ((db->statement_count + 1) * 2 > db->statement_capacity)
		grow(db);
	found = slot(db->statements, db->statement_capacity, sql, types);
	if (*found == NULL) {
		*found = calloc(1, sizeof(**found));
		if (*found == NULL)
			abort();
		(*found)->sql = sql;
		(*found)->types = types;
		(*found)->number = (unsigned)++db->statement_count;
	}
	return *found;
}

void
db_forget_statements(struct db *db)
{
	for (size_t i = 0; i < db->statement_capacity; i++)
		free(db->statements[i]);
	free(db->statements);
}
