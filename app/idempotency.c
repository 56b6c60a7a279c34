#include "app/idempotency.h"

#include <string.h>

#include "app/auth.h"
#include "app/router.h"
#include "lib/seal.h"

#define NIL "'00000000-0000-0000-0000-000000000000'"

/* A row without a status is of an answer that was no success: it keeps nothing. */
static const char take_sql[] =
    "INSERT INTO idempotency_keys AS k (client_id, key, request_hash, created_at)"
    " VALUES (coalesce($1::uuid, " NIL "), $2, $3, $4)"
    " ON CONFLICT (client_id, key) DO UPDATE"
    " SET request_hash = excluded.request_hash, created_at = excluded.created_at,"
    " status = NULL, content_type = NULL, sealed = false, body = NULL"
    " WHERE k.created_at <= $5 OR k.status IS NULL"
    " RETURNING true";

static const char find_sql[] = "SELECT request_hash, status, content_type, sealed, body"
			       " FROM idempotency_keys"
			       " WHERE client_id = coalesce($1::uuid, " NIL ") AND key = $2";

static const char keep_sql[] = "UPDATE idempotency_keys"
			       " SET status = $3, content_type = $4, sealed = $5, body = $6"
			       " WHERE client_id = coalesce($1::uuid, " NIL ") AND key = $2";

const char *const idempotency_statements[] = { take_sql, find_sql, keep_sql, NULL };

bool
idempotency_check_key(struct request *req)
{
	const char *key = req->idempotency_key;
	size_t len = key ? strlen(key) : 1;
	bool fine = len >= 1 && len <= IDEMPOTENCY_KEY_MAX;

	for (size_t i = 0; key && i < len; i++) {
		if (key[i] < 0x20 || key[i] > 0x7e)
			fine = false;
	}
	if (fine)
		return true;
	return task_fail_field(
	    req->task, "Idempotency-Key", "must be 1 to 255 printable ASCII characters");
}

static void
add_part(struct buf *buf, struct text part)
{
	uint8_t hash[SEAL_HASH_SIZE];

	seal_hash(part, hash);
	buf_add(buf, hash, sizeof hash);
}

void
idempotency_hash(const struct request *req, uint8_t out[32])
{
	struct buf parts = { .arena = req->task->arena };

	/* Hashes of the parts, so that no two requests run together into the same text. */
	add_part(&parts, (struct text){ req->method, strlen(req->method) });
	add_part(&parts, (struct text){ req->path, strlen(req->path) });
	add_part(&parts, req->query);
	add_part(&parts, req->body);
	/* What a key is answered that is bound to a user is not for the keys of others. */
	if (!id_is_nil(req->task->user))
		add_part(&parts, (struct text){ (const char *)req->task->user.bytes,
				     sizeof req->task->user.bytes });
	if (req->route->secret_body)
		seal_derive((struct text){ req->identity->secret, strlen(req->identity->secret) },
		    buf_text(&parts), out);
	else
		seal_hash(buf_text(&parts), out);
}

/* Only the key that made the request can read the answer again. */
static void
seal_key(const struct request *req, uint8_t out[SEAL_KEY_SIZE])
{
	const char *secret = req->identity->secret;

	seal_derive((struct text){ secret, strlen(secret) },
	    (struct text){ "idempotency", sizeof "idempotency" - 1 }, out);
}

static bool
open_body(struct request *req, const struct idempotency_row *row)
{
	uint8_t key[SEAL_KEY_SIZE];

	seal_key(req, key);
	if (seal_open(key, row->body, &req->reply.body))
		return true;
	return task_fail(req->task, ERR_CONFLICT,
	    "The answer holds a secret and is shown again to the key that asked first only.");
}

bool
idempotency_replay(struct request *req, const struct idempotency_row *row)
{
	uint8_t hash[SEAL_HASH_SIZE];

	idempotency_hash(req, hash);
	if (row->request_hash.len != sizeof hash ||
	    memcmp(row->request_hash.at, hash, sizeof hash) != 0)
		return task_fail(
		    req->task, ERR_INVALID, "The Idempotency-Key was used with another request.");
	req->reply.body.len = 0;
	if (row->sealed) {
		if (!open_body(req, row))
			return false;
	} else {
		buf_add(&req->reply.body, row->body.at ? row->body.at : "", row->body.len);
	}
	reply_header(&req->reply, "Idempotency-Replayed", "true");
	return reply_done(&req->reply, (int)row->status, row->content_type);
}

static bool
applies(const struct request *req)
{
	return req->idempotency_key && req->identity && strcmp(req->method, "POST") == 0;
}

static struct db_params *
name_params(struct request *req)
{
	struct db_params *params = db_params(req->task);

	db_add_id(params, req->identity->client);
	db_add_text(params, req->idempotency_key);
	return params;
}

static bool
take(struct request *req, bool *ret_taken)
{
	struct db_params *params = name_params(req);
	uint8_t hash[SEAL_HASH_SIZE];
	struct db_rows *rows;

	idempotency_hash(req, hash);
	db_add_bytes(params, (struct text){ (const char *)hash, sizeof hash });
	db_add_time(params, req->task->now);
	db_add_time(params, req->task->now - IDEMPOTENCY_KEPT);
	if (!db_query(req->task, take_sql, params, &rows))
		return false;
	*ret_taken = db_count(rows) == 1;
	return true;
}

static bool
find(struct request *req, struct idempotency_row *ret)
{
	struct db_rows *rows;

	if (!db_query_one(req->task, find_sql, name_params(req), &rows))
		return false;
	*ret = (struct idempotency_row){
		.request_hash = db_bytes(rows, 0, 0),
		.status = db_int(rows, 0, 1),
		.content_type = db_text(rows, 0, 2),
		.sealed = db_bool(rows, 0, 3),
		.body = db_bytes(rows, 0, 4),
	};
	return true;
}

bool
idempotency_begin(struct request *req, bool *ret_replayed)
{
	struct idempotency_row row;
	bool taken = true;

	if (!idempotency_check_key(req))
		return false;
	if (applies(req) && !take(req, &taken))
		return false;
	*ret_replayed = !taken;
	return taken || (find(req, &row) && idempotency_replay(req, &row));
}

static struct text
seal_body(struct request *req)
{
	struct buf sealed = { .arena = req->task->arena };
	uint8_t key[SEAL_KEY_SIZE];

	seal_key(req, key);
	seal_close(key, buf_text(&req->reply.body), &sealed);
	return buf_text(&sealed);
}

bool
idempotency_end(struct request *req)
{
	bool success = req->reply.status >= 200 && req->reply.status < 300;
	struct db_params *params;

	if (!applies(req) || !success)
		return true;
	params = name_params(req);
	db_add_int(params, req->reply.status);
	db_add_text(params, req->reply.content_type);
	db_add_bool(params, req->route->secret);
	db_add_bytes(params, req->route->secret ? seal_body(req) : buf_text(&req->reply.body));
	return db_query(req->task, keep_sql, params, NULL);
}
