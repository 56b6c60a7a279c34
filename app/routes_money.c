/* The chapter of budgets, authorizations, credits and webhooks. */
#include "app/routes.h"

#include "app/api/authorizations.h"
#include "app/api/budgets.h"
#include "app/api/credits.h"
#include "app/api/records.h"
#include "app/api/webhooks.h"
#include "app/ingest/record.h"
#include "app/rest.h"
#include "lib/model/budget.h"
#include "lib/model/webhook.h"

static const struct route rows[] = {
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
};

const struct routes routes_money = { rows, COUNT(rows) };
