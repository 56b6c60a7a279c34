#include "lib/model/prompt_embedding.h"

static const char put_sql[] =
    "INSERT INTO prompt_embeddings (client_id, prompt_hash, model, seen_at, event_id, sketch,\n"
    "embedding)\n"
    "VALUES ($1, $2, $3, $4, $5, $6, $7)\n"
    "ON CONFLICT (client_id, model, prompt_hash) DO UPDATE\n"
    "SET seen_at = greatest(prompt_embeddings.seen_at, EXCLUDED.seen_at),\n"
    "event_id = coalesce(EXCLUDED.event_id, prompt_embeddings.event_id),\n"
    "sketch = EXCLUDED.sketch,\n"
    "embedding = EXCLUDED.embedding\n"
    "RETURNING seen_at, event_id";

const char *const prompt_embedding_statements[] = { put_sql, NULL };

static bool
put(struct task *task, struct prompt_embedding *embedding, const float unit[VECTOR_SIZE])
{
	struct db_params *params = db_params(task);
	uint8_t sketch[VECTOR_SKETCH_BYTES];
	struct db_rows *rows;

	vector_sketch(unit, sketch);
	db_add_id(params, task->client);
	prompt_hash_add(params, &embedding->hash);
	db_add_text(params, embedding->model);
	db_add_time(params, embedding->seen_at);
	db_add_id(params, embedding->event_id);
	db_add_bytes(params, (struct text){ (const char *)sketch, sizeof(sketch) });
	db_add_reals(params, unit, VECTOR_SIZE);
	if (!db_query_one(task, put_sql, params, &rows))
		return false;
	embedding->seen_at = db_time(rows, 0, 0);
	embedding->event_id = db_id(rows, 0, 1);
	return true;
}

bool
prompt_put_embedding(struct task *task, struct prompt_embedding *embedding,
    const struct prompt_hash *prefix, const float *vector)
{
	float unit[VECTOR_SIZE];
	struct chat_log log;

	if (!vector_unit(vector, unit))
		return task_fail_field(task, "embedding", "must not be all zeros");
	embedding->seen_at = task->now;
	if (!id_is_nil(embedding->event_id)) {
		if (!prompt_add_event(task, embedding->event_id, &embedding->hash, prefix, &log))
			return false;
		embedding->seen_at = log.created_at;
	}
	return put(task, embedding, unit);
}

void
prompt_write_embedding(struct json_out *out, const void *object)
{
	const struct prompt_embedding *embedding = object;

	json_open(out);
	prompt_hash_write(out, "prompt_hash", &embedding->hash);
	json_text(out, "model", embedding->model);
	json_id(out, "event_id", embedding->event_id);
	json_time(out, "last_seen_at", embedding->seen_at);
	json_close(out);
}
