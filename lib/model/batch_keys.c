#include <string.h>

#include "lib/clock.h"
#include "lib/model/batch.h"

/* Keys are kept for a day; an older one counts as absent. */
#define KEY_KEPT_USEC CLOCK_DAY

/* In the order of the keys, so that two batches cannot wait for each other. A row without a status
 * is of an answer that was no success: its key is free. */
static const char take_keys_sql[] =
    "INSERT INTO idempotency_keys AS k (client_id, key, request_hash, created_at) "
    "SELECT n.client_id, n.key, decode(n.request_hash, 'hex'), $4 "
    "FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n (client_id, key, request_hash) "
    "ORDER BY n.client_id, n.key "
    "ON CONFLICT (client_id, key) DO UPDATE "
    "SET request_hash = excluded.request_hash, created_at = excluded.created_at, status = NULL, "
    "content_type = NULL, sealed = false, body = NULL "
    "WHERE k.created_at <= $5 OR k.status IS NULL "
    "RETURNING client_id, key";

static const char keep_answers_sql[] =
    "UPDATE idempotency_keys k "
    "SET status = n.status, content_type = n.content_type, body = convert_to(n.body, 'UTF8') "
    "FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[]) "
    "AS n (client_id, key, status, content_type, body) "
    "WHERE k.client_id = n.client_id "
    "AND k.key = n.key";

static const char find_sql[] = "SELECT request_hash, status, content_type, body "
			       "FROM idempotency_keys "
			       "WHERE client_id = $1 "
			       "AND key = $2 "
			       "AND created_at > $3 "
			       "AND status IS NOT NULL";

const char *const batch_key_statements[] = { take_keys_sql, keep_answers_sql, find_sql, NULL };

static struct text
text_of(const char *value)
{
	return (struct text){ .at = value, .len = strlen(value) };
}

static void
add_hex(struct task *task, struct db_array *array, const uint8_t hash[32])
{
	struct buf buf = { .arena = task->arena };

	for (size_t i = 0; i < 32; i++)
		buf_printf(&buf, "%02x", hash[i]);
	db_array_text(array, buf_text(&buf));
}

bool
batch_take_keys(struct task *task, struct batch *batch)
{
	struct db_params *params = db_params(task);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *keys = db_add_array(params, DB_ARRAY_TEXT);
	struct db_array *hashes = db_add_array(params, DB_ARRAY_TEXT);
	struct db_rows *rows;

	for (size_t i = 0; i < batch->key_count; i++) {
		db_array_id(clients, batch->keys[i].client);
		db_array_text(keys, text_of(batch->keys[i].key));
		add_hex(task, hashes, batch->keys[i].request_hash);
	}
	db_add_time(params, task->now);
	db_add_time(params, task->now - KEY_KEPT_USEC);
	if (!db_query(task, take_keys_sql, params, &rows))
		return false;
	for (int r = 0; r < db_count(rows); r++) {
		for (size_t i = 0; i < batch->key_count; i++) {
			if (id_equal(batch->keys[i].client, db_id(rows, r, 0)) &&
			    strcmp(batch->keys[i].key, db_text(rows, r, 1)) == 0)
				batch->keys[i].taken = true;
		}
	}
	return true;
}

bool
batch_keep_answers(struct task *task, struct batch *batch, bool *ret_unknown)
{
	struct db_params *params = db_params(task);
	struct db_array *clients = db_add_array(params, DB_ARRAY_ID);
	struct db_array *keys = db_add_array(params, DB_ARRAY_TEXT);
	struct db_array *statuses = db_add_array(params, DB_ARRAY_INT);
	struct db_array *types = db_add_array(params, DB_ARRAY_TEXT);
	struct db_array *bodies = db_add_array(params, DB_ARRAY_TEXT);
	struct db_step step = { .sql = keep_answers_sql, .params = params };

	for (size_t i = 0; i < batch->key_count; i++) {
		const struct batch_key *key = &batch->keys[i];

		if (!key->taken)
			continue;
		db_array_id(clients, key->client);
		db_array_text(keys, text_of(key->key));
		db_array_int(statuses, key->status);
		db_array_text(types, text_of(key->content_type));
		db_array_text(bodies, key->body);
	}
	return db_pipeline_commit(task, &step, 1, NULL, ret_unknown);
}

bool
batch_find_answer(struct task *task, const char *key, struct batch_answer *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_text(params, key);
	db_add_time(params, task->now - KEY_KEPT_USEC);
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	*ret = (struct batch_answer){
		.request_hash = db_bytes(rows, 0, 0),
		.status = db_int(rows, 0, 1),
		.content_type = db_text(rows, 0, 2),
		.body = db_bytes(rows, 0, 3),
	};
	return db_commit(task);
}
