#include "lib/model/keyset.h"
#include "lib/model/user_private.h"

#include <assert.h>
#include <string.h>

const char *const user_tier_names[] = { "anonymous", "free", "premium", "enterprise", NULL };

static const char count_sql[] = "SELECT tier, count(*)\n"
				"FROM users\n"
				"WHERE client_id = $1 AND deleted_at IS NULL\n"
				"GROUP BY tier";

static const char tier_sql[] = "SELECT tier\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2";

/*
 * A statement for each way to find the rows by an index. Where the index gives one row, or few, the
 * other filters are applied to it; elsewhere they would hide from the planner how many rows come.
 */
#define LIST \
	"SELECT " USER_COLUMNS "\n" \
	"FROM users\n" \
	"WHERE client_id = $1 AND id < $2\n"
#define PAGE \
	"ORDER BY id DESC\n" \
	"LIMIT $3"
/* The folding's collation must not become that of the comparison: the index has the default one. */
#define HAS_TIER "($4::text IS NULL OR tier = $4)\n"
#define HAS_EMAIL "email_folded = lower($5 COLLATE \"und-x-icu\") COLLATE \"default\"\n"
#define HAS_EXTERNAL_ID "($6::text IS NULL OR external_id = $6)\n"

static const char list_sql[] = LIST "AND deleted_at IS NULL\n" PAGE;
static const char list_by_tier_sql[] = LIST "AND tier = $4 AND deleted_at IS NULL\n" PAGE;
static const char list_by_email_sql[] =
    LIST "AND " HAS_EMAIL "AND deleted_at IS NULL AND " HAS_TIER "AND " HAS_EXTERNAL_ID PAGE;
static const char list_by_external_id_sql[] =
    LIST "AND external_id = $6 AND deleted_at IS NULL AND " HAS_TIER
	 "AND ($5::text IS NULL OR " HAS_EMAIL ")\n" PAGE;
static const char list_deleted_sql[] =
    LIST "AND deleted_at IS NOT NULL AND " HAS_TIER "AND ($5::text IS NULL OR " HAS_EMAIL ")\n"
	 "AND " HAS_EXTERNAL_ID PAGE;

const char *const user_list_statements[] = { count_sql, tier_sql, list_sql, list_deleted_sql,
	list_by_tier_sql, list_by_email_sql, list_by_external_id_sql, NULL };

enum user_tier
user_tier_of(const char *name)
{
	for (int tier = 0; tier < USER_TIERS; tier++)
		if (strcmp(name, user_tier_names[tier]) == 0)
			return (enum user_tier)tier;
	assert(false && "a tier that the table's check refuses");
	return USER_ANONYMOUS;
}

void
user_read_row(const struct db_rows *rows, int row, struct user *ret)
{
	*ret = (struct user){
		.id = db_id(rows, row, 0),
		.external_id = db_text(rows, row, 1),
		.email = db_text(rows, row, 2),
		.tier = user_tier_of(db_text(rows, row, 3)),
		.email_verified = db_bool(rows, row, 4),
		.oauth_provider = db_text(rows, row, 5),
		.oauth_id = db_text(rows, row, 6),
		.created_at = db_time(rows, row, 7),
		.updated_at = db_time(rows, row, 8),
		.deleted_at = db_time(rows, row, 9),
	};
}

static const char *
choose_list(const struct user_filter *filter)
{
	if (filter->deleted)
		return list_deleted_sql;
	if (filter->external_id != NULL)
		return list_by_external_id_sql;
	if (filter->email != NULL)
		return list_by_email_sql;
	return filter->tier == USER_ANY_TIER ? list_sql : list_by_tier_sql;
}

/* As many as the statement has. */
static struct db_params *
list_params(struct task *task, const struct user_filter *filter, const char *sql)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, keyset_below(filter->after));
	db_add_int(params, filter->limit);
	if (sql == list_sql)
		return params;
	db_add_text(params, filter->tier == USER_ANY_TIER ? NULL : user_tier_names[filter->tier]);
	if (sql == list_by_tier_sql)
		return params;
	db_add_text(params, filter->email);
	db_add_text(params, filter->external_id);
	return params;
}

bool
user_list(struct task *task, const struct user_filter *filter, struct users *ret)
{
	const char *sql = choose_list(filter);
	struct db_rows *rows;
	struct user *list;
	int count;

	if (!db_query(task, sql, list_params(task, filter, sql), &rows))
		return false;
	count = db_count(rows);
	list = arena_array(task->arena, (size_t)count, sizeof *list);
	for (int i = 0; i < count; i++)
		user_read_row(rows, i, &list[i]);
	*ret = (struct users){ list, (size_t)count };
	return true;
}

bool
user_find_tier(struct task *task, struct id id, bool *ret_found, enum user_tier *ret_tier)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, id);
	if (!db_query(task, tier_sql, params, &rows))
		return false;
	*ret_found = db_count(rows) > 0;
	if (*ret_found)
		*ret_tier = user_tier_of(db_text(rows, 0, 0));
	return true;
}

bool
user_count(struct task *task, int64_t ret_by_tier[USER_TIERS])
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	if (!db_query(task, count_sql, params, &rows))
		return false;
	for (int tier = 0; tier < USER_TIERS; tier++)
		ret_by_tier[tier] = 0;
	for (int i = 0; i < db_count(rows); i++)
		ret_by_tier[user_tier_of(db_text(rows, i, 0))] = db_int(rows, i, 1);
	return true;
}

void
user_write(struct json_out *out, const void *object)
{
	const struct user *user = object;

	json_open(out);
	json_id(out, "id", user->id);
	json_text(out, "external_id", user->external_id);
	json_text(out, "email", user->email);
	json_text(out, "tier", user_tier_names[user->tier]);
	json_bool(out, "email_verified", user->email_verified);
	json_text(out, "oauth_provider", user->oauth_provider);
	json_text(out, "oauth_id", user->oauth_id);
	json_time(out, "created_at", user->created_at);
	json_time(out, "updated_at", user->updated_at);
	if (user->deleted_at == 0)
		json_null(out, "deleted_at");
	else
		json_time(out, "deleted_at", user->deleted_at);
	json_close(out);
}
