#include "lib/db_private.h"

#include <stdlib.h>

/* A power of two, so that a hash is cut by a mask. */
#define CAPACITY_MIN 64

static size_t
hash(const char *sql)
{
	uint64_t mixed = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(mixed >> 32);
}

/* A NULL of unknown type goes with any: without that, each choice of NULLs were a statement. */
static bool
fits(const struct db_statement *statement, const struct db_params *params)
{
	int count = params == NULL ? 0 : params->count;

	if (statement->type_count != count)
		return false;
	for (int i = 0; i < count; i++) {
		uint32_t type = params->list[i].type;

		if (type != 0 && type != statement->types[i])
			return false;
	}
	return true;
}

static struct db_statement **
free_slot(struct db_statement **table, size_t capacity, const char *sql)
{
	size_t at = hash(sql);

	while (table[at & (capacity - 1)] != NULL)
		at++;
	return &table[at & (capacity - 1)];
}

static struct db_statement *
find(const struct db *db, const char *sql, const struct db_params *params)
{
	if (db->statement_capacity == 0)
		return NULL;
	for (size_t at = hash(sql);; at++) {
		struct db_statement *found = db->statements[at & (db->statement_capacity - 1)];

		if (found == NULL || (found->sql == sql && fits(found, params)))
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
			*free_slot(table, capacity, old->sql) = old;
	}
	free(db->statements);
	db->statements = table;
	db->statement_capacity = capacity;
}

static struct db_statement *
make(const char *sql, const struct db_params *params, unsigned number)
{
	int count = params == NULL ? 0 : params->count;
	struct db_statement *statement =
	    calloc(1, sizeof(*statement) + (size_t)count * sizeof(statement->types[0]));

	if (statement == NULL)
		abort();
	statement->sql = sql;
	statement->number = number;
	statement->type_count = count;
	for (int i = 0; i < count; i++)
		statement->types[i] = params->list[i].type;
	return statement;
}

struct db_statement *
db_statement(struct db *db, const char *sql, const struct db_params *params)
{
	struct db_statement *statement = find(db, sql, params);

	if (statement != NULL)
		return statement;
	if ((db->statement_count + 1) * 2 > db->statement_capacity)
		grow(db);
	statement = make(sql, params, (unsigned)++db->statement_count);
	*free_slot(db->statements, db->statement_capacity, sql) = statement;
	return statement;
}

int64_t
db_runs(const struct task *task, const char *sql)
{
	const struct db *db = task->db;
	int64_t runs = 0;

	if (db == NULL || db->statement_capacity == 0)
		return 0;
	for (size_t at = hash(sql);; at++) {
		const struct db_statement *found =
		    db->statements[at & (db->statement_capacity - 1)];

		if (found == NULL)
			return runs;
		if (found->sql == sql)
			runs += found->runs;
	}
}

void
db_forget_statements(struct db *db)
{
	for (size_t i = 0; i < db->statement_capacity; i++)
		free(db->statements[i]);
	free(db->statements);
}
