#include "lib/model/resealing.h"

#include "lib/sealed.h"

#define NEXT(table, key, value) \
	"SELECT client_id, " key ", " value "\n" \
	"FROM " table "\n" \
	"WHERE (client_id, " key ") > ($1, $2) AND " value " IS NOT NULL\n" \
	"ORDER BY client_id, " key "\n" \
	"LIMIT $3\n" \
	"FOR NO KEY UPDATE"

#define CHANGE(table, key, value) \
	"UPDATE " table "\n" \
	"SET " value " = $3\n" \
	"WHERE client_id = $1 AND " key " = $2"

static const char next_mfa_sql[] = NEXT("user_mfa", "user_id", "secret");
static const char change_mfa_sql[] = CHANGE("user_mfa", "user_id", "secret");
static const char next_configuration_sql[] = NEXT("client_integrations", "id", "configuration");
static const char change_configuration_sql[] = CHANGE("client_integrations", "id", "configuration");
static const char next_credentials_sql[] = NEXT("client_integrations", "id", "credentials");
static const char change_credentials_sql[] = CHANGE("client_integrations", "id", "credentials");

const char *const resealing_statements[] = { next_mfa_sql, change_mfa_sql, next_configuration_sql,
	change_configuration_sql, next_credentials_sql, change_credentials_sql, NULL };

static const struct column {
	const char *name;
	const char *place; /* as it is sealed */
	bool of_row; /* each row has a place of its own */
	const char *next, *change;
} columns[] = {
	{ "user_mfa.secret", "mfa", true, next_mfa_sql, change_mfa_sql },
	{ "client_integrations.configuration", "client_integrations.configuration", false,
	    next_configuration_sql, change_configuration_sql },
	{ "client_integrations.credentials", "client_integrations.credentials", false,
	    next_credentials_sql, change_credentials_sql },
};
_Static_assert(COUNT(columns) == RESEALING_COLUMNS, "each is gone through");

const char *
resealing_name(size_t column)
{
	return columns[column].name;
}

static struct db_params *
key(struct task *task, const struct resealing *at)
{
	struct db_params *params = db_params(task);

	db_add_client(params, at->client);
	db_add_client(params, at->row);
	return params;
}

static bool
seal_anew(struct task *task, const struct column *column, const struct resealing *at,
    const struct sealed_place *place, struct text plain)
{
	struct db_params *params = key(task, at);
	struct text sealed;

	if (!sealed_close(task, place, plain, &sealed))
		return false;
	db_add_bytes(params, sealed);
	return db_query(task, column->change, params, NULL);
}

static bool
look(struct task *task, const struct column *column, struct resealing *at, struct text sealed,
    bool change)
{
	struct sealed_place place = { .name = column->place, .client = at->client };
	struct text plain = { 0 };
	enum sealed_by by;

	if (column->of_row)
		place.row = at->row;
	by = sealed_try(task, &place, sealed, &plain);
	at->values++;
	at->sealed += by == SEALED_BY_PREVIOUS;
	at->left += by == SEALED_BY_NEITHER;
	return by != SEALED_BY_PREVIOUS || !change || seal_anew(task, column, at, &place, plain);
}

bool
resealing_next(struct task *task, struct resealing *at, bool change, int64_t *ret_sealed)
{
	const struct column *column = &columns[at->column];
	struct db_params *params = key(task, at);
	int64_t before = at->sealed;
	struct db_rows *rows;

	db_add_int(params, RESEALING_PORTION);
	if (!db_query(task, column->next, params, &rows))
		return false;
	for (int row = 0; row < db_count(rows); row++) {
		at->client = db_id(rows, row, 0);
		at->row = db_id(rows, row, 1);
		if (!look(task, column, at, db_bytes(rows, row, 2), change))
			return false;
	}
	at->over = db_count(rows) < RESEALING_PORTION;
	*ret_sealed = at->sealed - before;
	return true;
}
