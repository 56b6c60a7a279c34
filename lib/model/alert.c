#include "lib/model/alert.h"

#include "lib/model/audit.h"
#include "lib/model/event.h"
#include "lib/model/keyset.h"

#define COLUMNS "id, kind, payload::text, created_at"

static const char release_sql[] = "UPDATE alerts\n"
				  "SET key = NULL\n"
				  "WHERE client_id = $1 AND key = $2 AND created_at < $3";

static const char raise_sql[] =
    "WITH raised AS (\n"
    "INSERT INTO alerts (client_id, id, kind, key, key_until, payload, created_at)\n"
    "VALUES ($1, $2, $3, $4, $5::timestamptz, $6::jsonb, $7)\n"
    "ON CONFLICT (client_id, key) DO NOTHING\n"
    "RETURNING *),\n"
    "sent AS (\n"
    "INSERT INTO webhook_deliveries (client_id, alert_id, webhook_id, next_attempt_at, token)\n"
    "SELECT r.client_id, r.id, w.id, r.created_at, $8\n"
    "FROM raised AS r\n"
    "JOIN webhooks AS w ON w.client_id = $1\n"
    "WHERE w.active AND r.kind = ANY (w.events)\n"
    "RETURNING true)\n"
    "SELECT " COLUMNS ", (SELECT count(*) FROM sent)\n"
    "FROM raised";

static const char list_sql[] = "SELECT " COLUMNS "\n"
			       "FROM alerts\n"
			       "WHERE client_id = $1 AND id < $2\n"
			       "ORDER BY id DESC\n"
			       "LIMIT $3";

const char *const alert_statements[] = { release_sql, raise_sql, list_sql, NULL };

const char *const alert_kind_names[] = {
	[ALERT_BUDGET_THRESHOLD] = "budget.threshold",
	[ALERT_COUNTER_DRIFT] = "counter.drift",
	[ALERT_EMAIL_VERIFICATION] = "user.email_verification",
	[ALERT_CREDITS_RECHARGE_DUE] = "credits.recharge_due",
	NULL,
};

static struct alert
read_row(const struct db_rows *rows, int row)
{
	return (struct alert){
		.id = db_id(rows, row, 0),
		.kind = db_text(rows, row, 1),
		.payload = db_bytes(rows, row, 2),
		.created_at = db_time(rows, row, 3),
	};
}

/* An old alert gives its key away. A statement of its own, whose end the index must have seen. */
static bool
release(struct task *task, const struct alert_input *input)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_text(params, input->key);
	db_add_time(params, input->again_before);
	return db_query(task, release_sql, params, NULL);
}

bool
alert_raise(struct task *task, const struct alert_input *input, struct alert *ret, bool *ret_raised)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (input->again_before != 0 && !release(task, input))
		return false;
	db_add_id(params, task->client);
	db_add_id(params, id_new(task->now));
	db_add_text(params, alert_kind_names[input->kind]);
	db_add_text(params, input->key);
	if (input->key_until == 0)
		db_add_null(params);
	else
		db_add_time(params, input->key_until);
	db_add_text_n(params, input->payload);
	db_add_time(params, task->now);
	db_add_text(params, input->token);
	if (!db_query(task, raise_sql, params, &rows))
		return false;
	*ret_raised = db_count(rows) > 0;
	if (!*ret_raised)
		return true;
	*ret = read_row(rows, 0);
	ret->deliveries = db_int(rows, 0, 4);
	return true;
}

bool
alert_list(struct task *task, struct id after, int64_t limit, struct alerts *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	struct alert *list;

	db_add_id(params, task->client);
	db_add_id(params, keyset_below(after));
	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof *list);
	for (size_t i = 0; i < ret->count; i++)
		list[i] = read_row(rows, (int)i);
	ret->at = list;
	return true;
}

void
alert_publish(struct task *task, const struct alert *alerts, size_t count)
{
	struct event *events = arena_array(task->arena, count, sizeof *events);
	size_t told = 0;

	for (size_t i = 0; i < count; i++) {
		if (!event_type_find(alerts[i].kind, &events[told].type))
			continue;
		events[told++].body = audit_json(task, alert_write, &alerts[i]);
	}
	event_publish(task, events, told);
}

void
alert_write(struct json_out *out, const void *object)
{
	const struct alert *alert = object;

	json_open(out);
	json_id(out, "id", alert->id);
	json_text(out, "type", alert->kind);
	json_time(out, "created_at", alert->created_at);
	json_packed(out, "data", alert->payload);
	json_close(out);
}
