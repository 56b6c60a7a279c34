/*
 * What a database that is split by client_id would make of the schema and of the statements. The
 * tenants' tables are made once more in a schema of their own, by PostgreSQL's hash partitions, and
 * each statement is planned there: it would go to one server where one partition of each table is
 * left when the client is known.
 */
#include "tests/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/servers.h"
#include "tests/statements.h"

#define CLIENT "00000000-0000-7000-8000-000000000001"

static struct servers *servers;
static PGconn *db; /* sees the tables that are split */

/* Small tables that every server would have: whoever asks for them need not be sent anywhere. */
#define EVERYWHERE "'clients', 'model_pricing', 'tools'"

#define TENANT_TABLES \
	"SELECT c.oid::regclass AS t FROM pg_class AS c\n" \
	"JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'client_id'\n" \
	"WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition\n" \
	"AND c.relnamespace = 'public'::regnamespace AND c.relname NOT IN (" EVERYWHERE ")"

/* Unique keys that two servers could not keep between them. */
#define KEYS_WITHOUT_CLIENT \
	"SELECT i.indrelid, i.indexrelid::regclass::text AS name FROM pg_index AS i\n" \
	"JOIN (" TENANT_TABLES ") AS t ON i.indrelid = t.t\n" \
	"WHERE i.indisunique AND NOT EXISTS (SELECT FROM pg_attribute AS a\n" \
	"WHERE a.attrelid = i.indrelid AND a.attname = 'client_id' AND a.attnum = ANY (i.indkey))"

static const char shards_sql[] =
    "CREATE SCHEMA shards;\n"
    "DO $$ DECLARE t regclass; keys text; BEGIN FOR t IN " TENANT_TABLES " LOOP\n"
    "keys := CASE WHEN t IN (SELECT indrelid FROM (" KEYS_WITHOUT_CLIENT ") AS k) THEN ''\n"
    "ELSE 'INCLUDING INDEXES' END;\n"
    "EXECUTE format('CREATE TABLE shards.%s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED %s)\n"
    "PARTITION BY HASH (client_id)', t, 'public.' || t, keys);\n"
    "FOR n IN 0..1 LOOP EXECUTE format('CREATE TABLE shards.%s_shard%s PARTITION OF shards.%s\n"
    "FOR VALUES WITH (MODULUS 2, REMAINDER %s)', t, n, t, n); END LOOP;\n"
    "END LOOP; END $$;\n"
    /* A function that takes a row takes it of this table here. */
    "CREATE FUNCTION shards.credit_hash(bytea, shards.credit_transactions) RETURNS bytea\n"
    "LANGUAGE sql STABLE AS 'SELECT $1'";

static PGresult *
run(const char *sql)
{
	PGresult *result = PQexec(db, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	return result;
}

/* A value of the parameter's type: every id is the client's. */
static const char *
argument(Oid type)
{
	enum { UUID = 2950, UUIDS = 2951 };

	return type == UUID ? "'" CLIENT "'" : type == UUIDS ? "'{" CLIENT "}'" : "NULL";
}

/* The plan of a statement; free it. */
static char *
explain(const char *statement)
{
	PGresult *result = PQprepare(db, "s", statement, 0, NULL);
	char sql[1000] = "", *plan;
	size_t len;
	FILE *out = fmemopen(sql, sizeof sql, "w");

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", statement, PQerrorMessage(db));
	PQclear(result);
	result = PQdescribePrepared(db, "s");
	fputs("EXPLAIN EXECUTE s", out);
	for (int i = 0; i < PQnparams(result); i++)
		fprintf(out, "%s%s", i == 0 ? " (" : ", ", argument(PQparamtype(result, i)));
	fputs(PQnparams(result) == 0 ? "" : ")", out);
	fclose(out);
	PQclear(result);
	result = run(sql);
	out = open_memstream(&plan, &len);
	for (int row = 0; row < PQntuples(result); row++)
		fprintf(out, "%s\n", PQgetvalue(result, row, 0));
	fclose(out);
	PQclear(result);
	PQclear(run("DEALLOCATE s"));
	return plan;
}

enum way {
	ONE, /* to the server that has the client */
	SEVERAL, /* to every server, or the rows of one statement to several */
	CALL, /* of a function that would have to run where the client is */
	LOCK, /* which holds on the server that is asked for it only */
};

static bool
scans(const char *plan, const char *table, int shard)
{
	char name[100];

	snprintf(name, sizeof name, "%s_shard%d", table, shard);
	for (const char *at = plan; (at = strstr(at, name)) != NULL; at++) {
		const char *line = at;

		while (line > plan && line[-1] != '\n')
			line--;
		if (memmem(line, (size_t)(at - line), "Scan", strlen("Scan")) != NULL)
			return true;
	}
	return false;
}

static bool
scans_both(const char *plan)
{
	PGresult *tables = run(TENANT_TABLES);
	bool found = false;

	for (int i = 0; i < PQntuples(tables); i++) {
		const char *table = strchr(PQgetvalue(tables, i, 0), '.') + 1;

		found = found || (scans(plan, table, 0) && scans(plan, table, 1));
	}
	PQclear(tables);
	return found;
}

/* Rows that nothing but arrays gave: each may be another client's. */
static bool
stores_arrays(const char *plan)
{
	return strncmp(plan, "Insert on", strlen("Insert on")) == 0 &&
	       strstr(plan, "Function Scan") != NULL && strstr(plan, "_shard") == NULL;
}

static bool
calls_function(const char *statement)
{
	PGresult *names =
	    run("SELECT proname || '(' FROM pg_proc AS p\n"
		"JOIN pg_language AS l ON l.oid = p.prolang\n"
		"WHERE pronamespace = 'public'::regnamespace AND lanname = 'plpgsql'");
	bool found = false;

	assert_in_range(PQntuples(names), 5, 100);
	for (int i = 0; i < PQntuples(names); i++)
		found = found || strstr(statement, PQgetvalue(names, i, 0)) != NULL;
	PQclear(names);
	return found;
}

static enum way
find_way(const char *statement, const char *plan)
{
	if (strstr(statement, "pg_advisory") != NULL)
		return LOCK;
	if (calls_function(statement))
		return CALL;
	return scans_both(plan) || stores_arrays(plan) ? SEVERAL : ONE;
}

/* The statements that do not name one client for every table that is split, and why. */
static const struct exception {
	const char *list;
	const char *text; /* in the statement, and in no other of its list */
	enum way way;
} exceptions[] = {
	/* One transaction stores what several clients sent. */
	{ "batch", "counter_guard", CALL },
	{ "batch", "counter_bypass", CALL },
	{ "batch", "INSERT INTO users", SEVERAL },
	{ "batch", "DO NOTHING RETURNING client_id, id", SEVERAL },
	{ "batch", "INSERT INTO agent_session_usage", SEVERAL },
	{ "batch", "INSERT INTO ingest_batches", SEVERAL },
	{ "batch_key", "INSERT INTO idempotency_keys", SEVERAL },
	{ "batch_key", "UPDATE idempotency_keys", SEVERAL },
	{ "authorization_step", "INSERT INTO authorizations", SEVERAL },
	{ "authorization_step", "UPDATE authorizations", SEVERAL },
	{ "credit_book", "UPDATE credit_accounts", SEVERAL },
	{ "credit_book", "INSERT INTO credit_transactions", SEVERAL },
	{ "credit_book", "INSERT INTO credit_details", SEVERAL },
	{ "credit_book", "INSERT INTO credit_grants", SEVERAL },
	{ "credit_book", "UPDATE credit_grants", SEVERAL },
	{ "credit_book", "INSERT INTO credit_holds", SEVERAL },
	{ "credit_book", "DELETE FROM credit_holds", SEVERAL },
	{ "credit_grant", "UNION ALL\nSELECT g.client_id", SEVERAL },
	{ "credit_grant", "SELECT DISTINCT g.client_id", SEVERAL },
	{ "credit_read", "INSERT INTO credit_accounts", SEVERAL },
	{ "credit_read", "SELECT a.client_id, a.id, a.owner", SEVERAL },
	{ "credit_read", "h.burned_grants::text[]", SEVERAL },
	{ "credit_read", "r.refunded_id = n.id", SEVERAL },
	{ "credit_read", "n.type::integer", SEVERAL },
	{ "credit_read", "SELECT FROM chat_logs", SEVERAL },
	{ "reference", "FROM users", SEVERAL },
	/* Uses of all keys are counted at once, a minute apart. */
	{ "auth_token_use", "usage_count", SEVERAL },
	/* Whose key it is stands in the row that is looked for; then it is kept for minutes. */
	{ "auth_token_use", "set_config('app.client_id'", SEVERAL },
	{ "auth_token_use", "t.token_hash", SEVERAL },
	/* A client's epochs follow one another under a lock. */
	{ "client", "counter_bypass", CALL },
	{ "counter_book", "counter_open", CALL },
	{ "counter_book", "counter_turn", CALL },
	{ "counter_book", "counter_bypass", CALL },
	{ "counter_load", "pg_advisory", LOCK },
	/* Of a client's budgets and webhooks there are so many at most. */
	{ "budgets", "pg_advisory", LOCK },
	{ "client_integrations", "pg_advisory", LOCK },
	{ "integration_endpoints", "pg_advisory", LOCK },
	{ "webhooks", "pg_advisory", LOCK },
	{ "day", "'days ' || $1", LOCK },
	{ "day", "'days ' || c", LOCK },
	/* Operators compare clients, or look at all of them. */
	{ "audit_list", "WHERE $1::uuid IS NULL", SEVERAL },
	{ "billing_client", "WITH month AS", SEVERAL },
	{ "client_top", "WITH ranked AS", SEVERAL },
	/* Jobs, over all clients. */
	{ "budget_carry", "SELECT DISTINCT client_id", SEVERAL },
	{ "counter_sweep", "ANY ($1)", SEVERAL },
	{ "day", "FROM generate_subscripts", SEVERAL },
	{ "erasure_job", "SELECT DISTINCT client_id", SEVERAL },
	{ "erasure_job", "counter_bypass", CALL },
	{ "erasure_job", "ANY ($1)", SEVERAL },
	{ "erasure_table", "audit_redact", CALL },
	{ "late_days", "SELECT DISTINCT client_id", SEVERAL },
	{ "late_days", "SELECT l.client_id", SEVERAL },
	{ "late_days", "DELETE FROM ingest_batches b", SEVERAL },
	{ "rollup", "WITH fresh AS", SEVERAL },
	{ "rollup", "(SELECT count(*) FROM rollup_pending)", SEVERAL },
	{ "integration_call_job", "'GET'::text", SEVERAL },
	{ "integration_call_job", "e.test_due_at", SEVERAL },
	{ "delivery", "LIMIT 1", SEVERAL },
	{ "resealing", "user_id, secret", SEVERAL },
	{ "resealing", "id, configuration", SEVERAL },
	{ "resealing", "id, credentials", SEVERAL },
	{ "delivery", "d.dead_at IS NOT NULL", SEVERAL },
	{ "delivery", "RETURNING client_id", SEVERAL },
};

static const struct exception *
find_exception(const char *list, const char *statement)
{
	const struct exception *found = NULL;

	for (size_t i = 0; i < COUNT(exceptions); i++) {
		if (strcmp(exceptions[i].list, list) != 0 ||
		    strstr(statement, exceptions[i].text) == NULL)
			continue;
		if (found != NULL)
			fail_msg("%s: %s and %s", statement, found->text, exceptions[i].text);
		found = &exceptions[i];
	}
	return found;
}

static void
every_other_statement_goes_to_one_server(UNUSED void **state)
{
	size_t met = 0;

	const struct statement_list *lists;
	size_t count = statement_lists(&lists);

	for (const struct statement_list *list = lists; list < lists + count; list++) {
		const char *name = list->name;

		for (const char *const *s = list->statements; *s != NULL; s++) {
			const struct exception *exception = find_exception(name, *s);
			char *plan = explain(*s);
			enum way way = find_way(*s, plan);

			if (way != (exception == NULL ? ONE : exception->way))
				fail_msg(
				    "%s: %s\ngoes another way (%d):\n%s", name, *s, (int)way, plan);
			met += exception != NULL;
			free(plan);
		}
	}
	assert_int_equal(met, COUNT(exceptions));
}

static const struct {
	const char *sentence;
	const char *sql; /* a list of names */
	const char *names;
} rules[] = {
	{ "a unique key holds the client, but for these",
	    "SELECT string_agg(name, ' ' ORDER BY name) FROM (" KEYS_WITHOUT_CLIENT ") AS k",
	    "auth_tokens_public_id_key webhook_deliveries_id" },
	{ "a primary key begins with the client",
	    "SELECT string_agg(t::text, ' ') FROM (" TENANT_TABLES ") AS t\n"
	    "WHERE NOT EXISTS (SELECT FROM pg_index AS i JOIN pg_attribute AS a\n"
	    "ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]\n"
	    "WHERE i.indrelid = t AND i.indisprimary AND a.attname = 'client_id')",
	    "" },
	{ "a foreign key is between rows of one client, or names it",
	    "SELECT string_agg(conname, ' ') FROM pg_constraint AS f\n"
	    "JOIN (" TENANT_TABLES ") AS t ON f.conrelid = t.t\n"
	    "WHERE f.contype = 'f'\n"
	    "AND confrelid NOT IN (SELECT oid FROM pg_class WHERE relname IN (" EVERYWHERE "))\n"
	    "AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS k (here, there)\n"
	    "JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = k.here\n"
	    "JOIN pg_attribute AS b ON b.attrelid = f.confrelid AND b.attnum = k.there\n"
	    "WHERE a.attname = 'client_id' AND b.attname = 'client_id')",
	    "" },
	{ "what is on every server names nothing that is split",
	    "SELECT string_agg(conname, ' ') FROM pg_constraint\n"
	    "WHERE contype = 'f' AND conrelid IN (SELECT oid FROM pg_class\n"
	    "WHERE relname IN (" EVERYWHERE ")) AND confrelid IN (" TENANT_TABLES ")",
	    "" },
	{ "only these triggers write to another table, and to rows of the same client",
	    "SELECT string_agg(DISTINCT p.proname, ' ' ORDER BY p.proname) FROM pg_trigger AS g\n"
	    "JOIN (" TENANT_TABLES ") AS t ON g.tgrelid = t.t\n"
	    "JOIN pg_proc AS p ON p.oid = g.tgfoid\n"
	    "WHERE NOT g.tgisinternal AND p.proname NOT IN ('notify_bypassed', 'notify_cache', 'notify_token',\n"
	    "'raise_version', 'refuse_audit_change', 'refuse_change', 'refuse_closed_day',\n"
	    "'refuse_erased', 'set_updated_at')",
	    "budgets_changed forget_user_of_authorizations revoke_tokens_of_user" },
};

static void
keys_and_triggers_stay_with_the_client(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(rules); i++) {
		PGresult *result = run(rules[i].sql);

		if (strcmp(PQgetvalue(result, 0, 0), rules[i].names) != 0)
			fail_msg("%s: %s", rules[i].sentence, PQgetvalue(result, 0, 0));
		PQclear(result);
	}
}

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_POSTGRES);
	db = PQconnectdb(servers_database_url(servers, "postgres"));
	assert_int_equal(PQstatus(db), CONNECTION_OK);
	PQclear(run(shards_sql));
	PQclear(run("SET search_path = shards, public"));
	/* The plan that a connection keeps, whoever the client is. */
	PQclear(run("SET plan_cache_mode = force_generic_plan"));
	return 0;
}

static int
stop(UNUSED void **state)
{
	PQfinish(db);
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_other_statement_goes_to_one_server),
		cmocka_unit_test(keys_and_triggers_stay_with_the_client),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
