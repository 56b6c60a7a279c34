/* The chapter of what runs by itself, records, days, analytics and prompts. */
#include "app/routes.h"

#include "app/api/adjustments.h"
#include "app/api/analytics.h"
#include "app/api/analytics_dashboard.h"
#include "app/api/analytics_top.h"
#include "app/api/billing.h"
#include "app/api/billing_clients.h"
#include "app/api/chat_logs.h"
#include "app/api/daily_costs.h"
#include "app/api/events.h"
#include "app/api/health.h"
#include "app/api/litellm.h"
#include "app/api/organization.h"
#include "app/api/prompts.h"
#include "app/api/records.h"
#include "app/api/today.h"
#include "app/api/traces.h"
#include "app/ingest/record.h"
#include "app/openapi.h"
#include "lib/model/prompt.h"

static const struct route rows[] = {
	{ "GET", "/healthz", health_alive, SCOPE_NONE, .status = 200,
	    .summary = "Whether the process answers." },
	{ "GET", "/readyz", health_ready, SCOPE_NONE, .status = 200,
	    .summary = "Whether all that the service stands on is well; 503 names what is not." },
	{ "GET", "/metrics", health_metrics, SCOPE_NONE, .status = 200, .gives = "text/plain",
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

	{ "GET", "/v1/events", events_get, SCOPE_LOGS_READ, QUERY(events_get_fields), .bound = true,
	    .header = "Last-Event-ID", .header_optional = true, .parks = true, .status = 200,
	    .gives = "text/event-stream",
	    .summary = "What happens to the client's books, as Server-Sent Events without an end; "
		       "goes on behind Last-Event-ID." },

	{ "POST", "/v1/traces", traces_post, SCOPE_LOGS_WRITE, .bound = true, .takes = traces_types,
	    .body_optional = true, .prepare = traces_prepare, .parks = true, .status = 200,
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
};

const struct routes routes_records = { rows, COUNT(rows) };
