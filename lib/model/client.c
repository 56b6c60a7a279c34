#include "lib/model/client.h"

#include "lib/model/audit.h"
#include "lib/zone.h"

#include <string.h>

const char *const client_plan_names[] = {
	[CLIENT_FREE] = "free",
	[CLIENT_PRO] = "pro",
	[CLIENT_ENTERPRISE] = "enterprise",
	NULL,
};

#define COLUMNS \
	"id, name, plan, timezone, log_retention_days, created_at, updated_at, deactivated_at"
#define VISIBLE "deleted_at IS NULL AND id <> '00000000-0000-0000-0000-000000000000'"

static const char add_sql[] = "INSERT INTO clients (id, name, plan, timezone, log_retention_days)"
			      " VALUES ($1, $2, $3, $4, $5::bigint)"
			      " RETURNING " COLUMNS;

static const char find_sql[] = "SELECT " COLUMNS " FROM clients"
			       " WHERE id = $1 AND " VISIBLE;

static const char find_to_change_sql[] = "SELECT " COLUMNS " FROM clients"
					 " WHERE id = $1 AND " VISIBLE " FOR NO KEY UPDATE";

static const char list_sql[] = "SELECT " COLUMNS " FROM clients"
			       " WHERE " VISIBLE " AND ($1::text IS NULL OR plan = $1)"
			       " AND ($2::uuid IS NULL OR id < $2)"
			       " ORDER BY id DESC"
			       " LIMIT $3";

static const char change_sql[] = "UPDATE clients"
				 " SET name = coalesce($2, name),"
				 " plan = coalesce($3, plan),"
				 " timezone = coalesce($4, timezone),"
				 " log_retention_days = coalesce($5::bigint, log_retention_days)"
				 " WHERE id = $1"
				 " RETURNING " COLUMNS;

/* Days have other ends in another zone: what is counted of the open one is not it any more. */
static const char recount_sql[] = "SELECT counter_bypass(ARRAY[$1::uuid])";

static const char deactivate_sql[] = "UPDATE clients"
				     " SET deactivated_at = $2"
				     " WHERE id = $1"
				     " RETURNING " COLUMNS;

static const char count_sql[] = "SELECT plan, count(*)"
				" FROM clients"
				" WHERE " VISIBLE " GROUP BY plan";

const char *const client_statements[] = {
	add_sql,
	find_sql,
	find_to_change_sql,
	list_sql,
	change_sql,
	recount_sql,
	deactivate_sql,
	count_sql,
	NULL,
};

static enum client_plan
read_plan(const char *name)
{
	int plan = 0;

	while (plan < CLIENT_PLANS - 1 && strcmp(client_plan_names[plan], name) != 0)
		plan++;
	return (enum client_plan)plan;
}

static struct client
read_row(const struct db_rows *rows, int row)
{
	return (struct client){
		.id = db_id(rows, row, 0),
		.name = db_text(rows, row, 1),
		.plan = read_plan(db_text(rows, row, 2)),
		.timezone = db_text(rows, row, 3),
		.log_retention_days = db_int(rows, row, 4),
		.created_at = db_time(rows, row, 5),
		.updated_at = db_time(rows, row, 6),
		.deactivated_at = db_time(rows, row, 7),
	};
}

static bool
query_one(struct task *task, const char *sql, const struct db_params *params, struct client *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, sql, params, &rows))
		return false;
	*ret = read_row(rows, 0);
	return true;
}

static bool
check_timezone(struct task *task, const char *name)
{
	const struct zone *zone;

	if (!name || zone_find(task, name, &zone))
		return true;
	if (task->err.code != ERR_INVALID)
		return false;
	task_clear_error(task);
	return task_fail_field(task, "timezone", "is not the name of an IANA time zone");
}

static void
add_retention(struct db_params *params, int64_t days)
{
	if (days == 0)
		db_add_null(params);
	else
		db_add_int(params, days);
}

bool
client_add(struct task *task, const struct client_input *input, struct client *ret)
{
	struct db_params *params = db_params(task);
	struct id id = id_new(task->now);

	if (!check_timezone(task, input->timezone))
		return false;
	db_add_id(params, id);
	db_add_text(params, input->name);
	db_add_text(params, client_plan_names[input->has_plan ? input->plan : CLIENT_FREE]);
	db_add_text(params, input->timezone ? input->timezone : "UTC");
	add_retention(params, input->log_retention_days);
	if (!query_one(task, add_sql, params, ret))
		return false;
	return audit_add(
	    task, "add", "clients", id, (struct text){ 0 }, audit_json(task, client_write, ret));
}

static bool
find(struct task *task, const char *sql, struct id id, struct client *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, id);
	return query_one(task, sql, params, ret);
}

bool
client_find(struct task *task, struct id id, struct client *ret)
{
	return find(task, find_sql, id, ret);
}

bool
client_list(struct task *task, const struct client_filter *filter, struct clients *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct client *list;

	db_add_text(
	    params, filter->plan == CLIENT_ANY_PLAN ? NULL : client_plan_names[filter->plan]);
	db_add_id(params, filter->after);
	db_add_int(params, filter->limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof *list);
	for (int i = 0; i < db_count(rows); i++)
		list[i] = read_row(rows, i);
	ret->at = list;
	return true;
}

static bool
audit_change(
    struct task *task, const char *action, const struct client *before, const struct client *after)
{
	return audit_add(task, action, "clients", after->id, audit_json(task, client_write, before),
	    audit_json(task, client_write, after));
}

static bool
recount(struct task *task, struct id id)
{
	struct db_params *params = db_params(task);

	db_add_id(params, id);
	return db_query(task, recount_sql, params, NULL);
}

bool
client_change(struct task *task, struct id id, const struct client_input *input, struct client *ret)
{
	struct db_params *params = db_params(task);
	struct client before;

	if (!check_timezone(task, input->timezone))
		return false;
	/* First, as the write path locks the counters before the client. */
	if (input->timezone && !recount(task, id))
		return false;
	if (!find(task, find_to_change_sql, id, &before))
		return false;
	db_add_id(params, id);
	db_add_text(params, input->name);
	db_add_text(params, input->has_plan ? client_plan_names[input->plan] : NULL);
	db_add_text(params, input->timezone);
	add_retention(params, input->log_retention_days);
	if (!query_one(task, change_sql, params, ret))
		return false;
	return audit_change(task, "change", &before, ret);
}

bool
client_deactivate(struct task *task, struct id id, struct client *ret)
{
	struct db_params *params = db_params(task);
	struct client before;

	if (!find(task, find_to_change_sql, id, &before))
		return false;
	if (before.deactivated_at != 0) {
		*ret = before;
		return true;
	}
	db_add_id(params, id);
	db_add_time(params, task->now);
	if (!query_one(task, deactivate_sql, params, ret))
		return false;
	return audit_change(task, "deactivate", &before, ret);
}

bool
client_count(struct task *task, int64_t ret_by_plan[CLIENT_PLANS])
{
	struct db_rows *rows;

	if (!db_query(task, count_sql, NULL, &rows))
		return false;
	for (int i = 0; i < CLIENT_PLANS; i++)
		ret_by_plan[i] = 0;
	for (int i = 0; i < db_count(rows); i++)
		ret_by_plan[read_plan(db_text(rows, i, 0))] = db_int(rows, i, 1);
	return true;
}

void
client_write(struct json_out *out, const void *object)
{
	const struct client *client = object;

	json_open(out);
	json_id(out, "id", client->id);
	json_text(out, "name", client->name);
	json_text(out, "plan", client_plan_names[client->plan]);
	json_text(out, "timezone", client->timezone);
	if (client->log_retention_days == 0)
		json_null(out, "log_retention_days");
	else
		json_int(out, "log_retention_days", client->log_retention_days);
	json_bool(out, "active", client->deactivated_at == 0);
	json_time(out, "created_at", client->created_at);
	json_time(out, "updated_at", client->updated_at);
	if (client->deactivated_at == 0)
		json_null(out, "deactivated_at");
	else
		json_time(out, "deactivated_at", client->deactivated_at);
	json_close(out);
}
