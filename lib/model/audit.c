#include "lib/model/audit.h"

static const char add_sql[] =
    "INSERT INTO audit_log (client_id, id, api_key_id, user_id, ip_address, request_id,"
    " action, entity, entity_id, before, after, created_at)"
    " VALUES (coalesce($1::uuid, '00000000-0000-0000-0000-000000000000'), $2, $3, $4, $5::inet, $6,"
    " $7, $8, $9::text, $10::jsonb, $11::jsonb, $12)";

const char *const audit_statements[] = { add_sql, NULL };

static void
add_actor(struct task *task, struct db_params *params)
{
	const struct actor *actor = task->actor;

	db_add_id(params, actor ? actor->key : (struct id){ 0 });
	db_add_id(params, task->user);
	db_add_text(params, actor ? actor->address : NULL);
	db_add_text(params, actor ? actor->request_id : NULL);
}

struct db_step
audit_step(struct task *task, const char *action, const char *entity, struct id entity_id,
    struct text before, struct text after)
{
	struct db_params *params = db_params(task);
	/* Entries of one task, which has one time, stand in their order. */
	int64_t at = task->now + task->queries;

	db_add_id(params, task->operator_key ? (struct id){ 0 } : task->client);
	db_add_id(params, id_new(at));
	add_actor(task, params);
	db_add_text(params, action);
	db_add_text(params, entity);
	db_add_id(params, entity_id);
	db_add_text_n(params, before);
	db_add_text_n(params, after);
	db_add_time(params, at);
	return (struct db_step){ .sql = add_sql, .params = params };
}

bool
audit_add(struct task *task, const char *action, const char *entity, struct id entity_id,
    struct text before, struct text after)
{
	struct db_step step = audit_step(task, action, entity, entity_id, before, after);

	return db_pipeline(task, &step, 1, NULL);
}

struct text
audit_json(
    struct task *task, void (*write)(struct json_out *out, const void *object), const void *object)
{
	struct buf buf = { .arena = task->arena };
	struct json_out *out = json_out_new(&buf);

	write(out, object);
	return buf_text(&buf);
}
