#include "lib/model/erasure_tables.h"

#include <string.h>

#include "lib/json_read.h"
#include "lib/model/cents_sql.h"
#include "lib/model/erasure_sql.h"
#include "lib/model/rollup_private.h"

/* What was posted to their account of credits. */
#define POSTED \
	"SELECT t.id FROM credit_accounts a " \
	"JOIN credit_transactions t ON t.client_id = a.client_id AND t.account_id = a.id " \
	"WHERE a.client_id = $1 AND a.user_id = $2"

/* A key that is bound to a person is one of their names. */
#define KEY_GONE \
	"api_key_id = CASE WHEN api_key_id = ANY (ARRAY(" KEYS ")) THEN NULL ELSE api_key_id END"

/*
 * The money of a record, when it was spent and on what stay. What the caller may have written about
 * the person goes, and what links the record to others of theirs, here or in a system of traces.
 * Features, tags and tools are the words of the application by which money is counted.
 */
#define LOG_CHANGES \
	"user_id = NULL, session_id = NULL, conversation_id = NULL, agent_session_id = NULL, " \
	"agent_root_id = NULL, " \
	"trace_id = NULL, span_id = NULL, parent_span_id = NULL, error_message = NULL, " \
	"metadata = NULL, " KEY_GONE
static const char log_sql[] = UPDATE_SOME("chat_logs", OF_USER, LOG_CHANGES);
/* Records of a session or conversation of theirs that name nobody. */
#define LOG_OF(column, ids) \
	UPDATE_SOME("chat_logs", \
	    "client_id = $1 AND " column " = ANY (ARRAY(" ids ")) AND user_id IS NULL", \
	    LOG_CHANGES)
static const char log_session_sql[] = LOG_OF("session_id", SESSIONS);
static const char log_conversation_sql[] =
    LOG_OF("conversation_id", "SELECT id FROM conversations WHERE " OF_USER);
static const char log_find_sql[] = FIND("chat_logs", OF_USER " ORDER BY id");

static const char authorizations_sql[] = UPDATE_SOME("authorizations", OF_USER,
    "user_id = NULL, session_id = NULL, agent_session_id = NULL, agent_root_id = NULL, " KEY_GONE);
static const char authorizations_find_sql[] = FIND("authorizations", OF_USER);

#define CARRIED \
	"client_id = $1 AND bucket = ANY (ARRAY(SELECT i.id::text FROM (" IDS ") AS i (id)))"
static const char carries_sql[] = DELETE_SOME("budget_carries", CARRIED);
static const char carries_find_sql[] = FIND("budget_carries", CARRIED);

#define SCOPED \
	"client_id = $1 AND (user_id = $2 OR api_key_id = ANY (ARRAY(" KEYS ")) " \
	"OR session_id = ANY (ARRAY(" SESSIONS ")))"
static const char budgets_sql[] = DELETE_SOME("budgets", SCOPED);
static const char budgets_find_sql[] = FIND("budgets", SCOPED);

#define TOLD "client_id = $1 AND (" NAMES("payload::text") " OR " NAMES("coalesce(key, '')") ")"
static const char deliveries_sql[] = DELETE_SOME("webhook_deliveries",
    "client_id = $1 AND alert_id = ANY (ARRAY(SELECT id FROM alerts WHERE " TOLD "))");
static const char alerts_sql[] = DELETE_SOME("alerts", TOLD);
static const char alerts_find_sql[] = FIND("alerts", TOLD);

/*
 * The key stays used: what was done under it is not done again. Who asks again is told that the
 * answer is gone. A sealed answer can be read by nobody but who was given it, for a day.
 */
#define IN_BODY(text) "position(convert_to(" text ", 'UTF8') IN body) > 0"
#define ANSWERED \
	"client_id = $1 AND NOT sealed AND status <> 410 AND (EXISTS (SELECT FROM (" IDS \
	" UNION ALL " POSTED ") AS i (id) WHERE " IN_BODY( \
	    "i.id::text") ") " \
			  "OR EXISTS (SELECT FROM users u WHERE u.client_id = $1 AND u.id = $2 AND (" IN_BODY( \
			      "'\"email\":' || to_json(u.email)") " OR " IN_BODY("'\"external_id\":' || to_json(u.external_id)") ")))"
static const char answers_sql[] =
    "UPDATE idempotency_keys SET status = 410, content_type = 'application/problem+json', "
    "body = '{\"type\":\"about:blank\",\"title\":\"Gone\",\"status\":410,"
    "\"detail\":\"The answer was erased with the person it was about.\"}' "
    "WHERE client_id = $1 AND ctid = ANY (ARRAY(SELECT ctid FROM idempotency_keys WHERE " ANSWERED
    " LIMIT $3))";
static const char answers_find_sql[] =
    "SELECT (to_jsonb(t) - $3::text[])::text FROM (SELECT client_id, key, created_at, status, "
    "content_type, convert_from(body, 'UTF8') AS body FROM idempotency_keys WHERE " ANSWERED
    ") AS t";

static const char audit_sql[] = "SELECT audit_redact($1, $2, $3)";
static const char audit_find_sql[] = FIND("audit_log",
    "client_id = $1 AND (user_id = $2 OR entity_id = $2::uuid::text "
    "OR position($2::uuid::text IN coalesce(before::text, '') || coalesce(after::text, '')) > 0)");

/*
 * A person's sums become nobody's: to those of the same time that name no user. Both rows are taken
 * apart into their quarter-hours (a day is one part, at -1) and put together again.
 */
#define SUMS \
	"sum(cost_cents) AS cost_cents, add_up(calls) AS calls, add_up(tokens) AS tokens, " \
	"add_up(input_tokens) AS input_tokens, add_up(output_tokens) AS output_tokens, " \
	"add_up(cached_input_tokens) AS cached_input_tokens, " \
	"add_up(cache_write_tokens) AS cache_write_tokens, " \
	"add_up(reasoning_tokens) AS reasoning_tokens, add_up(failed_calls) AS failed_calls, " \
	"add_up(unpriced_calls) AS unpriced_calls"
#define MEASURES \
	"cost_cents, calls, tokens, input_tokens, output_tokens, cached_input_tokens, " \
	"cache_write_tokens, reasoning_tokens, failed_calls, unpriced_calls"
#define MEASURES_OF(row) \
	row ".cost_cents, " row ".calls, " row ".tokens, " row ".input_tokens, " row \
	    ".output_tokens, " row ".cached_input_tokens, " row ".cache_write_tokens, " row \
	    ".reasoning_tokens, " row ".failed_calls, " row ".unpriced_calls"
#define PART(array) "p." array "[q.passed - q.durations + 1:q.passed]"
#define REVISED "revised AS (UPDATE rollup_clients SET " ROLLUP_REVISED " WHERE client_id = $1), "
#define REST "duration_slots, duration_calls, quarter, quarters"
static const char sums_sql[] =
    "WITH " REVISED "mine AS MATERIALIZED (SELECT * FROM cost_aggregates WHERE client_id = $1 "
    "AND dimension = 'user' AND key[1] = $2::uuid::text LIMIT $3), "
    "gone AS (DELETE FROM cost_aggregates a USING mine m WHERE a.client_id = $1 "
    "AND a.dimension = 'user' AND a.grain = m.grain AND a.start = m.start AND a.key = m.key), "
    "both_rows AS (SELECT * FROM mine UNION ALL SELECT o.* FROM mine m "
    "JOIN cost_aggregates o ON o.client_id = $1 AND o.dimension = 'user' AND o.grain = m.grain "
    "AND o.start = m.start AND o.key = ARRAY[NULL]::text[]), "
    "parts AS (SELECT grain, start, coalesce(quarter, -1) AS place, " MEASURES
    ", duration_slots, duration_calls FROM both_rows WHERE quarters IS NULL "
    "UNION ALL SELECT p.grain, p.start, q.quarter, " MEASURES_OF("q") ", " PART("duration_slots") ", " PART(
	"duration_calls") " FROM both_rows p CROSS JOIN LATERAL ("
			  "SELECT u.*, sum(u.durations) OVER (ORDER BY u.quarter)::integer AS passed "
			  "FROM unnest(p.quarters) AS u) AS q), "
			  "slots AS (SELECT grain, start, place, slot, add_up(n) AS n FROM parts, "
			  "unnest(duration_slots, duration_calls) AS u (slot, n) GROUP BY grain, start, place, slot), "
			  "histograms AS (SELECT grain, start, place, array_agg(slot ORDER BY slot) AS slots, "
			  "array_agg(n ORDER BY slot) AS counts FROM slots GROUP BY grain, start, place), "
			  "places AS (SELECT grain, start, place, " SUMS
			  " FROM parts GROUP BY grain, start, place) "
			  "INSERT INTO cost_aggregates AS a (client_id, dimension, grain, start, key, " MEASURES
			  ", " REST ") SELECT $1, 'user', grain, start, ARRAY[NULL]::text[], " SUMS
			  ", "
			  "array_join(slots ORDER BY place), array_join(counts ORDER BY place), "
			  "CASE WHEN count(*) = 1 THEN nullif(min(place), -1) END, "
			  "CASE WHEN count(*) > 1 THEN array_agg(ROW(place, " MEASURES ", "
			  "coalesce(cardinality(slots), 0))::cost_quarter ORDER BY place) END "
			  "FROM places LEFT JOIN histograms USING (grain, start, place) GROUP BY grain, start "
			  "ON CONFLICT (client_id, dimension, grain, start, key) DO UPDATE SET (" MEASURES
			  ", " REST ") = (" MEASURES_OF(
			      "excluded") ", excluded.duration_slots, excluded.duration_calls, "
					  "excluded.quarter, excluded.quarters)";
static const char sums_find_sql[] = FIND("cost_aggregates",
    "client_id = $1 AND dimension = 'user' AND key[1] = $2::uuid::text ORDER BY grain, start");

/* Sums by stretches of days, with nobody's under the nil id. One look into the index for each
 * stretch. */
#define COSTS \
	"WITH RECURSIVE spans AS (" \
	"(SELECT f.days, f.start FROM user_costs f WHERE f.client_id = $1 " \
	"ORDER BY f.days, f.start LIMIT 1) " \
	"UNION ALL SELECT n.days, n.start FROM spans s CROSS JOIN LATERAL (" \
	"SELECT c.days, c.start FROM user_costs c WHERE c.client_id = $1 " \
	"AND (c.days, c.start) > (s.days, s.start) ORDER BY c.days, c.start LIMIT 1) AS n) " \
	"SELECT o.ctid FROM spans s CROSS JOIN LATERAL (" \
	"SELECT c.ctid FROM user_costs c WHERE c.client_id = $1 AND c.days = s.days " \
	"AND c.start = s.start AND c.user_id = $2 LIMIT 1) AS o"
static const char costs_sql[] =
    "WITH " REVISED
    "mine AS (DELETE FROM user_costs WHERE client_id = $1 AND ctid = ANY (ARRAY(" COSTS
    " LIMIT $3)) "
    "RETURNING *) "
    "INSERT INTO user_costs AS u (client_id, days, start, user_id, cost_nanos, calls) "
    "SELECT client_id, days, start, '00000000-0000-0000-0000-000000000000', cost_nanos, calls "
    "FROM mine ON CONFLICT (client_id, days, start, user_id) DO UPDATE SET cost_nanos = "
    "least(u.cost_nanos::numeric + excluded.cost_nanos, " SUM_NANOS_MAX ")::bigint, "
    "calls = u.calls + excluded.calls";
static const char costs_find_sql[] =
    FIND("user_costs", "client_id = $1 AND ctid = ANY (ARRAY(" COSTS "))");

/* The ledger stays as it is; what says whose it is goes. */
#define DETAILS "client_id = $1 AND transaction_id = ANY (ARRAY(" POSTED "))"
static const char details_sql[] = DELETE_SOME("credit_details", DETAILS);
static const char details_find_sql[] = FIND("credit_details", DETAILS);
static const char accounts_sql[] = "UPDATE credit_accounts SET user_id = NULL WHERE " OF_USER;
static const char accounts_find_sql[] = FIND("credit_accounts", OF_USER);
static const char transactions_find_sql[] =
    FIND("credit_transactions", "client_id = $1 AND id = ANY (ARRAY(" POSTED "))");

/* lib/model/login.c has them under this hash. */
static const char failures_sql[] = "DELETE FROM login_failures WHERE client_id = $1 "
				   "AND subject = sha256('user:'::bytea || uuid_send($2::uuid))";

static const char verifications_sql[] = "DELETE FROM email_verifications WHERE " OF_USER;
static const char verifications_find_sql[] = FIND("email_verifications", OF_USER);
static const char mfa_sql[] = "DELETE FROM user_mfa WHERE " OF_USER;
static const char mfa_find_sql[] = FIND("user_mfa", OF_USER);

/* With the messages that came meanwhile. */
static const char conversations_sql[] = DELETE_SOME("conversations", OF_USER);
static const char conversations_find_sql[] = FIND("conversations", OF_USER " ORDER BY id");
static const char sessions_sql[] = DELETE_SOME("sessions", OF_USER);
static const char sessions_find_sql[] = FIND("sessions", OF_USER " ORDER BY id");
/* The first of a line goes last. */
static const char tokens_sql[] = DELETE_SOME("auth_tokens", OF_USER " ORDER BY lineage_id IS NULL");
static const char tokens_find_sql[] = FIND("auth_tokens", OF_USER " ORDER BY id");
static const char users_sql[] = "DELETE FROM users WHERE client_id = $1 AND id = $2";
static const char users_find_sql[] = FIND("users", "client_id = $1 AND id = $2");

const char *const erasure_table_statements[] = { verifications_sql, verifications_find_sql, mfa_sql,
	mfa_find_sql, log_sql, log_session_sql, log_conversation_sql, log_find_sql,
	authorizations_sql, authorizations_find_sql, carries_sql, carries_find_sql, budgets_sql,
	budgets_find_sql, deliveries_sql, alerts_sql, alerts_find_sql, answers_sql,
	answers_find_sql, audit_sql, audit_find_sql, sums_sql, sums_find_sql, costs_sql,
	costs_find_sql, details_sql, details_find_sql, accounts_sql, accounts_find_sql,
	transactions_find_sql, failures_sql, conversations_sql, conversations_find_sql,
	sessions_sql, sessions_find_sql, tokens_sql, tokens_find_sql, users_sql, users_find_sql,
	NULL };

static const struct erasure_table rows[] = {
	{ "chat_logs",
	    "client_id id created_at received_at authorization_id feature agent_type provider "
	    "model input_tokens output_tokens cached_input_tokens cache_write_tokens "
	    "reasoning_tokens tokens_used message_length response_length estimated_cost_cents "
	    "verified_cost_cents model_pricing_id is_cache_hit tools_used tags success duration_ms "
	    "user_tier",
	    "user_id session_id conversation_id agent_session_id agent_root_id api_key_id trace_id "
	    "span_id "
	    "parent_span_id error_message metadata",
	    .erase = { log_sql, log_session_sql, log_conversation_sql }, .find = log_find_sql },
	{ "authorizations",
	    "client_id id created_at expires_at user_tier feature provider model tags held_cents "
	    "held_tokens model_pricing_id settled_at settled_by cost_cents voided_at granted_at",
	    "user_id session_id agent_session_id agent_root_id api_key_id",
	    .erase = { authorizations_sql }, .find = authorizations_find_sql },
	{ "cost_aggregates",
	    "client_id dimension grain start cost_cents calls tokens input_tokens output_tokens "
	    "cached_input_tokens cache_write_tokens reasoning_tokens failed_calls unpriced_calls "
	    "duration_slots duration_calls quarter quarters",
	    "key", .erase = { sums_sql }, .booked = true, .find = sums_find_sql },
	{ "user_costs", "client_id days start cost_nanos calls", "user_id", .erase = { costs_sql },
	    .booked = true, .find = costs_find_sql },
	{ "audit_log", "client_id id created_at api_key_id request_id action entity redacted_at",
	    "user_id ip_address entity_id before after", .erase = { audit_sql },
	    .find = audit_find_sql },
	{ "credit_details", "client_id transaction_id account_id",
	    "description metadata created_by_ip api_key_id", .erase = { details_sql },
	    .find = details_find_sql },
	{ .name = "credit_transactions",
	    .plain = "client_id id account_id sequence transaction_type amount balance_after "
		     "created_at source_id hold_id refunded_id grant_id hash",
	    .find = transactions_find_sql },
	{ "credit_accounts",
	    "client_id id owner current_balance held lifetime_purchased lifetime_spent "
	    "lifetime_refunded uncovered overdraft daily_limit monthly_limit timezone spent_day "
	    "spent_today spent_month spent_this_month auto_recharge_enabled "
	    "auto_recharge_threshold auto_recharge_amount recharge_due_at recharge_told_at "
	    "last_sequence last_hash last_posted_at created_at updated_at",
	    "user_id", .erase = { accounts_sql }, .last = true, .find = accounts_find_sql },
	{ "login_failures", "client_id failures until", "subject", .erase = { failures_sql } },
	{ "email_verifications", "client_id created_at expires_at", "user_id email", "token_hash",
	    { verifications_sql }, .find = verifications_find_sql },
	{ "user_mfa", "client_id confirmed_at last_step created_at updated_at", "user_id",
	    "secret recovery_codes", { mfa_sql }, .find = mfa_find_sql },
	{ "budget_carries", "client_id budget_id window_start cost_cents requests tokens unpriced",
	    "bucket", .erase = { carries_sql }, .find = carries_find_sql },
	{ "budgets",
	    "client_id id user_tier agent_session_id agent_root_id feature provider model tag each_by period "
	    "rolling_hours timezone limit_cents limit_requests limit_tokens mode thresholds "
	    "unpriced fallback_rate on_counter_loss override_cents override_until version "
	    "created_at updated_at deleted_at",
	    "name user_id api_key_id session_id", .erase = { budgets_sql },
	    .find = budgets_find_sql },
	{ "webhook_deliveries",
	    "client_id webhook_id id attempts next_attempt_at delivered_at dead_at status error",
	    "alert_id", "token", .erase = { deliveries_sql } },
	{ "alerts", "client_id id kind key_until created_at", "key payload",
	    .erase = { alerts_sql }, .find = alerts_find_sql },
	{ "idempotency_keys", "client_id request_hash status content_type sealed created_at",
	    "key body", .erase = { answers_sql }, .find = answers_find_sql },
	{ "conversations",
	    "client_id id status current_version next_version message_count token_count "
	    "last_message_at ended_at created_at updated_at",
	    "user_id session_id title", .erase = { conversations_sql },
	    .find = conversations_find_sql },
	{ "sessions", "client_id id expires_at revoked_at created_at updated_at",
	    "user_id ip_address user_agent", "token_hash", { sessions_sql },
	    .find = sessions_find_sql },
	{ "auth_tokens",
	    "client_id id token_type scopes expires_at last_used_at usage_count is_active "
	    "rate_limit_per_hour rotated_to lineage_id maker_id created_at updated_at",
	    "public_id name user_id created_ip last_used_ip user_agent allowed_addresses",
	    "token_hash", { tokens_sql }, .find = tokens_find_sql },
	{ "users", "client_id tier created_at updated_at deleted_at",
	    "id external_id email email_folded email_verified oauth_provider oauth_id username "
	    "username_folded display_name avatar_url subscription_tier subscription_status "
	    "billing_customer_id account_status timezone preferences mfa_enabled last_login_at "
	    "last_login_ip",
	    "password_hash", { users_sql }, .last = true, .find = users_find_sql },

	/* Nothing of a person: reasons and sources are the operator's words. */
	{ .name = "model_pricing",
	    .plain =
		"id client_id provider model valid_from valid_to input_rate output_rate cached_rate "
		"cache_write_rate reasoning_rate batch_input_rate batch_output_rate tier_tokens "
		"tier_input_rate tier_output_rate tier_cached_rate tier_cache_write_rate source "
		"created_at" },
	{ .name = "daily_costs",
	    .plain =
		"client_id date total_cost_cents total_requests total_tokens input_tokens "
		"output_tokens cached_input_tokens cache_write_tokens reasoning_tokens "
		"failed_requests unpriced_requests unique_users closed_at created_at updated_at reconciled_in" },
	{ .name = "cost_adjustments",
	    .plain = "client_id id date amount_cents reason api_key_id created_at" },
	{ .name = "counter_states", .plain = "client_id epoch day bypassed since" },
	{ .name = "ingest_batches", .plain = "client_id id epoch late_days summed_days stored_by" },
	{ .name = "webhooks",
	    .plain = "client_id id url secret events active created_at updated_at" },
	{ .name = "client_integrations",
	    .plain =
		"client_id id type name base_url configuration credentials enabled test_due_at "
		"last_test_at last_test_outcome last_test_status last_test_duration_ms "
		"created_at updated_at" },
	{ .name = "integration_endpoints",
	    .plain = "client_id id integration_id name method path description enabled test_due_at "
		     "last_test_at last_test_outcome last_test_status last_test_duration_ms "
		     "created_at updated_at" },
	{ .name = "rollup_clients",
	    .plain = "client_id timezone timezone_at days_until whole_from hours_from days_from "
		     "closed_from users_until revision open_revision" },
	{ .name = "credit_holds",
	    .plain = "client_id id account_id source_id amount expires_at burned_grants "
		     "burned_nanos created_at" },
	{ .name = "credit_grants",
	    .plain = "client_id id account_id amount remaining used_up priority expires_at "
		     "created_at" },
	{ .name = "rollup_pending", .plain = "client_id id since until" },
	/* The last step empties user_id itself; of a hash nobody comes to a random id. */
	{ .name = "erasures",
	    .plain = "client_id id user_id origin api_key_id request_id requested_at erased_at "
		     "finished_at removed" },
	{ .name = "erased_users", .plain = "client_id user_hash erasure_id erased_at" },
};

const struct erasure_table *
erasure_table_at(size_t i)
{
	if (i < erasure_work_count)
		return &erasure_work[i];
	i -= erasure_work_count;
	return i < COUNT(rows) ? &rows[i] : NULL;
}

struct json_texts
erasure_names(struct task *task, const char *list)
{
	char *copy = arena_strdup(task->arena, list == NULL ? "" : list), *rest;
	const char **names = arena_array(task->arena, strlen(copy) + 1, sizeof(*names));
	struct json_texts ret = { names, 0 };

	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		names[ret.count++] = name;
	return ret;
}
