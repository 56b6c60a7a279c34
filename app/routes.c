/*
 * The whole API: start reading here. A row says who may call, what is taken and who answers; the
 * OpenAPI document is made from the same rows.
 */
#include "app/api/adjustments.h"
#include "app/api/analytics.h"
#include "app/api/analytics_dashboard.h"
#include "app/api/analytics_top.h"
#include "app/api/api_keys.h"
#include "app/api/audit.h"
#include "app/api/auth_tokens.h"
#include "app/api/authorizations.h"
#include "app/api/billing.h"
#include "app/api/billing_clients.h"
#include "app/api/budgets.h"
#include "app/api/chat_logs.h"
#include "app/api/clients.h"
#include "app/api/credits.h"
#include "app/api/daily_costs.h"
#include "app/api/erasures.h"
#include "app/api/health.h"
#include "app/api/litellm.h"
#include "app/api/login.h"
#include "app/api/mfa.h"
#include "app/api/organization.h"
#include "app/api/prompts.h"
#include "app/api/records.h"
#include "app/api/sessions.h"
#include "app/api/today.h"
#include "app/api/traces.h"
#include "app/api/usage_stats.h"
#include "app/api/users.h"
#include "app/api/users_export.h"
#include "app/api/webhooks.h"
#include "app/ingest/record.h"
#include "app/openapi.h"
#include "app/rest.h"
#include "lib/model/auth_token.h"
#include "lib/model/budget.h"
#include "lib/model/client.h"
#include "lib/model/prompt.h"
#include "lib/model/session.h"
#include "lib/model/user.h"
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
	    .bound = true, .parks = true, .many = true, .status = 201,
	    .summary = "Stores a record, an array of them, or NDJSON; answered after the commit.",
	    .known = "A record that was stored before, as it was stored. To an array or lines: how "
		     "many were accepted, how many duplicates, and which were rejected." },
	{ "GET", "/v1/chat-logs", chat_logs_list, SCOPE_LOGS_READ, QUERY(chat_logs_list_fields),
	    .bound = true, .status = 200,
	    .summary = "Records, newest first; CSV and NDJSON by Accept." },
	{ "GET", "/v1/chat-logs/{id}", chat_logs_find, SCOPE_LOGS_READ, .bound = true,
	    .status = 200, .summary = "One record." },

	{ "POST", "/v1/traces", traces_post, SCOPE_LOGS_WRITE, .bound = true, .takes = traces_types,
	    .prepare = traces_prepare, .parks = true, .status = 200,
	    .summary = "OTLP/HTTP: spans of model calls, agents and tools become records; others "
		       "are ignored. Answers partialSuccess where spans are rejected." },
	{ "POST", "/v1/ingest/litellm", litellm_post, SCOPE_LOGS_WRITE, .bound = true,
	    .takes = litellm_types, .parks = true, .status = 200,
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
	{ "GET", "/v1/analytics/top", analytics_top, SCOPE_ANALYTICS, .operators = true,
	    QUERY(analytics_top_fields), .status = 200,
	    .summary = "Who or what costs most; of all clients for operators." },
	{ "GET", "/v1/analytics/dashboard", analytics_dashboard, SCOPE_ANALYTICS, .status = 200,
	    .summary = "Today and the same part of yesterday, the month, the last 24 hours by "
		       "hour, models without a price, and when the jobs last did their work." },

	{ "GET", "/v1/usage-stats/daily", usage_stats_daily, SCOPE_ANALYTICS,
	    QUERY(usage_stats_daily_fields), .bound = true, .status = 200,
	    .summary = "What a user has used by day, newest first; days without a call are not "
		       "there." },

	{ "GET", "/v1/billing/current", billing_current, SCOPE_ANALYTICS, .status = 200,
	    .summary = "The open month as it is billed, its limits, and what it will have cost." },
	{ "GET", "/v1/billing/periods", billing_periods, SCOPE_ANALYTICS,
	    QUERY(billing_periods_fields), .status = 200,
	    .summary = "Calendar months of the client's zone, newest first: to bill is "
		       "billed_cents." },

	{ "GET", "/v1/billing/clients", billing_clients, SCOPE_OPERATOR,
	    QUERY(billing_clients_fields), .status = 200,
	    .summary = "What the clients are billed for a month, the most first, and who is beyond "
		       "a limit." },
	{ "GET", "/v1/organization/costs", organization_costs, SCOPE_ANALYTICS,
	    QUERY(organization_costs_fields), .status = 200,
	    .summary = "Costs in the shape of OpenAI's admin API, with corrections." },
	{ "GET", "/v1/organization/usage/completions", organization_completions, SCOPE_ANALYTICS,
	    QUERY(organization_completions_fields), .status = 200,
	    .summary = "Tokens and requests in the shape of OpenAI's admin API." },

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

	REST_ADD("/v1/budgets", SCOPE_BUDGETS_WRITE, budget_resource,
	    "a budget: a limit on what is spent in each window", .changed = budgets_changed),
	REST_LIST("/v1/budgets", SCOPE_BUDGETS_READ, budget_resource, "Budgets, newest first", ),
	{ "GET", "/v1/budgets/check", budgets_check, SCOPE_BUDGETS_READ,
	    QUERY(budgets_check_fields), .status = 200,
	    .summary = "Every budget that applies to a call, the tightest first, and whether they "
		       "allow it; from the counters, or from the log while they are away. Nothing "
		       "is reserved." },
	REST_FIND("/v1/budgets", SCOPE_BUDGETS_READ, budget_resource, "a budget", ),
	REST_CHANGE("/v1/budgets", SCOPE_BUDGETS_WRITE, budget_resource,
	    "a budget (null takes a limit or the override away)", .changed = budgets_changed),
	REST_REMOVE("/v1/budgets", SCOPE_BUDGETS_WRITE, budget_resource, "a budget",
	    .changed = budgets_changed),
	{ "GET", "/v1/budgets/{id}/status", budgets_status, SCOPE_BUDGETS_READ, .status = 200,
	    .summary = "What was spent of a budget in its open window, with its largest buckets; "
		       "from the counters, or from the log while they are away." },

	{ "POST", "/v1/authorizations", authorizations_post, SCOPE_AUTHORIZE,
	    BODY(authorizations_post_fields), .bound = true, .parks = true, .status = 201,
	    .summary = "Holds what a call may cost in every budget that applies to it, or in none: "
		       "402 and 429 name the budget that has not enough left." },
	{ "GET", "/v1/authorizations/{id}", authorizations_find, SCOPE_AUTHORIZE, .bound = true,
	    .status = 200, .summary = "One authorization." },
	{ "POST", "/v1/authorizations/{id}/void", authorizations_void, SCOPE_AUTHORIZE,
	    .bound = true, .status = 200,
	    .summary = "Gives back what is held; 409 once it is settled." },
	{ "POST", "/v1/authorizations/{id}/settle", records_settle, SCOPE_AUTHORIZE, .bound = true,
	    .body = record_fields, .body_count = RECORD_SETTLE_FIELDS, .parks = true, .status = 201,
	    .summary = "Stores the call's record and gives back what was held.",
	    .known = "A record that was stored before, as it was stored." },

	{ "GET", "/v1/credit-accounts/{user_id}", credits_find, SCOPE_CREDITS, .bound = true,
	    .status = 200,
	    .summary = "A user's account of credits, or the client's own by the word client; made "
		       "at its first use." },
	{ "PATCH", "/v1/credit-accounts/{user_id}", credits_change, SCOPE_CREDITS,
	    BODY(credits_change_fields), .if_match = true, .status = 200,
	    .summary = "Changes an account's limits and when it is due for a recharge." },
	{ "GET", "/v1/credit-accounts/{user_id}/check", credits_check, SCOPE_CREDITS,
	    QUERY(credits_check_fields), .bound = true, .status = 200,
	    .summary = "Whether an account has so much now; nothing is held." },
	{ "POST", "/v1/credit-accounts/{user_id}/transactions", credits_post, SCOPE_CREDITS,
	    BODY(credits_post_fields), .parks = true, .status = 201,
	    .summary = "Posts to an account; 402 where it has not enough or a limit is reached." },
	{ "GET", "/v1/credit-accounts/{user_id}/transactions", credits_list, SCOPE_CREDITS,
	    QUERY(credits_list_fields), .bound = true, .status = 200,
	    .summary = "What was posted to an account, newest first." },
	{ "GET", "/v1/credit-accounts/{user_id}/transactions/{id}", credits_find_transaction,
	    SCOPE_CREDITS, .bound = true, .status = 200, .summary = "One transaction." },
	{ "GET", "/v1/credit-accounts/{user_id}/grants", credits_list_grants, SCOPE_CREDITS,
	    QUERY(credits_list_fields), .bound = true, .status = 200,
	    .summary = "What is left of what an account was given, in the order in which it is "
		       "used." },
	{ "GET", "/v1/credit-accounts/{user_id}/holds", credits_list_holds, SCOPE_CREDITS,
	    QUERY(credits_list_fields), .bound = true, .status = 200,
	    .summary = "What an account holds for calls, newest first." },
	{ "GET", "/v1/credit-accounts/{user_id}/statements/{month}", credits_show_statement,
	    SCOPE_CREDITS, QUERY(credits_statement_fields), .bound = true, .status = 200,
	    .summary = "A month of the account's zone: balances, sums by type, transactions; CSV "
		       "of those by Accept." },

	REST_ADD("/v1/webhooks", SCOPE_BUDGETS_WRITE, webhook_resource,
	    "a webhook; the secret that signs what it is sent is shown this once",
	    .fill = webhooks_fill, .secret = true),
	REST_LIST("/v1/webhooks", SCOPE_BUDGETS_READ, webhook_resource, "Webhooks, newest first", ),
	REST_FIND("/v1/webhooks", SCOPE_BUDGETS_READ, webhook_resource, "a webhook", ),
	REST_CHANGE("/v1/webhooks", SCOPE_BUDGETS_WRITE, webhook_resource, "a webhook",
	    .fill = webhooks_fill),
	REST_REMOVE("/v1/webhooks", SCOPE_BUDGETS_WRITE, webhook_resource,
	    "a webhook, and what waits to be delivered to it", ),
	{ "GET", "/v1/alerts", webhooks_list_alerts, SCOPE_BUDGETS_READ,
	    QUERY(webhooks_list_alerts_fields), .status = 200,
	    .summary = "Alerts as webhooks get them, newest first." },

	REST_ADD("/v1/users", SCOPE_USERS, user_resource, "a user", ),
	REST_LIST("/v1/users", SCOPE_USERS, user_resource, "Users, in the order of their ids",
	    .bound = true),
	REST_COUNT("/v1/users", SCOPE_USERS, user_resource, "users", ),
	REST_FIND("/v1/users", SCOPE_USERS, user_resource, "a user", .bound = true),
	REST_CHANGE("/v1/users", SCOPE_USERS, user_resource, "a user", .changed = users_changed),
	REST_REMOVE("/v1/users", SCOPE_USERS, user_resource,
	    "a user; purge removes it for good after the grace period", ),
	REST_RESTORE("/v1/users", SCOPE_USERS, user_resource, "a user", ),
	{ "POST", "/v1/users/{id}/password", users_set_password, SCOPE_USERS,
	    BODY(users_set_password_fields), .secret_body = true, .status = 204,
	    .summary = "Sets a user's password, which is kept as its argon2id hash; the old one is "
		       "asked for where current_password is given. Sessions go on." },
	{ "POST", "/v1/users/{id}/email-verification", users_verify_email, SCOPE_USERS,
	    .status = 202,
	    .summary = "Makes a token for a user's address, which goes to the client's webhooks "
		       "as user.email_verification and nowhere else; it takes the place of an "
		       "earlier one, and holds for a day. 409 where no webhook wants it." },
	{ "POST", "/v1/users/{id}/mfa", mfa_post, SCOPE_USERS, BODY(mfa_post_fields),
	    .secret = true, .status = 201,
	    .summary = "Makes the secret of an authenticator (TOTP), shown this once; it counts "
		       "once it is confirmed." },
	{ "POST", "/v1/users/{id}/mfa/confirm", mfa_post_confirm, SCOPE_USERS,
	    BODY(mfa_post_confirm_fields), .secret = true, .status = 200,
	    .summary = "A first code: from here on logging in asks for one. Shows recovery codes, "
		       "this once." },
	{ "POST", "/v1/users/{id}/mfa/verify", mfa_post_verify, SCOPE_USERS,
	    BODY(mfa_post_verify_fields), .secret_body = true, .status = 200,
	    .summary = "Takes a code, which holds once; 401 where it is wrong. Failures count as "
		       "those of logging in do." },
	{ "POST", "/v1/users/{id}/mfa/recovery-codes", mfa_post_codes, SCOPE_USERS, .secret = true,
	    .status = 200, .summary = "New recovery codes in place of the old, shown this once." },
	{ "DELETE", "/v1/users/{id}/mfa", mfa_delete, SCOPE_USERS, .status = 204,
	    .summary = "Takes a user's second factor away." },
	{ "POST", "/v1/users/{id}/sessions/revoke", sessions_revoke_user, SCOPE_USERS,
	    .bound = true, .status = 200, .summary = "Ends all sessions of a user." },
	{ "POST", "/v1/users/{id}/erase", erasures_add, SCOPE_USERS, .status = 202,
	    .summary = "Takes a user out of all that is kept, for good: the user is gone at once, "
		       "the rest with the next run of tally erase. What was spent stays." },
	{ "GET", "/v1/users/{id}/export", users_export, SCOPE_USERS, .status = 200,
	    .summary = "All that is kept of a user, without secrets: NDJSON, a line for each row "
		       "of each table. The key needs the scopes logs:read, budgets:read, credits "
		       "and admin, too: what they read is among it." },
	{ "GET", "/v1/erasures", erasures_list, SCOPE_USERS, QUERY(erasures_list_fields),
	    .status = 200, .summary = "Receipts of erasures, newest first." },
	{ "GET", "/v1/erasures/{id}", erasures_find, SCOPE_USERS, .status = 200,
	    .summary = "What an erasure has removed, by table." },
	{ "GET", "/v1/users/{id}/chat-logs", chat_logs_of_user, SCOPE_LOGS_READ,
	    QUERY(chat_logs_of_user_fields), .bound = true, .status = 200,
	    .summary = "A user's records, newest first; CSV and NDJSON by Accept." },
	{ "GET", "/v1/users/{id}/usage", usage_stats_of_user, SCOPE_LOGS_READ, .bound = true,
	    .status = 200, .summary = "A user's calls and cost, today and in all." },

	{ "POST", "/v1/auth/login", login_post, SCOPE_USERS, BODY(login_post_fields),
	    .secret = true, .secret_body = true, .status = 201,
	    .summary = "Opens a session for who knows the password of an active user; its token is "
		       "shown this once. 401 is the same for every reason, being locked out after "
		       "too many failures among them." },

	{ "POST", "/v1/auth/verify-email", login_verify_email, SCOPE_USERS,
	    BODY(login_verify_email_fields), .secret_body = true, .status = 200,
	    .summary = "Takes a token that the user's mail has shown: the address is verified." },

	REST_ADD("/v1/sessions", SCOPE_USERS, session_resource,
	    "a session; its token is shown this once", .fill = sessions_fill, .bound = true,
	    .secret = true),
	REST_LIST("/v1/sessions", SCOPE_USERS, session_resource,
	    "Sessions, newest first, ended ones too", .bound = true),
	{ "GET", "/v1/sessions/current", sessions_current, SCOPE_USERS, .bound = true,
	    .header = "X-Session-Token", .status = 200,
	    .summary = "The session whose token stands in X-Session-Token." },
	REST_FIND("/v1/sessions", SCOPE_USERS, session_resource, "a session", .bound = true),
	{ "POST", "/v1/sessions/{id}/extend", sessions_extend, SCOPE_USERS,
	    BODY(sessions_extend_fields), .bound = true, .status = 200,
	    .summary = "Moves a session's end, never to an earlier time." },
	{ "DELETE", "/v1/sessions/{id}", sessions_revoke, SCOPE_USERS, .bound = true, .status = 204,
	    .summary = "Ends a session." },

	REST_ADD("/v1/auth-tokens", SCOPE_USERS, auth_token_resource,
	    "a token that may do no more than the key that asks; it is shown this once",
	    .fill = auth_tokens_fill, .secret = true),
	REST_LIST("/v1/auth-tokens", SCOPE_USERS, auth_token_resource,
	    "Tokens, newest first, revoked and expired ones too", ),
	REST_COUNT("/v1/auth-tokens", SCOPE_USERS, auth_token_resource, "tokens", ),
	REST_FIND("/v1/auth-tokens", SCOPE_USERS, auth_token_resource, "a token", ),
	REST_CHANGE("/v1/auth-tokens", SCOPE_USERS, auth_token_resource, "a token",
	    .fill = auth_tokens_fill, .changed = auth_tokens_changed),
	{ "DELETE", "/v1/auth-tokens/{id}", auth_tokens_revoke, SCOPE_USERS, .status = 204,
	    .summary = "Revokes a token; with a refresh token, all that came of it." },
	{ "POST", "/v1/auth-tokens/refresh", auth_tokens_refresh, SCOPE_USERS,
	    BODY(auth_tokens_refresh_fields), .secret = true, .status = 200,
	    .summary =
		"Gives a new session token and a new refresh token in place of those before." },

	{ "GET", "/v1/audit-log", audit_entries_list, SCOPE_ADMIN, .operators = true,
	    QUERY(audit_list_fields), .status = 200,
	    .summary = "Who changed what, newest first; CSV and NDJSON by Accept. Of every client "
		       "for operators." },

	REST_ADD("/v1/clients", SCOPE_OPERATOR, client_resource, "a client", ),
	REST_LIST("/v1/clients", SCOPE_OPERATOR, client_resource, "Clients, newest first", ),
	REST_COUNT("/v1/clients", SCOPE_OPERATOR, client_resource, "clients", ),
	REST_FIND("/v1/clients", SCOPE_OPERATOR, client_resource, "a client", ),
	REST_CHANGE("/v1/clients", SCOPE_OPERATOR, client_resource, "a client", ),
	{ "POST", "/v1/clients/{id}/deactivate", clients_deactivate, SCOPE_OPERATOR, .status = 200,
	    .summary = "Ends a client: its keys stop working." },
	{ "POST", "/v1/clients/{id}/api-keys", api_keys_add, SCOPE_OPERATOR,
	    BODY(api_keys_add_fields), .secret = true, .status = 201,
	    .summary = "Adds a key, which is shown this once." },
	{ "GET", "/v1/clients/{id}/api-keys", api_keys_list, SCOPE_OPERATOR,
	    QUERY(api_keys_list_fields), .status = 200,
	    .summary = "A client's keys, newest first, revoked and expired ones too." },
	{ "GET", "/v1/clients/{id}/api-keys/{key_id}", api_keys_find, SCOPE_OPERATOR, .status = 200,
	    .summary = "Shows a key." },
	{ "PATCH", "/v1/clients/{id}/api-keys/{key_id}", api_keys_change, SCOPE_OPERATOR,
	    BODY(api_keys_change_fields), .if_match = true, .status = 200,
	    .summary = "Changes a key: what is given." },
	{ "DELETE", "/v1/clients/{id}/api-keys/{key_id}", api_keys_revoke, SCOPE_OPERATOR,
	    .status = 204, .summary = "Revokes a key." },
	{ "POST", "/v1/clients/{id}/api-keys/{key_id}/rotate", api_keys_rotate, SCOPE_OPERATOR,
	    BODY(api_keys_rotate_fields), .secret = true, .status = 201,
	    .summary =
		"Makes a new key in place of one, which works on for a while. Both are counted"
		" as one, by their lineage_id." },
};

const size_t route_count = COUNT(routes);
