#include "lib/model/prompt.h"

#include <string.h>

#include "lib/seal.h"

/* The beginning is forgotten only where another prompt takes the place of the one it belongs to. */
static const char event_sql[] =
    "INSERT INTO prompt_events (client_id, event_id, created_at, prompt_hash, prefix_hash,\n"
    "cost_cents)\n"
    "VALUES ($1, $2, $3, $4, $5, $6::bigint * 0.0000001)\n"
    "ON CONFLICT (client_id, event_id) DO UPDATE\n"
    "SET prompt_hash = EXCLUDED.prompt_hash,\n"
    "prefix_hash = coalesce(EXCLUDED.prefix_hash,\n"
    "CASE WHEN prompt_events.prompt_hash = EXCLUDED.prompt_hash\n"
    "THEN prompt_events.prefix_hash END),\n"
    "cost_cents = EXCLUDED.cost_cents";

const char *const prompt_statements[] = { event_sql, NULL };

_Static_assert(PROMPT_HASH_SIZE == SEAL_KEY_SIZE, "a hash is a HMAC-SHA-256");

struct prompt_hash
prompt_hash(const struct task *task, struct text prompt)
{
	char client[ID_TEXT_SIZE];
	struct prompt_hash hash = { 0 };

	id_format(task->client, client);
	seal_derive((struct text){ client, ID_TEXT_SIZE - 1 }, prompt, hash.bytes);
	return hash;
}

static int
value_of(char digit)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *found = digit == '\0' ? NULL : strchr(digits, digit);

	if (found == NULL)
		return -1;
	return (int)(found - digits) - (found - digits > 15 ? 6 : 0);
}

bool
prompt_hash_read(struct task *task, const char *digits, struct prompt_hash *ret)
{
	struct prompt_hash hash;

	if (strlen(digits) != PROMPT_HASH_DIGITS)
		return task_fail_field(task, "prompt_hash", "must have 64 hexadecimal digits");
	for (size_t i = 0; i < PROMPT_HASH_SIZE; i++) {
		int high = value_of(digits[2 * i]), low = value_of(digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return task_fail_field(
			    task, "prompt_hash", "must have 64 hexadecimal digits");
		hash.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = hash;
	return true;
}

static void
format(const struct prompt_hash *hash, char out[PROMPT_HASH_DIGITS + 1])
{
	for (size_t i = 0; i < PROMPT_HASH_SIZE; i++) {
		out[2 * i] = "0123456789abcdef"[hash->bytes[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[hash->bytes[i] & 15];
	}
	out[PROMPT_HASH_DIGITS] = '\0';
}

void
prompt_hash_write(struct json_out *out, const char *key, const struct prompt_hash *hash)
{
	char digits[PROMPT_HASH_DIGITS + 1];

	format(hash, digits);
	json_text(out, key, digits);
}

const char *
prompt_hash_digits(struct task *task, const struct prompt_hash *hash)
{
	char *digits = arena_alloc(task->arena, PROMPT_HASH_DIGITS + 1);

	format(hash, digits);
	return digits;
}

int
prompt_hash_compare(const struct prompt_hash *a, const struct prompt_hash *b)
{
	return memcmp(a->bytes, b->bytes, PROMPT_HASH_SIZE);
}

struct prompt_hash
prompt_hash_of_row(const struct db_rows *rows, int row, int column)
{
	struct text bytes = db_bytes(rows, row, column);
	struct prompt_hash hash = { 0 };

	if (bytes.len == PROMPT_HASH_SIZE)
		memcpy(hash.bytes, bytes.at, PROMPT_HASH_SIZE);
	return hash;
}

void
prompt_hash_add(struct db_params *params, const struct prompt_hash *hash)
{
	struct text bytes = { 0 };

	if (hash != NULL)
		bytes = (struct text){ (const char *)hash->bytes, PROMPT_HASH_SIZE };
	db_add_bytes(params, bytes);
}

static void
add_cost(struct db_params *params, const struct chat_log *log)
{
	int64_t nanos = log->verified_cost_nanos;

	if (nanos == CHAT_LOG_NONE)
		nanos = log->estimated_cost_nanos;
	if (nanos == CHAT_LOG_NONE)
		db_add_null(params);
	else
		db_add_int(params, nanos);
}

bool
prompt_add_event(struct task *task, struct id event, const struct prompt_hash *hash,
    const struct prompt_hash *prefix, struct chat_log *ret_log)
{
	struct db_params *params = db_params(task);

	if (!chat_log_find(task, event, ret_log)) {
		if (task->err.code != ERR_NOT_FOUND)
			return false;
		task_clear_error(task);
		return task_fail_field(task, "event_id", "is not the id of a record");
	}
	db_add_id(params, task->client);
	db_add_id(params, event);
	db_add_time(params, ret_log->created_at);
	prompt_hash_add(params, hash);
	prompt_hash_add(params, prefix);
	add_cost(params, ret_log);
	return db_query(task, event_sql, params, NULL);
}
