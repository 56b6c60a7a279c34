/*
 * The whole API: start reading here. A row says who may call, what is taken and who answers; the
 * OpenAPI document is made from the same rows.
 */
#include "app/api/adjustments.h"
#include "app/api/analytics.h"
#include "app/api/api_keys.h"
#include "app/api/authorizations.h"
#include "app/api/budgets.h"
#include "app/api/chat_logs.h"
#include "app/api/clients.h"
#include "app/api/daily_costs.h"
#include "app/api/health.h"
#include "app/api/litellm.h"
#include "app/api/prompts.h"
#include "app/api/records.h"
#include "app/api/sessions.h"
#include "app/api/today.h"
#include "app/api/traces.h"
#include "app/api/users.h"
#include "app/api/webhooks.h"
#include "app/ingest/record.h"
#include "app/openapi.h"
#include "app/router.h"
#include "lib/model/budget.h"
#include "lib/model/prompt.h"
#include "lib/model/webhook.h"

#define QUERY(table) .query = (table), .query_count = COUNT(table)
#define BODY(table) .body = (table), .body_count = COUNT(table)

const struct route routes[] = {
	{ "GET", "/healthz", health_alive, SCOPE_NONE, .status = 200,
	    .summary = "Whether the process answers." },
	{ "GET", "/readyz", health_ready, SCOPE_NONE, .status = 200,
	    .summary = "Whether all that the service stands on is well; 503 names what is not." },
	{ "GET", "/metrics", health_metrics, SCOPE_NONE, .status = 200,
	    .summary = "Counters in the Prometheus text format, for loopback and operators." },
	{ "GET", "/v1/openapi.json", openapi_show, SCOPE_NONE, .status = 200,
	    .summary = "This document." },

	{ "POST", "/v1/chat-logs", records_post, SCOPE_LOGS_WRITE, BODY(record_fields),
	    .parks = true, .many = true, .status = 201,
	    .summary = "Stores a record, an array of them, or NDJSON; answered after the commit.",
	    .known = "A record that was stored before, as it was stored. To an array or lines: how "
		     "many were accepted, how many duplicates, and which were rejected." },
	{ "GET", "/v1/chat-logs", chat_logs_list, SCOPE_LOGS_READ, QUERY(chat_logs_list_fields),
	    .status = 200, .summary = "Records, newest first; CSV and NDJSON by Accept." },
	{ "GET", "/v1/chat-logs/{id}", chat_logs_find, SCOPE_LOGS_READ, .status = 200,
	    .summary = "One record." },

	{ "POST", "/v1/traces", traces_post, SCOPE_LOGS_WRITE, .takes = traces_types,
	    .prepare = traces_prepare, .parks = true, .status = 200,
	    .summary = "OTLP/HTTP: spans of model calls, agents and tools become records; others "
		       "are ignored. Answers partialSuccess where spans are rejected." },
	{ "POST", "/v1/ingest/litellm", litellm_post, SCOPE_LOGS_WRITE, .takes = litellm_types,
	    .parks = true, .status = 200,
	    .summary = "LiteLLM's StandardLoggingPayload, one, an array or NDJSON: how many were "
		       "accepted, how many duplicates, and which were rejected." },

	{ "GET", "/v1/daily-costs", daily_costs_list, SCOPE_LOGS_READ,
	    QUERY(daily_costs_list_fields), .status = 200, .summary = "Days, newest first." },
	{ "GET", "/v1/daily-costs/today", today_find, SCOPE_LOGS_READ, .parks = true, .status = 200,
	    .summary = "The open day so far, from the counters." },
	{ "GET", "/v1/daily-costs/{date}", daily_costs_find, SCOPE_LOGS_READ, .status = 200,
	    .summary = "One day: to bill is total_cost_cents plus adjustments_cents." },
	{ "GET", "/v1/daily-costs/{date}/adjustments", adjustments_list, SCOPE_LOGS_READ,
	    QUERY(adjustments_list_fields), .status = 200, .summary = "A day's corrections." },
	{ "POST", "/v1/daily-costs/{date}/adjustments", adjustments_add, SCOPE_ADMIN,
	    BODY(adjustments_add_fields), .status = 201,
	    .summary = "Corrects a day, with a reason." },

	{ "GET", "/v1/analytics/usage", analytics_usage, SCOPE_ANALYTICS,
	    QUERY(analytics_usage_fields), .status = 200,
	    .summary = "What was used, by hour or day and by group." },

	{ "POST", "/v1/prompts/analyze", prompts_analyze, SCOPE_LOGS_WRITE,
	    BODY(prompt_analyze_fields), .status = 200,
	    .summary = "Measures a prompt, and says what could be done about it; kept with the "
		       "record where one is named. The text is not kept." },
	{ "GET", "/v1/prompts/{event_id}/analysis", prompts_find_analysis, SCOPE_ANALYTICS,
	    .status = 200, .summary = "What was found in the prompt of a record." },
	{ "POST", "/v1/prompts/embeddings", prompts_embed, SCOPE_LOGS_WRITE,
	    BODY(prompts_embed_fields), .status = 200,
	    .summary = "Stores the embedding of a prompt, in place of one of the same model." },
	{ "POST", "/v1/prompts/similar", prompts_similar, SCOPE_ANALYTICS,
	    BODY(prompts_similar_fields), .status = 200,
	    .summary = "The prompts nearest to one, by cosine." },
	{ "GET", "/v1/prompts/duplicates", prompts_duplicates, SCOPE_ANALYTICS,
	    QUERY(prompts_duplicates_fields), .status = 200,
	    .summary = "Groups of nearly the same prompts in a time, and what they cost." },

	{ "POST", "/v1/budgets", budgets_add, SCOPE_BUDGETS_WRITE, BODY(budget_add_fields),
	    .status = 201, .summary = "Adds a budget: a limit on what is spent in each window." },
	{ "GET", "/v1/budgets", budgets_list, SCOPE_BUDGETS_READ, QUERY(budgets_list_fields),
	    .status = 200, .summary = "Budgets, newest first." },
	{ "GET", "/v1/budgets/check", budgets_check, SCOPE_BUDGETS_READ,
	    QUERY(budgets_check_fields), .status = 200,
	    .summary = "Every budget that applies to a call, the tightest first, and whether they "
		       "allow it; from the counters, or from the log while they are away. Nothing "
		       "is reserved." },
	{ "GET", "/v1/budgets/{id}", budgets_find, SCOPE_BUDGETS_READ, .status = 200,
	    .summary = "One budget." },
	{ "PATCH", "/v1/budgets/{id}", budgets_change, SCOPE_BUDGETS_WRITE,
	    BODY(budget_change_fields), .if_match = true, .status = 200,
	    .summary = "Changes what is given; null takes a limit or the override away." },
	{ "DELETE", "/v1/budgets/{id}", budgets_remove, SCOPE_BUDGETS_WRITE, .if_match = true,
	    .status = 204, .summary = "Deletes a budget." },
	{ "GET", "/v1/budgets/{id}/status", budgets_status, SCOPE_BUDGETS_READ, .status = 200,
	    .summary = "What was spent of a budget in its open window, with its largest buckets; "
		       "from the counters, or from the log while they are away." },

	{ "POST", "/v1/authorizations", authorizations_post, SCOPE_AUTHORIZE,
	    BODY(authorizations_post_fields), .parks = true, .status = 201,
	    .summary = "Holds what a call may cost in every budget that applies to it, or in none: "
		       "402 and 429 name the budget that has not enough left." },
	{ "GET", "/v1/authorizations/{id}", authorizations_find, SCOPE_AUTHORIZE, .status = 200,
	    .summary = "One authorization." },
	{ "POST", "/v1/authorizations/{id}/void", authorizations_void, SCOPE_AUTHORIZE,
	    .status = 200, .summary = "Gives back what is held; 409 once it is settled." },
	{ "POST", "/v1/authorizations/{id}/settle", records_settle, SCOPE_AUTHORIZE,
	    .body = record_fields, .body_count = RECORD_SETTLE_FIELDS, .parks = true, .status = 201,
	    .summary = "Stores the call's record and gives back what was held.",
	    .known = "A record that was stored before, as it was stored." },

	{ "POST", "/v1/webhooks", webhooks_add, SCOPE_BUDGETS_WRITE, BODY(webhook_add_fields),
	    .secret = true, .status = 201,
	    .summary = "Adds a webhook; the secret that signs what it is sent is shown this "
		       "once." },
	{ "GET", "/v1/webhooks", webhooks_list, SCOPE_BUDGETS_READ, QUERY(webhooks_list_fields),
	    .status = 200, .summary = "Webhooks, newest first." },
	{ "GET", "/v1/webhooks/{id}", webhooks_find, SCOPE_BUDGETS_READ, .status = 200,
	    .summary = "One webhook." },
	{ "PATCH", "/v1/webhooks/{id}", webhooks_change, SCOPE_BUDGETS_WRITE,
	    BODY(webhook_change_fields), .status = 200, .summary = "Changes what is given." },
	{ "DELETE", "/v1/webhooks/{id}", webhooks_remove, SCOPE_BUDGETS_WRITE, .status = 204,
	    .summary = "Deletes a webhook, and what waits to be delivered to it." },
	{ "GET", "/v1/alerts", webhooks_list_alerts, SCOPE_BUDGETS_READ,
	    QUERY(webhooks_list_fields), .status = 200,
	    .summary = "Alerts as webhooks get them, newest first." },

	{ "POST", "/v1/users", users_add, SCOPE_USERS, BODY(users_add_fields), .status = 201,
	    .summary = "Adds a user." },
	{ "GET", "/v1/users", users_list, SCOPE_USERS, QUERY(users_list_fields), .status = 200,
	    .summary = "Users; by e-mail address or external id at most one." },
	{ "GET", "/v1/users/count", users_count, SCOPE_USERS, QUERY(users_count_fields),
	    .status = 200, .summary = "How many users there are, and by tier." },
	{ "GET", "/v1/users/{id}", users_find, SCOPE_USERS, .status = 200, .summary = "One user." },
	{ "PATCH", "/v1/users/{id}", users_change, SCOPE_USERS, BODY(users_change_fields),
	    .status = 200, .summary = "Changes what is given." },
	{ "DELETE", "/v1/users/{id}", users_remove, SCOPE_USERS, .status = 204,
	    .summary = "Deletes a user; purge removes it for good after the grace period." },
	{ "POST", "/v1/users/{id}/restore", users_restore, SCOPE_USERS, .status = 200,
	    .summary = "Takes the deletion back." },
	{ "POST", "/v1/users/{id}/sessions/revoke", sessions_revoke_user, SCOPE_USERS,
	    .status = 200, .summary = "Ends all sessions of a user." },
	{ "GET", "/v1/users/{id}/chat-logs", chat_logs_of_user, SCOPE_LOGS_READ,
	    QUERY(chat_logs_of_user_fields), .status = 200,
	    .summary = "A user's records, newest first; CSV and NDJSON by Accept." },
	{ "GET", "/v1/users/{id}/usage", chat_logs_usage, SCOPE_LOGS_READ, .status = 200,
	    .summary = "A user's calls and cost, today and as far back as the log reaches." },

	{ "POST", "/v1/sessions", sessions_add, SCOPE_USERS, BODY(sessions_add_fields),
	    .secret = true, .status = 201,
	    .summary = "Opens a session; its token is shown this once." },
	{ "GET", "/v1/sessions", sessions_list, SCOPE_USERS, QUERY(sessions_list_fields),
	    .status = 200, .summary = "Sessions, newest first, ended ones too." },
	{ "GET", "/v1/sessions/current", sessions_current, SCOPE_USERS, .header = "X-Session-Token",
	    .status = 200, .summary = "The session whose token stands in X-Session-Token." },
	{ "POST", "/v1/sessions/{id}/extend", sessions_extend, SCOPE_USERS,
	    BODY(sessions_extend_fields), .status = 200,
	    .summary = "Moves a session's end, never to an earlier time." },
	{ "DELETE", "/v1/sessions/{id}", sessions_revoke, SCOPE_USERS, .status = 204,
	    .summary = "Ends a session." },

	{ "POST", "/v1/clients", clients_add, SCOPE_OPERATOR, BODY(clients_add_fields),
	    .status = 201, .summary = "Adds a client." },
	{ "GET", "/v1/clients", clients_list, SCOPE_OPERATOR, QUERY(clients_list_fields),
	    .status = 200, .summary = "Clients, newest first." },
	{ "GET", "/v1/clients/count", clients_count, SCOPE_OPERATOR, QUERY(clients_count_fields),
	    .status = 200, .summary = "How many clients there are, and by plan." },
	{ "GET", "/v1/clients/{id}", clients_find, SCOPE_OPERATOR, .status = 200,
	    .summary = "One client." },
	{ "PATCH", "/v1/clients/{id}", clients_change, SCOPE_OPERATOR, BODY(clients_change_fields),
	    .status = 200, .summary = "Changes what is given." },
	{ "POST", "/v1/clients/{id}/deactivate", clients_deactivate, SCOPE_OPERATOR, .status = 200,
	    .summary = "Ends a client: its keys stop working." },
	{ "POST", "/v1/clients/{id}/api-keys", api_keys_add, SCOPE_OPERATOR,
	    BODY(api_keys_add_fields), .secret = true, .status = 201,
	    .summary = "Adds a key, which is shown this once." },
	{ "GET", "/v1/clients/{id}/api-keys", api_keys_list, SCOPE_OPERATOR,
	    QUERY(api_keys_list_fields), .status = 200,
	    .summary = "A client's keys, newest first, revoked and expired ones too." },
	{ "DELETE", "/v1/clients/{id}/api-keys/{key_id}", api_keys_revoke, SCOPE_OPERATOR,
	    .status = 204, .summary = "Revokes a key." },
	{ "POST", "/v1/clients/{id}/api-keys/{key_id}/rotate", api_keys_rotate, SCOPE_OPERATOR,
	    BODY(api_keys_rotate_fields), .secret = true, .status = 201,
	    .summary =
		"Makes a new key in place of one, which works on for a while. Both are counted"
		" as one, by their lineage_id." },
};

const size_t route_count = COUNT(routes);
