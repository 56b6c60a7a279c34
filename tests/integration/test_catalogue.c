/*
 * What the migrated schema's catalogue says of the isolation of tenants and of users, and of the
 * role of the service. A table that is in none of the lists below must be isolated from other
 * clients and other users; what the service may do to each relation is listed in full.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/servers.h"

static struct servers *servers;

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_POSTGRES);
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

/* Tables, views and functions of the schema that break a rule, by name; empty where none does. */
static const struct {
	const char *rule;
	const char *sql;
} rules[] = {
	{ "a tenant's table has row-level security, forced, with a policy for tally_app; a partition"
	  " is closed to it",
	    "SELECT string_agg(relname, ', ') FROM pg_class c"
	    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id'"
	    " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
	    " AND CASE WHEN relispartition"
	    "  THEN has_table_privilege('tally_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
	    "  ELSE NOT (relrowsecurity AND relforcerowsecurity AND EXISTS (SELECT FROM pg_policy"
	    "   WHERE polrelid = c.oid AND 'tally_app'::regrole = ANY (polroles))) END" },
	{ "so has the table of clients",
	    "SELECT string_agg(relname, ', ') FROM pg_class WHERE relname = 'clients'"
	    " AND NOT (relrowsecurity AND relforcerowsecurity)" },
	{ "no policy of tally_app is open to all rows",
	    "SELECT string_agg(polrelid::regclass::text, ', ') FROM pg_policy"
	    " WHERE polroles && ARRAY[0::oid, 'tally_app'::regrole::oid]"
	    " AND pg_get_expr(polqual, polrelid) NOT LIKE '%current_setting%'" },
	{ "tally_app cannot bypass row-level security",
	    "SELECT string_agg(rolname, ', ') FROM pg_roles"
	    " WHERE rolname = 'tally_app'"
	    " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)" },
	{ "tally_app is nobody else", "SELECT string_agg(rolname, ', ') FROM pg_roles"
				      " WHERE rolname <> 'tally_app' AND rolname NOT LIKE 'pg\\_%'"
				      " AND pg_has_role('tally_app', oid, 'MEMBER')" },
	{ "tally_app owns nothing", "SELECT string_agg(relname, ', ') FROM pg_class"
				    " WHERE relowner = 'tally_app'::regrole" },
	{ "tally_app runs no function with its owner's rights",
	    "SELECT string_agg(proname, ', ') FROM pg_proc"
	    " WHERE prosecdef AND has_function_privilege('tally_app', oid, 'EXECUTE')" },
	{ "a view that tally_app reads shows what tally_app may see",
	    "SELECT string_agg(relname, ', ') FROM pg_class"
	    " WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
	    " AND has_table_privilege('tally_app', oid, 'SELECT')"
	    " AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)" },
	{ "the log, the audit log and adjustments are not changed or deleted by tally_app",
	    "SELECT string_agg(name, ', ')"
	    " FROM unnest(ARRAY['chat_logs', 'audit_log', 'cost_adjustments']) AS name"
	    " WHERE has_table_privilege('tally_app', name, 'UPDATE, DELETE, TRUNCATE')" },
	{ "of an authorization tally_app changes what became of it, and nothing else",
	    "SELECT string_agg(attname, ', ') FROM pg_attribute"
	    " WHERE attrelid = 'authorizations'::regclass AND attnum > 0"
	    " AND (has_table_privilege('tally_app', attrelid, 'DELETE, TRUNCATE')"
	    " OR (attname IN ('settled_at', 'settled_by', 'cost_cents', 'voided_at'))"
	    "  <> has_column_privilege('tally_app', attrelid, attnum, 'UPDATE'))" },
};

/* The tables without a client of their own. */
static const struct {
	const char *table;
	const char *reason;
} without_client[] = {
	{ "clients", "it is the client: its own policy compares the id" },
	{ "job_runs", "of jobs, which serve every client" },
	{ "model_pricing", "a price without a client holds for all of them: a policy of its own" },
	{ "rollup_state", "of a job, which serves every client" },
	{ "schema_migrations", "of the runner of migrations" },
	{ "tools", "one catalogue for every client: policies of its own" },
};

/* The tables that a transaction of a user may read beyond the user's rows. */
static const struct {
	const char *table;
	const char *reason;
} open_to_users[] = {
	{ "clients", "name and zone of the user's client" },
	{ "counter_states", "which day is open" },
	{ "idempotency_keys", "found by the hash of a request, in which the user is" },
	{ "ingest_batches", "which days were counted" },
	{ "job_runs", "when a job ran" },
	{ "model_pricing", "what a call costs" },
	{ "rollup_clients", "which days are summed" },
	{ "rollup_pending", "which hours are not" },
	{ "rollup_state", "which transactions are" },
	{ "schema_migrations", "which schema it is" },
	{ "tool_statistics", "counted with each call; the route that shows them is for no user" },
	{ "tools", "what tools there are" },
};

/* What tally_app may do, in the order of the alphabet; columns where it is not all of them. */
static const struct {
	const char *relation;
	const char *grants;
} grants[] = {
	{ "agent_session_usage", "INSERT, SELECT, UPDATE (calls cost_nanos tokens)" },
	{ "agent_sessions",
	    "INSERT, SELECT, UPDATE (completion_report ended_at error_message files_created"
	    " files_deleted files_modified iteration_count last_activity_at phase progress"
	    " stated_cost_cents stated_tokens status success tool_calls_count)" },
	{ "alerts", "INSERT, SELECT" },
	{ "audit_log", "INSERT, SELECT" },
	{ "auth_tokens", "INSERT, SELECT, UPDATE" },
	{ "authorizations", "INSERT, SELECT, UPDATE (cost_cents settled_at settled_by voided_at)" },
	{ "budget_carries", "SELECT" },
	{ "budgets",
	    "INSERT, SELECT, UPDATE (deleted_at fallback_rate limit_cents limit_requests"
	    " limit_tokens mode name on_counter_loss override_cents override_until thresholds unpriced)" },
	{ "chat_logs", "INSERT, SELECT" },
	{ "client_integrations",
	    "DELETE, INSERT, SELECT, UPDATE (base_url configuration credentials enabled name"
	    " test_due_at)" },
	{ "client_tools", "DELETE, INSERT, SELECT, UPDATE (enabled webhook_url)" },
	{ "clients", "INSERT, SELECT, UPDATE" },
	{ "conversations",
	    "DELETE, INSERT, SELECT, UPDATE (current_version ended_at last_message_at message_count"
	    " next_version status title token_count)" },
	{ "cost_adjustments", "INSERT, SELECT" },
	{ "cost_aggregates", "SELECT" },
	{ "counter_states", "INSERT, SELECT, UPDATE" },
	{ "credit_accounts",
	    "INSERT, SELECT, UPDATE (auto_recharge_amount auto_recharge_enabled"
	    " auto_recharge_threshold current_balance daily_limit held last_hash last_posted_at"
	    " last_sequence lifetime_purchased lifetime_refunded lifetime_spent monthly_limit"
	    " overdraft recharge_due_at spent_day spent_month spent_this_month spent_today timezone"
	    " uncovered)" },
	{ "credit_details", "INSERT, SELECT" },
	{ "credit_grants", "INSERT, SELECT, UPDATE (remaining used_up)" },
	{ "credit_holds", "DELETE, INSERT, SELECT" },
	{ "credit_transactions", "INSERT, SELECT" },
	{ "daily_costs", "SELECT" },
	{ "daily_usage_stats", "SELECT" },
	{ "dashboard_metrics", "SELECT" },
	{ "email_verifications", "DELETE, INSERT, SELECT, UPDATE" },
	{ "erased_users", "DELETE, SELECT" },
	{ "erasures", "INSERT, SELECT" },
	{ "idempotency_keys", "INSERT, SELECT, UPDATE" },
	{ "ingest_batches", "INSERT, SELECT" },
	{ "integration_endpoints",
	    "DELETE, INSERT, SELECT, UPDATE (description enabled method name path test_due_at)" },
	{ "job_runs", "SELECT" },
	{ "login_failures", "DELETE, INSERT, SELECT, UPDATE" },
	{ "messages", "DELETE, INSERT, SELECT" },
	{ "model_pricing", "SELECT" },
	{ "prompt_analysis", "INSERT, SELECT, UPDATE" },
	{ "prompt_embeddings", "INSERT, SELECT, UPDATE" },
	{ "prompt_events", "INSERT, SELECT, UPDATE" },
	{ "rollup_clients", "SELECT" },
	{ "rollup_pending", "SELECT" },
	{ "rollup_seen", "SELECT" },
	{ "rollup_state", "SELECT" },
	{ "schema_migrations", "SELECT" },
	{ "sessions", "INSERT, SELECT, UPDATE" },
	{ "token_usage", "SELECT" },
	{ "tool_executions", "INSERT, SELECT" },
	{ "tool_statistics", "INSERT, SELECT, UPDATE (calls failed_calls)" },
	{ "tools", "DELETE, INSERT, SELECT, UPDATE (category description enabled parameters)" },
	{ "user_costs", "SELECT" },
	{ "user_mfa", "DELETE, INSERT, SELECT, UPDATE" },
	{ "users", "INSERT, SELECT, UPDATE" },
	{ "versions", "DELETE, INSERT, SELECT" },
	/* Tokens and secrets are written, and read by the jobs. */
	{ "webhook_deliveries", "INSERT (alert_id client_id next_attempt_at token webhook_id)" },
	{ "websocket_connections",
	    "INSERT, SELECT, UPDATE (connection_status disconnected_at last_ping_at session_filters"
	    " subscribed_events)" },
	{ "webhooks",
	    "DELETE, INSERT, SELECT (active client_id created_at events id updated_at url),"
	    " UPDATE (active events url)" },
};

#define OF_SCHEMA \
	"relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"

/* Names, one a line, from SQL; each is given to the check. */
static void
for_each(const char *sql, void (*check)(const char *name))
{
	char *names = servers_sql(servers, sql), *rest = names, *name;

	assert_string_not_equal(names, "");
	while ((name = strsep(&rest, "\n")) != NULL)
		check(name);
	free(names);
}

#define SQL_MAX 1024

static void
expect(const char *name, const char *what, const char *format)
{
	char sql[SQL_MAX];
	char *found;

	(void)snprintf(sql, sizeof sql,
	    "SELECT count(*) FROM pg_class c WHERE relname = '%s' AND %s", name, format);
	found = servers_sql(servers, sql);
	if (strcmp(found, "1") != 0)
		fail_msg("%s %s", name, what);
	free(found);
}

static void
check_client(const char *table)
{
	for (size_t i = 0; i < COUNT(without_client); i++) {
		if (strcmp(without_client[i].table, table) == 0)
			return;
	}
	expect(table, "has no client_id, or it may be NULL",
	    "EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'client_id'"
	    " AND attnotnull)");
	expect(table, "has no row-level security, or it is not forced",
	    "relrowsecurity AND relforcerowsecurity");
	expect(table, "has not the policy of isolate()",
	    "EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'client'"
	    " AND polpermissive AND polcmd = '*' AND polwithcheck IS NULL"
	    " AND polroles = ARRAY['tally_app'::regrole::oid]"
	    " AND pg_get_expr(polqual, polrelid) = '((client_id = ANY (ARRAY( SELECT"
	    " (unnest(string_to_array(current_setting(''app.client_id''::text, true),"
	    " '',''::text)))::uuid AS unnest))) IS TRUE)')");
}

static void
every_table_is_isolated_from_other_clients(UNUSED void **state)
{
	for_each("SELECT string_agg(relname, E'\n' ORDER BY relname) FROM pg_class"
		 " WHERE " OF_SCHEMA,
	    check_client);
}

static void
check_users(const char *table)
{
	for (size_t i = 0; i < COUNT(open_to_users); i++) {
		if (strcmp(open_to_users[i].table, table) == 0)
			return;
	}
	expect(table, "has not the policy of isolate_user() or hide_from_users()",
	    "EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'bound_user'"
	    " AND NOT polpermissive AND polcmd = '*' AND polwithcheck IS NULL"
	    " AND polroles = ARRAY['tally_app'::regrole::oid]"
	    " AND pg_get_expr(polqual, polrelid) LIKE '%current_setting(''app.user_id''::text, true)%')");
}

static void
every_table_is_isolated_from_other_users(UNUSED void **state)
{
	for_each("SELECT string_agg(relname, E'\n' ORDER BY relname) FROM pg_class"
		 " WHERE " OF_SCHEMA,
	    check_users);
}

/* As hide_from_users() has it, for rows of users whom no user's key is shown. */
#define HIDDEN \
	"'( SELECT (COALESCE(current_setting(''app.user_id''::text, true), ''''::text) = ''''::text))'"

static void
check_user_column(const char *table)
{
	expect(table, "has a user_id that its policy does not compare",
	    "EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'bound_user'"
	    " AND pg_get_expr(polqual, polrelid) IN ('(num_nonnulls(NULLIF(( SELECT"
	    " (NULLIF(current_setting(''app.user_id''::text, true), ''''::text))::uuid AS"
	    " \"nullif\"), user_id)) <> 1)', " HIDDEN "))");
}

static void
every_user_of_a_row_is_compared(UNUSED void **state)
{
	for_each("SELECT string_agg(relname, E'\n' ORDER BY relname) FROM pg_class c"
		 " JOIN pg_attribute a ON a.attrelid = c.oid AND attname = 'user_id'"
		 " WHERE " OF_SCHEMA,
	    check_user_column);
}

/* Permissive policies add up: what stands beside isolate()'s opens rows to other clients. */
static void
nothing_else_opens_rows_to_the_service(UNUSED void **state)
{
	char *found = servers_sql(servers,
	    "SELECT string_agg(polrelid::regclass || ' ' || polname || ' ' || polcmd::text, ', '"
	    " ORDER BY polrelid::regclass::text, polname)"
	    " FROM pg_policy WHERE polpermissive AND polname <> 'client'"
	    " AND polroles && ARRAY[0::oid, 'tally_app'::regrole::oid]");

	assert_string_equal(found,
	    "audit_log operator r, auth_tokens presented r, budgets operator r, clients operator *,"
	    " cost_adjustments operator r, daily_costs operator r, tools catalogue r,"
	    " tools operator *");
	free(found);
}

/* A grant to PUBLIC would be one, too. */
static char *
grants_of(const char *relation)
{
	char sql[SQL_MAX];

	(void)snprintf(sql, sizeof sql,
	    "SELECT string_agg(grant_text, ', ' ORDER BY grant_text) FROM ("
	    " SELECT privilege_type AS grant_text FROM pg_class, aclexplode(relacl)"
	    " WHERE oid = '%s'::regclass AND grantee IN (0, 'tally_app'::regrole)"
	    " UNION ALL SELECT privilege_type || ' (' || string_agg(attname, ' ' ORDER BY attname)"
	    " || ')' FROM pg_attribute, aclexplode(attacl)"
	    " WHERE attrelid = '%s'::regclass AND grantee IN (0, 'tally_app'::regrole)"
	    " GROUP BY privilege_type) AS g",
	    relation, relation);
	return servers_sql(servers, sql);
}

static void
check_grants(const char *relation)
{
	char *found = grants_of(relation);
	const char *expected = "";

	for (size_t i = 0; i < COUNT(grants); i++) {
		if (strcmp(grants[i].relation, relation) == 0)
			expected = grants[i].grants;
	}
	if (strcmp(found, expected) != 0)
		fail_msg("tally_app may %s of %s, and not %s", found, relation, expected);
	free(found);
}

static void
the_service_may_do_what_is_listed(UNUSED void **state)
{
	for_each("SELECT string_agg(relname, E'\n' ORDER BY relname) FROM pg_class"
		 " WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"
		 " AND relnamespace = 'public'::regnamespace",
	    check_grants);
}

static void
the_catalogue_keeps_the_rules(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rules); i++) {
		char *broken = servers_sql(servers, rules[i].sql);

		if (broken[0] != '\0')
			fail_msg("%s: %s", rules[i].rule, broken);
		free(broken);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_catalogue_keeps_the_rules),
		cmocka_unit_test(every_table_is_isolated_from_other_clients),
		cmocka_unit_test(every_table_is_isolated_from_other_users),
		cmocka_unit_test(every_user_of_a_row_is_compared),
		cmocka_unit_test(nothing_else_opens_rows_to_the_service),
		cmocka_unit_test(the_service_may_do_what_is_listed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
