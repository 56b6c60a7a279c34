#include "tests/test.h"

#include "lib/model/audit.h"
#include "lib/model/authorization.h"
#include "lib/model/billing.h"
#include "lib/model/billing_clients.h"
#include "lib/model/budget_crossing.h"
#include "lib/model/budget_status.h"
#include "lib/model/budget_sum.h"
#include "lib/model/chat_log.h"
#include "lib/model/conversation.h"
#include "lib/model/credit_book.h"
#include "lib/model/credit_due.h"
#include "lib/model/credit_recharge.h"
#include "lib/model/credit_statement.h"
#include "lib/model/daily_cost.h"
#include "lib/model/message.h"
#include "lib/model/prompt_duplicates.h"
#include "lib/model/session.h"
#include "lib/model/tool_execution.h"
#include "lib/model/tool_statistic.h"
#include "lib/model/usage_rank.h"
#include "lib/model/user.h"
#include "tests/many_rows.h"
#include "tests/servers.h"
#include "tests/statements.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 3 /* of the records below: two days and the default */

static struct servers *servers;

static PGresult *
run(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	return result;
}

static PGconn *
connect_as(const char *role)
{
	PGconn *db = PQconnectdb(servers_database_url(servers, role));

	assert_int_equal(PQstatus(db), CONNECTION_OK);
	PQclear(run(db, "SET app.client_id = '00000000-0000-7000-8000-000000000001'"));
	/* The plan that a connection keeps; all partitions stay in it, whatever the parameters. */
	PQclear(run(db, "SET plan_cache_mode = force_generic_plan"));
	PQclear(run(db, "SET enable_partition_pruning = off"));
	return db;
}

/* EXPLAIN of the statement "s" with NULL for each parameter; free it. */
static char *
explain_sql(PGconn *db)
{
	PGresult *result = PQdescribePrepared(db, "s");
	char *sql;
	size_t len;
	FILE *out = open_memstream(&sql, &len);

	fputs("EXPLAIN EXECUTE s", out);
	for (int i = 0; i < PQnparams(result); i++)
		fputs(i == 0 ? " (NULL" : ", NULL", out);
	fputs(PQnparams(result) == 0 ? "" : ")", out);
	fclose(out);
	PQclear(result);
	return sql;
}

/* The plan of a statement; free it. */
static char *
explain(PGconn *db, const char *name, size_t i, const char *statement)
{
	PGresult *result = PQprepare(db, "s", statement, 0, NULL);
	char *sql, *plan;
	size_t len;
	FILE *out = open_memstream(&plan, &len);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s %zu: %s", name, i, PQerrorMessage(db));
	PQclear(result);
	sql = explain_sql(db);
	result = run(db, sql);
	for (int row = 0; row < PQntuples(result); row++)
		fprintf(out, "%s\n", PQgetvalue(result, row, 0));
	fclose(out);
	free(sql);
	PQclear(result);
	PQclear(run(db, "DEALLOCATE s"));
	return plan;
}

static bool
scans_big_table(const char *plan)
{
	return strstr(plan, "Seq Scan on chat_logs") != NULL ||
	       strstr(plan, "Seq Scan on authorizations") != NULL ||
	       strstr(plan, "Seq Scan on cost_aggregates") != NULL ||
	       strstr(plan, "Seq Scan on user_costs") != NULL ||
	       strstr(plan, "Seq Scan on ingest_batches") != NULL ||
	       strstr(plan, "Seq Scan on credit_") != NULL ||
	       strstr(plan, "Seq Scan on daily_costs") != NULL ||
	       strstr(plan, "Seq Scan on cost_adjustments") != NULL ||
	       strstr(plan, "Seq Scan on prompt_") != NULL ||
	       strstr(plan, "Seq Scan on conversations") != NULL ||
	       strstr(plan, "Seq Scan on messages") != NULL ||
	       strstr(plan, "Seq Scan on tool_") != NULL ||
	       strstr(plan, "Seq Scan on users") != NULL ||
	       strstr(plan, "Seq Scan on sessions") != NULL ||
	       strstr(plan, "Seq Scan on alerts") != NULL ||
	       strstr(plan, "Seq Scan on webhook_deliveries") != NULL;
}

static void
no_statement_scans_a_big_table(UNUSED void **state)
{
	const struct statement_list *lists;
	size_t count = statement_lists(&lists);

	for (const struct statement_list *list = lists; list < lists + count; list++) {
		PGconn *db = connect_as(list->role);

		for (size_t i = 0; list->statements[i] != NULL; i++) {
			char *plan = explain(db, list->name, i, list->statements[i]);

			if (scans_big_table(plan))
				fail_msg("%s\n%s", list->statements[i], plan);
			free(plan);
		}
		PQfinish(db);
	}
}

static int
count(const char *plan, const char *word)
{
	int found = 0;

	for (const char *at = plan; (at = strstr(at, word)) != NULL; at += strlen(word))
		found++;
	return found;
}

/* One of the statements reads by the index in each of so many tables. */
static void
expect_index(const char *const *statements, const char *index, int tables)
{
	PGconn *db = connect_as("tally_app");
	bool found = false;

	for (size_t i = 0; !found && statements[i] != NULL; i++) {
		char *plan = explain(db, index, i, statements[i]);

		found = count(plan, index) == tables;
		free(plan);
	}
	PQfinish(db);
	if (!found)
		fail_msg("no statement reads by %s", index);
}

static const struct {
	const struct resource *resource;
	const char *index;
} resource_indexes[] = {
	{ &user_resource, "Index Scan using users_email " },
	{ &user_resource, "Index Scan using users_username " },
	{ &user_resource, "Index Scan using users_oauth " },
	{ &user_resource, "Index Scan Backward using users_subscription " },
	{ &user_resource, "Index Scan using users_external_id " },
	{ &user_resource, "Index Scan Backward using users_tier " },
	{ &user_resource, "Index Scan Backward using users_pkey " },
	{ &budget_resource, "Index Scan using budgets_name " },
	{ &budget_resource, "Index Scan Backward using budgets_living " },
	{ &session_resource, "Index Scan using sessions_token_hash " },
	{ &session_resource, "Index Scan Backward using sessions_user_id " },
	{ &session_resource, "Index Scan Backward using sessions_pkey " },
	{ &conversation_resource, "Index Scan Backward using conversations_user_id " },
	{ &conversation_resource, "Index Scan Backward using conversations_session_id " },
	{ &conversation_resource, "Index Scan Backward using conversations_status " },
	{ &conversation_resource, "Index Scan Backward using conversations_pkey " },
};

static const struct {
	const char *const *statements;
	const char *index; /* as the plan names it */
	int tables;
} indexes[] = {
	{ chat_log_list_statements, "_pkey on chat_logs_", PARTITIONS },
	{ chat_log_list_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_list_statements, "_client_id_session_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_list_statements, "_client_id_conversation_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_list_statements, "_client_id_agent_session_id_id_idx on chat_logs_",
	    PARTITIONS },
	{ chat_log_list_statements, "_client_id_trace_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_list_statements, "_client_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_list_statements, "_client_id_id_idx1 on chat_logs_", PARTITIONS },
	{ authorization_statements, "_pkey on authorizations_", PARTITIONS },
	{ authorization_step_statements, "_pkey on chat_logs_", PARTITIONS },
	{ credit_account_statements, "using credit_accounts_user_id ", 1 },
	{ credit_grant_statements, "using credit_grants_open ", 2 },
	{ credit_due_statements, "credit_grants_expires_at ", 1 },
	{ credit_due_statements, "credit_holds_expires_at ", 1 },
	{ credit_recharge_statements, "using credit_accounts_recharge ", 1 },
	{ credit_read_statements, "using credit_transactions_source ", 1 },
	{ credit_read_statements, "using credit_transactions_refunded ", 1 },
	{ credit_read_statements, "_pkey on chat_logs_", PARTITIONS },
	{ credit_statement_statements, "using credit_transactions_created_at ", 3 },
	{ credit_statement_statements, "using credit_transactions_sequence ", 1 },
	{ credit_transaction_statements, "using credit_transactions_sequence ", 1 },
	{ credit_transaction_statements, "using credit_grants_open ", 1 },
	{ credit_transaction_statements, "using credit_holds_account ", 1 },
	{ billing_statements, "using daily_costs_pkey ", 1 },
	{ billing_statements, "using cost_adjustments_date ", 1 },
	{ billing_client_statements, " daily_costs_pkey ", 1 },
	{ billing_client_statements, " cost_adjustments_date ", 1 },
	{ billing_statements, "Scan using ingest_batches_late ", 1 },
	{ usage_statements, " ingest_batches_stored_by ", 1 },
	{ authorization_step_statements, "_pkey on authorizations_", PARTITIONS },
	{ daily_cost_statements, "_pkey on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_pkey on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_client_id_session_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_client_id_agent_session_id_id_idx on chat_logs_",
	    PARTITIONS },
	{ budget_status_statements, "_client_id_agent_root_id_id_idx on chat_logs_", PARTITIONS },
	{ message_statements, "_conversation_id_ordinal_idx on messages_", PARTITIONS },
	{ message_statements, "_conversation_id_ordinal_idx1 on messages_", PARTITIONS },
	{ budget_sum_statements, "_pkey on chat_logs_", PARTITIONS },
	{ budget_sum_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_sum_statements, "_client_id_session_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_sum_statements, "_client_id_agent_session_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_sum_statements, "_client_id_agent_root_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_crossing_statements, "_pkey on chat_logs_", PARTITIONS },
	{ budget_crossing_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ tool_execution_statements, "_pkey on tool_executions_", PARTITIONS },
	{ tool_execution_statements, "_client_id_tool_id_idx on tool_executions_", PARTITIONS },
	{ tool_execution_statements, "_client_id_user_id_id_idx on tool_executions_", PARTITIONS },
	{ tool_execution_statements, "_client_id_conversation_id_id_idx on tool_executions_",
	    PARTITIONS },
	{ tool_execution_statements, "_client_id_agent_session_id_id_idx on tool_executions_",
	    PARTITIONS },
	{ tool_execution_statements, "_client_id_id_idx on tool_executions_", PARTITIONS },
	{ tool_statistic_statements, "tool_statistics_pkey ", 1 },
	{ usage_rank_statements, "Index Scan on user_costs_pkey ", 1 },
	{ usage_row_statements, "Index Scan using cost_aggregates_pkey ", 1 },
	/* Rows, and the quarters in those by hour. */
	{ usage_row_statements, "Index Scan using cost_aggregates_key ", 2 },
	{ usage_row_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ prompt_analysis_statements, "prompt_events_prefix ", 1 },
	{ prompt_similar_statements, "using prompt_embeddings_seen_at ", 1 },
	{ prompt_similar_statements, "prompt_embeddings_pkey ", 1 },
	{ prompt_duplicates_statements, "prompt_events_created_at ", 1 },
	{ prompt_duplicates_statements, "prompt_embeddings_pkey ", 1 },
	{ audit_list_statements, "Index Scan Backward using audit_log_pkey ", 1 },
	{ audit_list_statements, "Index Scan Backward using audit_log_id ", 1 },
	{ audit_list_statements, "Index Scan Backward using audit_log_entity_id ", 1 },
	{ audit_list_statements, "Index Scan Backward using audit_log_api_key_id ", 1 },
	{ audit_list_statements, "Index Scan Backward using audit_log_user_id ", 1 },
};

static void
each_index_serves_its_statement(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(indexes); i++)
		expect_index(indexes[i].statements, indexes[i].index, indexes[i].tables);
	for (size_t i = 0; i < COUNT(resource_indexes); i++)
		expect_index(
		    statements_of(resource_indexes[i].resource), resource_indexes[i].index, 1);
}

/* Partitions that the servers made ahead are empty: a scan of them would be right. */
static int
fill(UNUSED void **state)
{
	servers = servers_start(SERVER_POSTGRES);
	free(servers_sql(servers, "DO $$ DECLARE name regclass; BEGIN\n"
				  "FOR name IN SELECT inhrelid FROM pg_inherits\n"
				  "WHERE inhparent IN ('chat_logs'::regclass,\n"
				  "'authorizations'::regclass, 'messages'::regclass,\n"
				  "'tool_executions'::regclass)\n"
				  "AND inhrelid NOT IN ('chat_logs_default'::regclass,\n"
				  "'authorizations_default'::regclass,\n"
				  "'messages_default'::regclass,\n"
				  "'tool_executions_default'::regclass)\n"
				  "LOOP EXECUTE format('DROP TABLE %s', name); END LOOP; END $$"));
	for (size_t i = 0; many_rows[i] != NULL; i++)
		free(servers_sql(servers, many_rows[i]));
	/* As autovacuum would: counts read an index alone. */
	free(servers_sql(servers, "VACUUM users, conversations"));
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_statement_scans_a_big_table),
		cmocka_unit_test(each_index_serves_its_statement),
	};

	return cmocka_run_group_tests(tests, fill, stop);
}
