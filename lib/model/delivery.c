#include "lib/model/delivery.h"

#include "lib/clock.h"
#include "lib/model/audit.h"
#include "lib/seal.h"

#include <stdio.h>
#include <string.h>

#define MINUTE (60 * CLOCK_SECOND)
#define HOUR (60 * MINUTE)

/* What is waited after each failure but the last. */
static const int64_t waits[DELIVERY_ATTEMPTS_MAX - 1] = { MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR,
	6 * HOUR, 12 * HOUR, 24 * HOUR };

static const char next_sql[] =
    "SELECT d.id, d.client_id, w.id, w.url, w.secret, a.id, a.kind,\n"
    "CASE WHEN d.token IS NULL THEN a.payload\n"
    "ELSE a.payload || jsonb_build_object('token', d.token) END::text,\n"
    "a.created_at\n"
    "FROM webhook_deliveries AS d\n"
    "JOIN webhooks AS w ON w.client_id = d.client_id AND w.id = d.webhook_id\n"
    "JOIN alerts AS a ON a.client_id = d.client_id AND a.id = d.alert_id\n"
    "WHERE d.next_attempt_at <= $1 AND w.active\n"
    "ORDER BY d.next_attempt_at, d.id\n"
    "LIMIT 1";

static const char succeeded_sql[] =
    "UPDATE webhook_deliveries\n"
    "SET attempts = attempts + 1,\n"
    "next_attempt_at = NULL,\n"
    "delivered_at = $2,\n"
    "status = $3::bigint,\n"
    "token = NULL,\n"
    "error = NULL\n"
    "WHERE client_id = $4 AND id = $1 AND next_attempt_at IS NOT NULL";

/* Behind the last wait the array gives NULL. */
#define FAIL \
	"UPDATE webhook_deliveries\n" \
	"SET attempts = attempts + 1,\n" \
	"next_attempt_at = $1::timestamptz\n" \
	"+ ($2::bigint[])[attempts + 1] * interval '1 microsecond',\n" \
	"dead_at = CASE WHEN attempts >= cardinality($2) THEN $1 END,\n" \
	"token = CASE WHEN attempts < cardinality($2) THEN token END,\n" \
	"status = $3::bigint,\n" \
	"error = $4\n"

static const char failed_sql[] =
    FAIL "WHERE client_id = $5 AND id = $6 AND next_attempt_at IS NOT NULL";

static const char unanswered_sql[] =
    FAIL "WHERE client_id = $5 AND webhook_id = $6 AND next_attempt_at <= $1";

static const char dead_sql[] =
    "SELECT d.id, d.client_id, a.kind, w.url, d.attempts, d.dead_at, d.status, d.error\n"
    "FROM webhook_deliveries AS d\n"
    "JOIN webhooks AS w ON w.client_id = d.client_id AND w.id = d.webhook_id\n"
    "JOIN alerts AS a ON a.client_id = d.client_id AND a.id = d.alert_id\n"
    "WHERE d.dead_at IS NOT NULL\n"
    "ORDER BY d.dead_at DESC, d.id\n"
    "LIMIT $1";

static const char retry_sql[] = "UPDATE webhook_deliveries\n"
				"SET attempts = 0,\n"
				"next_attempt_at = $2,\n"
				"dead_at = NULL\n"
				"WHERE id = $1 AND dead_at IS NOT NULL\n"
				"RETURNING client_id";

const char *const delivery_statements[] = { next_sql, succeeded_sql, failed_sql, unanswered_sql,
	dead_sql, retry_sql, NULL };

bool
delivery_next(struct task *task, struct delivery *ret, bool *ret_any)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_time(params, task->now);
	if (!db_query(task, next_sql, params, &rows))
		return false;
	*ret_any = db_count(rows) > 0;
	if (!*ret_any)
		return true;
	*ret = (struct delivery){
		.id = db_id(rows, 0, 0),
		.client = db_id(rows, 0, 1),
		.webhook = db_id(rows, 0, 2),
		.url = db_text(rows, 0, 3),
		.secret = db_text(rows, 0, 4),
		.alert = { .id = db_id(rows, 0, 5),
		    .kind = db_text(rows, 0, 6),
		    .payload = db_bytes(rows, 0, 7),
		    .created_at = db_time(rows, 0, 8) },
	};
	return true;
}

bool
delivery_succeeded(struct task *task, const struct delivery *delivery, int64_t status)
{
	struct db_params *params = db_params(task);

	db_add_id(params, delivery->id);
	db_add_time(params, task->now);
	db_add_int(params, status);
	db_add_id(params, delivery->client);
	return db_query(task, succeeded_sql, params, NULL);
}

bool
delivery_failed(
    struct task *task, const struct delivery *delivery, int64_t status, const char *error)
{
	struct db_params *params = db_params(task);
	struct db_array *array;

	db_add_time(params, task->now);
	array = db_add_array(params, DB_ARRAY_INT);
	for (size_t i = 0; i < COUNT(waits); i++)
		db_array_int(array, waits[i]);
	if (status == 0)
		db_add_null(params);
	else
		db_add_int(params, status);
	db_add_text(params, error);
	db_add_id(params, delivery->client);
	if (status != 0) {
		db_add_id(params, delivery->id);
		return db_query(task, failed_sql, params, NULL);
	}
	db_add_id(params, delivery->webhook);
	return db_query(task, unanswered_sql, params, NULL);
}

struct text
delivery_body(struct task *task, const struct delivery *delivery)
{
	return audit_json(task, alert_write, &delivery->alert);
}

void
delivery_sign(struct task *task, const struct delivery *delivery, struct text body,
    char ret[DELIVERY_SIGNATURE_SIZE])
{
	struct text secret = { delivery->secret, strlen(delivery->secret) };
	long long second = task->now / CLOCK_SECOND;
	struct buf signed_text = { .arena = task->arena };
	uint8_t mac[SEAL_KEY_SIZE];
	int len;

	buf_printf(&signed_text, "%lld.", second);
	buf_add(&signed_text, body.at, body.len);
	seal_derive(secret, buf_text(&signed_text), mac);
	len = snprintf(ret, DELIVERY_SIGNATURE_SIZE, "t=%lld,v1=", second);
	for (size_t i = 0; i < sizeof mac; i++)
		len += snprintf(ret + len, (size_t)(DELIVERY_SIGNATURE_SIZE - len), "%02x", mac[i]);
}

bool
delivery_list_dead(struct task *task, int64_t limit, struct deliveries_dead *ret)
{
	struct db_params *params = db_params(task);
	struct delivery_dead *list;
	struct db_rows *rows;

	db_add_int(params, limit);
	if (!db_query(task, dead_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	list = arena_array(task->arena, ret->count, sizeof *list);
	for (int i = 0; i < db_count(rows); i++)
		list[i] = (struct delivery_dead){
			.id = db_id(rows, i, 0),
			.client = db_id(rows, i, 1),
			.kind = db_text(rows, i, 2),
			.url = db_text(rows, i, 3),
			.attempts = db_int(rows, i, 4),
			.dead_at = db_time(rows, i, 5),
			.status = db_int(rows, i, 6),
			.error = db_text(rows, i, 7),
		};
	ret->at = list;
	return true;
}

bool
delivery_retry(struct task *task, struct id id)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;
	static const struct text none = { 0 };

	db_add_id(params, id);
	db_add_time(params, task->now);
	if (!db_query_one(task, retry_sql, params, &rows))
		return false;
	task->client = db_id(rows, 0, 0);
	return audit_add(task, "retry", "webhook_deliveries", id, none, none);
}
