#include "tests/test.h"

#include "tests/statements.h"

#include <stdlib.h>

#include "app/idempotency.h"
#include "app/metrics.h"
#include "app/ready.h"
#include "lib/model/adjustment.h"
#include "lib/model/agent_session_tree.h"
#include "lib/model/audit.h"
#include "lib/model/auth_token.h"
#include "lib/model/auth_token_private.h"
#include "lib/model/auth_token_refresh.h"
#include "lib/model/auth_token_use.h"
#include "lib/model/authorization.h"
#include "lib/model/batch.h"
#include "lib/model/billing.h"
#include "lib/model/billing_clients.h"
#include "lib/model/budget_carry.h"
#include "lib/model/budget_crossing.h"
#include "lib/model/budget_status.h"
#include "lib/model/budget_sum.h"
#include "lib/model/chat_log.h"
#include "lib/model/client.h"
#include "lib/model/client_top.h"
#include "lib/model/conversation.h"
#include "lib/model/conversation_erase.h"
#include "lib/model/counter.h"
#include "lib/model/counter_compare.h"
#include "lib/model/counter_peek.h"
#include "lib/model/counter_sweep.h"
#include "lib/model/credit_book.h"
#include "lib/model/credit_check.h"
#include "lib/model/credit_due.h"
#include "lib/model/credit_recharge.h"
#include "lib/model/credit_statement.h"
#include "lib/model/daily_cost.h"
#include "lib/model/dashboard.h"
#include "lib/model/day.h"
#include "lib/model/delivery.h"
#include "lib/model/erasure.h"
#include "lib/model/integration_call.h"
#include "lib/model/late_days.h"
#include "lib/model/login.h"
#include "lib/model/message.h"
#include "lib/model/mfa.h"
#include "lib/model/pricing.h"
#include "lib/model/pricing_import.h"
#include "lib/model/prompt_duplicates.h"
#include "lib/model/reference.h"
#include "lib/model/resealing.h"
#include "lib/model/resource.h"
#include "lib/model/rollup.h"
#include "lib/model/session.h"
#include "lib/model/token_usage.h"
#include "lib/model/tool_execution.h"
#include "lib/model/tool_statistic.h"
#include "lib/model/usage.h"
#include "lib/model/usage_rank.h"
#include "lib/model/user.h"
#include "lib/model/user_export.h"
#include "lib/model/verification.h"
#include "lib/model/version.h"
#include "lib/model/websocket_connection.h"

static const struct statement_list written[] = {
	{ "adjustment", adjustment_statements, "tally_app" },
	{ "agent_session", agent_session_statements, "tally_app" },
	{ "agent_session_progress", agent_session_progress_statements, "tally_app" },
	{ "agent_session_tree", agent_session_tree_statements, "tally_app" },
	{ "alert", alert_statements, "tally_worker" },
	{ "audit", audit_statements, "tally_app" },
	{ "audit_list", audit_list_statements, "tally_app" },
	{ "audit_walk", audit_walk_statements, "tally_worker" },
	{ "auth_token", auth_token_statements, "tally_app" },
	{ "auth_token_check", auth_token_check_statements, "tally_app" },
	{ "auth_token_refresh", auth_token_refresh_statements, "tally_app" },
	{ "auth_token_use", auth_token_use_statements, "tally_app" },
	{ "authorization", authorization_statements, "tally_app" },
	{ "authorization_step", authorization_step_statements, "tally_app" },
	{ "batch", batch_statements, "tally_app" },
	{ "batch_key", batch_key_statements, "tally_app" },
	{ "billing", billing_statements, "tally_app" },
	{ "billing_month", billing_month_statements, "tally_app" },
	{ "billing_client", billing_client_statements, "tally_app" },
	{ "budget", budget_statements, "tally_app" },
	{ "budget_carry", budget_carry_statements, "tally_worker" },
	{ "budget_crossing", budget_crossing_statements, "tally_worker" },
	{ "budget_status", budget_status_statements, "tally_app" },
	{ "budget_sum", budget_sum_statements, "tally_worker" },
	{ "chat_log", chat_log_statements, "tally_app" },
	{ "chat_log_list", chat_log_list_statements, "tally_app" },
	{ "client", client_statements, "tally_app" },
	{ "client_top", client_top_statements, "tally_app" },
	{ "conversation", conversation_statements, "tally_app" },
	{ "conversation_erase", conversation_erase_statements, "tally_app" },
	{ "counter_book", counter_book_statements, "tally_app" },
	{ "counter_compare", counter_compare_statements, "tally_worker" },
	{ "counter_load", counter_load_statements, "tally_app" },
	{ "counter_peek", counter_peek_statements, "tally_app" },
	{ "counter_sweep", counter_sweep_statements, "tally_worker" },
	{ "credit_account", credit_account_statements, "tally_app" },
	{ "credit_book", credit_book_statements, "tally_app" },
	{ "credit_check", credit_check_statements, "tally_worker" },
	{ "credit_due", credit_due_statements, "tally_worker" },
	{ "credit_grant", credit_grant_statements, "tally_app" },
	{ "credit_read", credit_read_statements, "tally_app" },
	{ "credit_recharge", credit_recharge_statements, "tally_worker" },
	{ "credit_statement", credit_statement_statements, "tally_app" },
	{ "credit_transaction", credit_transaction_statements, "tally_app" },
	{ "daily_cost", daily_cost_statements, "tally_app" },
	{ "dashboard", dashboard_statements, "tally_app" },
	{ "day", day_statements, "tally_worker" },
	{ "delivery", delivery_statements, "tally_worker" },
	{ "erasure", erasure_statements, "tally_app" },
	{ "erasure_job", erasure_job_statements, "tally_worker" },
	{ "erasure_table", erasure_table_statements, "tally_worker" },
	{ "erasure_work", erasure_work_statements, "tally_worker" },
	{ "idempotency", idempotency_statements, "tally_app" },
	{ "integration_call", integration_call_statements, "tally_app" },
	{ "integration_call_job", integration_call_job_statements, "tally_worker" },
	{ "late_days", late_days_statements, "tally_worker" },
	{ "login", login_statements, "tally_app" },
	{ "message", message_statements, "tally_app" },
	{ "metrics", metrics_statements, "tally_app" },
	{ "mfa", mfa_statements, "tally_app" },
	{ "pricing", pricing_statements, "tally_worker" },
	{ "pricing_import", pricing_import_statements, "tally_worker" },
	{ "prompt", prompt_statements, "tally_app" },
	{ "prompt_analysis", prompt_analysis_statements, "tally_app" },
	{ "prompt_duplicates", prompt_duplicates_statements, "tally_app" },
	{ "prompt_embedding", prompt_embedding_statements, "tally_app" },
	{ "prompt_similar", prompt_similar_statements, "tally_app" },
	{ "ready", ready_statements, "tally_app" },
	{ "resealing", resealing_statements, "tally_worker" },
	{ "rollup", rollup_statements, "tally_worker" },
	{ "rollup_hours", rollup_hours_statements, "tally_worker" },
	{ "rollup_sum", rollup_sum_statements, "tally_worker" },
	{ "rollup_user", rollup_user_statements, "tally_worker" },
	{ "session", session_statements, "tally_app" },
	{ "token_usage", token_usage_statements, "tally_app" },
	{ "tool_execution", tool_execution_statements, "tally_app" },
	{ "tool_execution_store", tool_execution_store_statements, "tally_app" },
	{ "tool_statistic", tool_statistic_statements, "tally_app" },
	{ "usage", usage_statements, "tally_app" },
	{ "usage_rank", usage_rank_statements, "tally_app" },
	{ "usage_rows", usage_row_statements, "tally_app" },
	{ "user", user_statements, "tally_app" },
	{ "user_export", user_export_statements, "tally_app" },
	{ "reference", reference_statements, "tally_app" },
	{ "verification", verification_statements, "tally_app" },
	{ "version", version_statements, "tally_app" },
	{ "websocket_connection", websocket_connection_statements, "tally_app" },
	{ "websocket_reap", websocket_reap_statements, "tally_worker" },
};

#define STATEMENTS_MAX (RESOURCE_STATEMENTS_MAX + 1)
#define LISTS_MAX 120

static const char *const *
make_list(const struct resource *resource)
{
	const char **list = calloc(STATEMENTS_MAX, sizeof *list);
	unsigned count = 0;

	assert_non_null(list);
	while ((list[count] = resource_statement(resource, count)) != NULL)
		assert_true(++count < STATEMENTS_MAX);
	return list;
}

/* Made once and kept, or the sanitizers would find each lost. */
const char *const *
statements_of(const struct resource *resource)
{
	static const char *const *lists[LISTS_MAX];
	size_t i = 0;

	while (resources[i] != resource)
		assert_true(++i < LISTS_MAX);
	if (lists[i] == NULL)
		lists[i] = make_list(resource);
	return lists[i];
}

size_t
statement_lists(const struct statement_list **ret)
{
	static struct statement_list lists[LISTS_MAX];
	static size_t count;

	*ret = lists;
	if (count > 0)
		return count;
	for (; count < COUNT(written); count++)
		lists[count] = written[count];
	for (size_t i = 0; resources[i] != NULL; i++) {
		assert_true(count < LISTS_MAX);
		lists[count++] = (struct statement_list){ resources[i]->table,
			statements_of(resources[i]), "tally_app" };
	}
	return count;
}
