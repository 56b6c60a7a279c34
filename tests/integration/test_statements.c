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
#include "tests/servers.h"
#include "tests/statements.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 3 /* of the records below: two days and the default */

static struct servers *servers;

/* Enough rows that an index is worth more than a scan. */
static const char rows_sql[] =
    "INSERT INTO clients (id, name)\n"
    "SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'client ' || n\n"
    "FROM generate_series(1, 2) AS n;\n"
    "CREATE TEMPORARY TABLE tenant AS SELECT id FROM clients WHERE name LIKE 'client%';\n"
    "INSERT INTO users (client_id, id, external_id, email, username, tier, subscription_tier,\n"
    "oauth_provider, oauth_id)\n"
    "SELECT c.id, md5('u' || n)::uuid, 'x' || n, 'u' || n || '@example.org', 'u' || n,\n"
    "(ARRAY['anonymous', 'free', 'premium', 'enterprise'])[1 + n % 4],\n"
    "(ARRAY['individual', 'pro', 'team', 'enterprise'])[1 + n % 4], 'p', 'o' || n\n"
    "FROM tenant AS c, generate_series(1, 2000) AS n;\n"
    "INSERT INTO sessions (client_id, id, user_id, token_hash, expires_at)\n"
    "SELECT c.id, md5('s' || n)::uuid, md5('u' || n)::uuid, sha256(n::text::bytea), now()\n"
    "FROM tenant AS c, generate_series(1, 2000) AS n;\n"
    "SELECT day_partition_add(parent, day)\n"
    "FROM unnest(ARRAY['chat_logs', 'authorizations', 'messages', 'tool_executions'])\n"
    "AS parent,\n"
    "(VALUES (date '2026-01-01'), ('2026-01-02')) AS v (day);\n"
    "INSERT INTO chat_logs (client_id, id, created_at, user_id, session_id, conversation_id,\n"
    "agent_session_id, trace_id, tokens_used, estimated_cost_cents)\n"
    "SELECT c.id, (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,\n"
    "to_timestamp(ms / 1000.0), md5('u' || 1 + n % 2000)::uuid, md5('s' || 1 + n % 2000)::uuid,\n"
    "md5('c' || n % 2000)::uuid, md5('a' || n % 2000)::uuid, md5('t' || n % 2000), n,\n"
    "CASE WHEN n % 100 > 0 THEN 1 END\n"
    "FROM tenant AS c, (\n"
    "SELECT n, extract(epoch FROM timestamptz '2025-12-31 00:00Z')::bigint * 1000\n"
    "+ n * bigint '15000' AS ms\n"
    "FROM generate_series(0, 17279) AS n) AS v;\n"
    "INSERT INTO authorizations (client_id, id, created_at, expires_at, user_id, settled_at,\n"
    "settled_by)\n"
    "SELECT client_id, id, created_at, created_at + interval '1 minute', user_id,\n"
    "CASE WHEN tokens_used % 100 > 0 THEN created_at END,\n"
    "CASE WHEN tokens_used % 100 > 0 THEN id END\n"
    "FROM chat_logs;\n"
    "INSERT INTO tool_executions (client_id, id, created_at, tool, user_id, conversation_id,\n"
    "agent_session_id, success)\n"
    "SELECT client_id, id, created_at, 't' || tokens_used % 2000, user_id, conversation_id,\n"
    "agent_session_id, tokens_used % 100 > 0\n"
    "FROM chat_logs;\n"
    "INSERT INTO tool_statistics (client_id, date, tool, slot, calls, failed_calls)\n"
    "SELECT c.id, date '2026-01-01' + n / 20, 't' || n % 20, -1, 1, 0\n"
    "FROM tenant AS c, generate_series(1, 4000) AS n;\n"
    "INSERT INTO cost_aggregates (client_id, dimension, grain, start, key, cost_cents, calls,\n"
    "tokens, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens,\n"
    "reasoning_tokens, failed_calls, unpriced_calls)\n"
    "SELECT client_id, dimension, grain, date_bin('15 minutes', created_at, 'epoch'),\n"
    "ARRAY[tokens_used::text], 0, 1, 0, 0, 0, 0, 0, 0, 0, 0\n"
    "FROM chat_logs, unnest(ARRAY['model', 'user']) AS dimension,\n"
    "unnest(ARRAY['hour', 'day']) AS grain;\n"
    "INSERT INTO user_costs (client_id, days, start, user_id, cost_nanos, calls)\n"
    "SELECT client_id, days, created_at, id, 0, 1\n"
    "FROM chat_logs, unnest(ARRAY[1, 4, 16]) AS days;\n"
    "INSERT INTO daily_costs (client_id, date)\n"
    "SELECT c.id, date '2020-01-01' + n FROM tenant AS c, generate_series(1, 2000) AS n;\n"
    "INSERT INTO cost_adjustments (client_id, id, date, amount_cents, reason)\n"
    "SELECT client_id, md5('a' || date)::uuid, date, 1, 'r' FROM daily_costs;\n"
    "INSERT INTO ingest_batches (client_id, id, epoch, stored_by)\n"
    "SELECT client_id, id, 1, tokens_used FROM chat_logs;\n"
    "UPDATE rollup_state SET snapshot = '17000:17000:';\n"
    "INSERT INTO rollup_pending (client_id, since, until)\n"
    "SELECT id, now(), now() + interval '1 hour' FROM tenant;\n";

static const char more_rows_sql[] =
    "CREATE TEMPORARY TABLE tenant AS SELECT id FROM clients WHERE name LIKE 'client%';\n"
    "INSERT INTO conversations (client_id, id, user_id, session_id, created_at)\n"
    "SELECT client_id, md5('c' || n)::uuid, user_id, id, date '2025-12-31'\n"
    "FROM (SELECT *, row_number() OVER (PARTITION BY client_id) AS n FROM sessions) AS s;\n"
    "INSERT INTO messages (client_id, id, created_at, conversation_id, ordinal, user_id, role,\n"
    "content, tokens)\n"
    "SELECT client_id, id, created_at, md5('c' || 1 + tokens_used % 1000)::uuid,\n"
    "1 + tokens_used, user_id, CASE WHEN tokens_used % 20 = 0 THEN 'system' ELSE 'user' END,\n"
    "'c', 1\n"
    "FROM chat_logs;\n"
    "INSERT INTO budgets (client_id, id, name, period, timezone, limit_cents, mode, unpriced)\n"
    "SELECT c.id, md5('b' || n)::uuid, 'b' || n, 'day', 'UTC', 1, 'hard', 'block'\n"
    "FROM tenant AS c, generate_series(1, 1000) AS n;\n"
    "INSERT INTO prompt_events (client_id, event_id, created_at, prompt_hash, prefix_hash)\n"
    "SELECT client_id, id, created_at, sha256(n), sha256(n)\n"
    "FROM (SELECT *, (tokens_used % 2000)::text::bytea AS n FROM chat_logs) AS l;\n"
    "INSERT INTO prompt_analysis (client_id, event_id, redundancy_score, suggestions,\n"
    "analyzed_at)\n"
    "SELECT client_id, event_id, 0, '{}', created_at FROM prompt_events;\n"
    "INSERT INTO prompt_embeddings (client_id, prompt_hash, model, seen_at, sketch, embedding)\n"
    "SELECT id, sha256(n::text::bytea), 'm' || n % 10, now(),\n"
    "decode(repeat('00', 3172), 'hex'), array_fill(0::real, ARRAY[1536])\n"
    "FROM tenant, generate_series(1, 1000) AS n;\n"
    "INSERT INTO audit_log (client_id, id, api_key_id, user_id, action, entity, entity_id)\n"
    "SELECT client_id, id, session_id, user_id, 'change', 'users', user_id FROM chat_logs;\n"
    "INSERT INTO webhooks (client_id, id, url, secret, events)\n"
    "SELECT id, id, 'https://example.com', repeat('s', 32), '{counter.drift}' FROM tenant;\n"
    "INSERT INTO alerts (client_id, id, kind, key, payload, created_at)\n"
    "SELECT c.id, md5('l' || n)::uuid, 'counter.drift', 'k' || n, '{}', now()\n"
    "FROM tenant AS c, generate_series(1, 2000) AS n;\n"
    "INSERT INTO webhook_deliveries (client_id, alert_id, webhook_id, delivered_at,\n"
    "next_attempt_at)\n"
    "SELECT client_id, id, client_id, CASE WHEN id < '80000000-0000-0000-0000-000000000000'\n"
    "THEN now() END, CASE WHEN id >= '80000000-0000-0000-0000-000000000000' THEN now() END\n"
    "FROM alerts;\n"
    "ANALYZE";

/* Accounts of every user, and of the client one with a long ledger. */
static const char credit_rows_sql[] =
    "CREATE TEMPORARY TABLE tenant AS SELECT id FROM clients WHERE name LIKE 'client%';\n"
    "INSERT INTO credit_accounts (client_id, id, owner, user_id)\n"
    "SELECT client_id, id, 'user', id FROM users;\n"
    "INSERT INTO credit_accounts (client_id, id, owner)\n"
    "SELECT id, id, 'client' FROM tenant;\n"
    "INSERT INTO credit_transactions (client_id, id, account_id, sequence, transaction_type,\n"
    "amount, balance_after, created_at, source_id, hash)\n"
    "SELECT client_id, md5('t' || client_id || id)::uuid,\n"
    "CASE WHEN tokens_used % 10 = 0 THEN client_id ELSE user_id END,\n"
    "row_number() OVER (PARTITION BY client_id ORDER BY id), 'usage', -1, 0, created_at, id,\n"
    "sha256('')\n"
    "FROM chat_logs;\n"
    "INSERT INTO credit_transactions (client_id, id, account_id, sequence, transaction_type,\n"
    "amount, balance_after, created_at, refunded_id, hash)\n"
    "SELECT client_id, md5('r' || id)::uuid, account_id, 100000 + sequence, 'refund', 1, 0,\n"
    "created_at, id, sha256('')\n"
    "FROM credit_transactions WHERE sequence % 4 = 0;\n"
    "INSERT INTO credit_details (client_id, transaction_id, account_id)\n"
    "SELECT client_id, id, account_id FROM credit_transactions;\n"
    "INSERT INTO credit_holds (client_id, id, account_id, amount, expires_at, burned_grants,\n"
    "burned_nanos, created_at)\n"
    "SELECT client_id, id, account_id, 1, created_at, '{}', '{}', created_at\n"
    "FROM credit_transactions WHERE sequence < 5000;\n"
    "INSERT INTO credit_grants (client_id, id, account_id, amount, remaining, used_up,\n"
    "expires_at, created_at)\n"
    "SELECT client_id, id, account_id, 1, sequence % 2, sequence % 2 = 0, created_at, created_at\n"
    "FROM credit_transactions;\n"
    "ANALYZE";

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

static const char *const user_indexes[] = { "Index Scan using users_email ",
	"Index Scan using users_username ", "Index Scan using users_oauth ",
	"Index Scan Backward using users_subscription ", "Index Scan using users_external_id ",
	"Index Scan Backward using users_tier ", "Index Scan Backward using users_pkey " };

static const char *const budget_indexes[] = { "Index Scan using budgets_name ",
	"Index Scan Backward using budgets_living " };

static const char *const session_indexes[] = { "Index Scan using sessions_token_hash ",
	"Index Scan Backward using sessions_user_id ", "Index Scan Backward using sessions_pkey " };

static const char *const conversation_indexes[] = {
	"Index Scan Backward using conversations_user_id ",
	"Index Scan Backward using conversations_session_id ",
	"Index Scan Backward using conversations_status ",
	"Index Scan Backward using conversations_pkey "
};

static const struct {
	const char *const *statements;
	const char *index; /* as the plan names it */
	int tables;
} indexes[] = {
	{ chat_log_statements, "_pkey on chat_logs_", PARTITIONS },
	{ chat_log_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_statements, "_client_id_session_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_statements, "_client_id_conversation_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_statements, "_client_id_agent_session_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_statements, "_client_id_trace_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_statements, "_client_id_id_idx on chat_logs_", PARTITIONS },
	{ chat_log_statements, "_client_id_id_idx1 on chat_logs_", PARTITIONS },
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
	{ authorization_step_statements, "_pkey on authorizations_", PARTITIONS },
	{ daily_cost_statements, "_pkey on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_pkey on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_client_id_session_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_status_statements, "_client_id_agent_session_id_id_idx on chat_logs_",
	    PARTITIONS },
	{ message_statements, "_conversation_id_ordinal_idx on messages_", PARTITIONS },
	{ message_statements, "_conversation_id_ordinal_idx1 on messages_", PARTITIONS },
	{ budget_sum_statements, "_pkey on chat_logs_", PARTITIONS },
	{ budget_sum_statements, "_client_id_user_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_sum_statements, "_client_id_session_id_id_idx on chat_logs_", PARTITIONS },
	{ budget_sum_statements, "_client_id_agent_session_id_id_idx on chat_logs_", PARTITIONS },
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
	/* Rows, and the quarters in those by hour, where there is one or there are several. */
	{ usage_row_statements, "Index Scan using cost_aggregates_key ", 3 },
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
	for (size_t i = 0; i < COUNT(user_indexes); i++)
		expect_index(statements_of(&user_resource), user_indexes[i], 1);
	for (size_t i = 0; i < COUNT(budget_indexes); i++)
		expect_index(statements_of(&budget_resource), budget_indexes[i], 1);
	for (size_t i = 0; i < COUNT(session_indexes); i++)
		expect_index(statements_of(&session_resource), session_indexes[i], 1);
	for (size_t i = 0; i < COUNT(conversation_indexes); i++)
		expect_index(statements_of(&conversation_resource), conversation_indexes[i], 1);
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
	free(servers_sql(servers, rows_sql));
	free(servers_sql(servers, more_rows_sql));
	free(servers_sql(servers, credit_rows_sql));
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
