#include "worker/tenants.h"

#include "lib/clock.h"

/* A sub-select: joined, the planner reads all states for each portion. */
#define SELECT \
	"SELECT c.id, c.name, c.timezone, " \
	"coalesce(c.log_retention_days, $2::bigint), " \
	"coalesce(c.message_retention_days, $3::bigint), " \
	"(SELECT true FROM counter_states s WHERE s.client_id = c.id) IS NOT NULL " \
	"FROM clients c "

static const char list_sql[] = SELECT "WHERE c.id > $1 "
				      "ORDER BY c.id "
				      "LIMIT $4";
static const char only_sql[] = SELECT "WHERE c.id = ANY ($1) "
				      "ORDER BY c.id";

/* The nil id is the operator's and bound as NULL; the id behind it is before every other. */
static const struct id first = { .bytes = { [15] = 1 } };

static const char *
add_params(struct tenants *tenants, struct db_params *params)
{
	const struct conf *conf = &tenants->context->conf;
	struct db_array *ids;

	if (tenants->only == NULL) {
		db_add_id(params, tenants->begun ? tenants->last : first);
		db_add_int(params, conf->log_retention_days);
		db_add_int(params, conf->message_retention_days);
		db_add_int(params, TENANTS_PORTION);
		return list_sql;
	}
	ids = db_add_array(params, DB_ARRAY_ID);
	for (int i = 0; i < TENANTS_PORTION && tenants->only_read < tenants->only_count; i++)
		db_array_id(ids, tenants->only[tenants->only_read++]);
	db_add_int(params, conf->log_retention_days);
	db_add_int(params, conf->message_retention_days);
	return only_sql;
}

static bool
read_portion(struct tenants *tenants)
{
	struct task *task = tenants->context->task;
	struct db_params *params;
	struct db_rows *rows;
	const char *sql;

	if (tenants->begun)
		arena_undo(task->arena, tenants->portion);
	else
		tenants->portion = arena_mark(task->arena);
	task->client = (struct id){ 0 };
	params = db_params(task);
	sql = add_params(tenants, params);
	if (!db_query(task, sql, params, &rows) || !db_commit(task))
		return false;
	tenants->begun = true;
	tenants->rows = rows;
	tenants->row = 0;
	tenants->step = arena_mark(task->arena);
	return true;
}

/* The next portion that has a client. False: there is none, or it cannot be read. */
static bool
next_portion(struct tenants *tenants)
{
	do {
		tenants->stopped = !read_portion(tenants);
		if (tenants->stopped)
			return false;
	} while (db_count(tenants->rows) == 0 && tenants->only_read < tenants->only_count);
	return db_count(tenants->rows) > 0;
}

static void
take_row(struct tenants *tenants)
{
	const struct db_rows *rows = tenants->rows;
	struct task *task = tenants->context->task;
	int row = tenants->row++;

	tenants->tenant = (struct tenant){
		.id = db_id(rows, row, 0),
		.name = db_text(rows, row, 1),
		.timezone = db_text(rows, row, 2),
		.log_retention_days = db_int(rows, row, 3),
		.message_retention_days = db_int(rows, row, 4),
		.counted = db_bool(rows, row, 5),
	};
	tenants->last = tenants->tenant.id;
	task->client = tenants->tenant.id;
	task->now = clock_now();
	if (!zone_find(task, db_text(rows, row, 2), &tenants->tenant.zone))
		tenants_done(tenants, false);
}

bool
tenants_next(struct tenants *tenants)
{
	struct task *task = tenants->context->task;

	do {
		if (tenants->stopped)
			return false;
		if (tenants->begun)
			arena_undo(task->arena, tenants->step);
		if ((!tenants->begun || tenants->row == db_count(tenants->rows)) &&
		    !next_portion(tenants))
			return false;
		take_row(tenants);
	} while (tenants->tenant.zone == NULL);
	return true;
}

void
tenants_done(struct tenants *tenants, bool ok)
{
	struct task *task = tenants->context->task;
	enum err_code code = task->err.code;
	char text[ID_TEXT_SIZE];

	db_rollback(task);
	if (ok)
		return;
	tenants->failed++;
	if (code == ERR_UNAVAILABLE) {
		tenants->stopped = true;
		return;
	}
	command_warn(
	    tenants->context, "client %s: %s", id_format(tenants->tenant.id, text), task->err.text);
	task_clear_error(task);
}

bool
tenants_end(struct tenants *tenants)
{
	struct task *task = tenants->context->task;

	task->client = (struct id){ 0 };
	if (task->err.code != ERR_NONE)
		return false;
	if (tenants->failed == 0)
		return true;
	return task_fail(
	    task, ERR_INTERNAL, "it failed for %lld clients", (long long)tenants->failed);
}
