/* What the migrated schema's catalogue says of the isolation of tenants. */
#include "tests/test.h"

#include <stdlib.h>

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
	    " WHERE rolname = 'tally_app' AND (rolsuper OR rolbypassrls OR rolcreaterole)" },
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
	};

	return cmocka_run_group_tests(tests, start, stop);
}
