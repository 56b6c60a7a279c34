#include "lib/model/webhook.h"

#include "lib/model/audit.h"
#include "lib/model/keyset.h"
#include "lib/seal.h"

#include <string.h>

#define COLUMNS "id, url, events, active, created_at, updated_at"
#define EVENTS_ALL ((UINT64_C(1) << ALERT_KINDS) - 1)

static const char insert_sql[] =
    "INSERT INTO webhooks (client_id, id, url, secret, events, active)\n"
    "SELECT $1::uuid, $2::uuid, $3, $4, $5::text[], $6\n"
    "WHERE $7 > (SELECT count(*) FROM webhooks WHERE client_id = $1)\n"
    "RETURNING " COLUMNS;

static const char find_sql[] = "SELECT " COLUMNS "\n"
			       "FROM webhooks\n"
			       "WHERE client_id = $1 AND id = $2";

static const char lock_sql[] = "SELECT " COLUMNS "\n"
			       "FROM webhooks\n"
			       "WHERE client_id = $1 AND id = $2\n"
			       "FOR UPDATE";

static const char list_sql[] = "SELECT " COLUMNS "\n"
			       "FROM webhooks\n"
			       "WHERE client_id = $1 AND id < $2\n"
			       "ORDER BY id DESC\n"
			       "LIMIT $3";

static const char update_sql[] = "UPDATE webhooks\n"
				 "SET url = $3,\n"
				 "events = $4,\n"
				 "active = $5\n"
				 "WHERE client_id = $1 AND id = $2\n"
				 "RETURNING " COLUMNS;

static const char delete_sql[] = "DELETE FROM webhooks\n"
				 "WHERE client_id = $1 AND id = $2";

const char *const webhook_statements[] = { insert_sql, find_sql, lock_sql, list_sql, update_sql,
	delete_sql, NULL };

static uint64_t
event_of(const char *name)
{
	for (int i = 0; i < ALERT_KINDS; i++) {
		if (strcmp(alert_kind_names[i], name) == 0)
			return UINT64_C(1) << i;
	}
	return 0;
}

static struct webhook
read_row(struct task *task, const struct db_rows *rows, int row)
{
	struct webhook webhook = {
		.id = db_id(rows, row, 0),
		.url = db_text(rows, row, 1),
		.active = db_bool(rows, row, 3),
		.created_at = db_time(rows, row, 4),
		.updated_at = db_time(rows, row, 5),
	};
	struct json_texts names;

	db_texts(rows, row, 2, task, &names);
	for (size_t i = 0; i < names.count; i++)
		webhook.events |= event_of(names.at[i]);
	return webhook;
}

static bool
query_one(struct task *task, const char *sql, const struct db_params *params, struct webhook *ret)
{
	struct db_rows *rows;

	if (!db_query_one(task, sql, params, &rows))
		return false;
	*ret = read_row(task, rows, 0);
	return true;
}

static void
read_events(struct task *task, struct json_texts names, uint64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < names.count; i++) {
		uint64_t event = event_of(names.at[i]);

		if (event == 0) {
			task_fail_field(task, "events",
			    "holds a name that is no event: "
			    "they are budget.threshold and counter.drift");
			return;
		}
		*ret |= event;
	}
}

/* What is given, onto the webhook. */
static bool
apply(struct task *task, const struct webhook_input *input, struct webhook *webhook)
{
	const char *trouble;

	if (input->url != NULL) {
		trouble = webhook_url_trouble(input->url, input->allow_http);
		if (trouble != NULL)
			task_fail_field(task, "url", trouble);
		webhook->url = input->url;
	}
	if (input->has_events)
		read_events(task, input->events, &webhook->events);
	if (input->has_active)
		webhook->active = input->active;
	return task->err.code == ERR_NONE;
}

static void
add_events(struct db_params *params, uint64_t events)
{
	const char *names[ALERT_KINDS];
	size_t count = 0;

	for (int i = 0; i < ALERT_KINDS; i++) {
		if (events & UINT64_C(1) << i)
			names[count++] = alert_kind_names[i];
	}
	db_add_texts(params, names, count);
}

static void
make_secret(char ret[WEBHOOK_SECRET_SIZE])
{
	memcpy(ret, WEBHOOK_PREFIX, sizeof WEBHOOK_PREFIX - 1);
	seal_random_base62(ret + sizeof WEBHOOK_PREFIX - 1, WEBHOOK_SECRET_DIGITS);
}

bool
webhook_add(struct task *task, const struct webhook_input *input, struct webhook *ret,
    char ret_secret[WEBHOOK_SECRET_SIZE])
{
	struct webhook webhook = { .id = id_new(task->now), .events = EVENTS_ALL, .active = true };
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (!apply(task, input, &webhook))
		return false;
	make_secret(ret_secret);
	db_add_id(params, task->client);
	db_add_id(params, webhook.id);
	db_add_text(params, webhook.url);
	db_add_text(params, ret_secret);
	add_events(params, webhook.events);
	db_add_bool(params, webhook.active);
	db_add_int(params, WEBHOOKS_MAX);
	if (!db_query(task, insert_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail(
		    task, ERR_CONFLICT, "A client has %d webhooks at most.", WEBHOOKS_MAX);
	*ret = read_row(task, rows, 0);
	return audit_add(task, "add", "webhooks", ret->id, (struct text){ 0 },
	    audit_json(task, webhook_write, ret));
}

static bool
find(struct task *task, const char *sql, struct id id, struct webhook *ret)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, id);
	return query_one(task, sql, params, ret);
}

bool
webhook_find(struct task *task, struct id id, struct webhook *ret)
{
	return find(task, find_sql, id, ret);
}

bool
webhook_list(struct task *task, struct id after, int64_t limit, struct webhooks *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct webhook *list;

	db_add_id(params, task->client);
	db_add_id(params, keyset_below(after));
	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof *list);
	for (size_t i = 0; i < ret->count; i++)
		list[i] = read_row(task, rows, (int)i);
	ret->at = list;
	return true;
}

bool
webhook_change(
    struct task *task, struct id id, const struct webhook_input *input, struct webhook *ret)
{
	struct db_params *params = db_params(task);
	struct webhook before, after;

	if (!find(task, lock_sql, id, &before))
		return false;
	after = before;
	if (!apply(task, input, &after))
		return false;
	db_add_id(params, task->client);
	db_add_id(params, id);
	db_add_text(params, after.url);
	add_events(params, after.events);
	db_add_bool(params, after.active);
	return query_one(task, update_sql, params, ret) &&
	       audit_add(task, "change", "webhooks", id, audit_json(task, webhook_write, &before),
		   audit_json(task, webhook_write, ret));
}

bool
webhook_remove(struct task *task, struct id id)
{
	struct db_params *params = db_params(task);
	struct webhook before;

	if (!find(task, lock_sql, id, &before))
		return false;
	db_add_id(params, task->client);
	db_add_id(params, id);
	return db_query(task, delete_sql, params, NULL) &&
	       audit_add(task, "remove", "webhooks", id, audit_json(task, webhook_write, &before),
		   (struct text){ 0 });
}
