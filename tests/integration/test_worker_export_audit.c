/* tally export --what audit: what is in the files is what is in the audit log, day by day. */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/books.h"
#include "tests/exporting.h"

#define ENTRIES_A_DAY 30
#define MANY 450 /* more than are in memory at a time */
#define NIL "00000000-0000-0000-0000-000000000000"

static struct servers *servers;

static void
what_is_written_is_the_log(UNUSED void **state)
{
	const char *csv = exporting_path(servers, "csv"), *json = exporting_path(servers, "json");

	EXPORTING_RUN(0, "\"files_written\":14,\"files_kept\":0", "--out", csv, "--what", "audit",
	    "--format", "csv", "--plain");
	EXPORTING_RUN(0, "\"files_written\":14,\"files_kept\":0", "--out", json, "--what", "audit",
	    "--format", "ndjson");
	exporting_load_csv(servers, csv, "audit_csv");
	exporting_load_ndjson(servers, json, "audit_json");
	books_expect(servers,
	    "SELECT count(*) FROM audit_csv c "
	    "FULL JOIN (SELECT * FROM audit_log WHERE client_id <> '" NIL "') AS a "
	    "ON a.id = c.id::uuid WHERE (c.client_id::uuid, c.created_at::timestamptz, "
	    "c.api_key_id::uuid, c.user_id::uuid, c.ip_address::inet, c.request_id, c.action, "
	    "c.entity, c.entity_id, c.before::jsonb, c.after::jsonb) IS DISTINCT FROM "
	    "(a.client_id, a.created_at, a.api_key_id, a.user_id, a.ip_address, a.request_id, "
	    "a.action, a.entity, a.entity_id, a.before, a.after)",
	    "0");
	books_expect(servers,
	    "SELECT count(*) FROM audit_json j "
	    "FULL JOIN (SELECT * FROM audit_log WHERE client_id <> '" NIL "') AS a "
	    "ON a.id = (j.row->>'id')::uuid WHERE ((row->>'client_id')::uuid, "
	    "(row->>'created_at')::timestamptz, row->>'api_key_id', row->>'user_id', "
	    "row->>'ip_address', row->>'request_id', row->>'action', row->>'entity', "
	    "row->>'entity_id', nullif(row->'before', 'null'), nullif(row->'after', 'null')) "
	    "IS DISTINCT FROM (a.client_id, a.created_at, a.api_key_id::text, a.user_id::text, "
	    "host(a.ip_address), a.request_id, a.action, a.entity, a.entity_id, a.before, a.after)",
	    "0");
	books_expect(servers, "SELECT count(*) FROM audit_json",
	    exporting_text("%d", 14 * ENTRIES_A_DAY + MANY));
}

static void
each_file_has_its_day_in_order(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");

	exporting_load_manifest(servers, folder);
	books_expect(servers,
	    "SELECT count(*) FROM manifest AS m WHERE m.rows IS DISTINCT FROM (SELECT count(*) "
	    "FROM audit_log a WHERE a.client_id = m.client_id "
	    "AND (a.created_at AT TIME ZONE m.timezone)::date = m.date) OR NOT m.complete",
	    "0");
	books_expect(
	    servers, "SELECT concat(min(head->>'what'), ' ', count(*)) FROM manifest", "audit 14");
	exporting_expect(exporting_text("cd %s && for f in *.gz; do zcat $f | cut -d '\"' -f 4 | "
					"sort -c || echo $f; done; ls | grep -v '^audit-'",
			     folder),
	    "manifest.json\n");
}

static void
a_late_entry_and_an_asked_day_are_written_again(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");
	const char *copy = exporting_path(servers, "copy");

	free(exporting_sh("cp -a %s %s", folder, copy));
	EXPORTING_RUN(0, "\"files_written\":0,\"files_kept\":14", "--out", folder, "--what",
	    "audit", "--format", "ndjson");
	EXPORTING_RUN(0, "\"files_written\":14,\"files_kept\":0", "--out", folder, "--what",
	    "audit", "--format", "ndjson", "--refresh");
	exporting_expect(exporting_text("diff -r %s %s", folder, copy), "");
	exporting_add(servers, "kolkata", 4, 1);
	exporting_audit(servers, "kolkata");
	EXPORTING_RUN(0, "\"reason\":\"changed\"", "--out", folder, "--what", "audit", "--format",
	    "ndjson", "--dry-run");
	EXPORTING_RUN(0, "\"files_written\":1,\"files_kept\":13", "--out", folder, "--what",
	    "audit", "--format", "ndjson");
	EXPORTING_RUN(0, "\"files\":14,\"broken\":0,\"finished\":true", "--out", folder, "--check");
}

/* To make the clients was theirs; a folder that has them is read again. */
static void
operators_have_files_of_their_own(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "operators");
	char *today = servers_sql(servers, "SELECT (now() AT TIME ZONE 'UTC')::date + 1");

	EXPORTING_RUN(0, "\"rows\":2,", "--out", folder, "--what", "audit", "--format", "ndjson",
	    "--client", "operator", "--until", today);
	exporting_load_ndjson(servers, folder, "operators_json");
	books_expect(servers,
	    "SELECT concat_ws(' ', count(*), count(row->>'client_id'), min(row->>'entity'), "
	    "count(*) = (SELECT count(*) FROM audit_log WHERE client_id = '" NIL "')) "
	    "FROM operators_json",
	    "2 0 clients t");
	EXPORTING_RUN(0, "\"files_written\":14,", "--out", folder, "--what", "audit", "--format",
	    "ndjson", "--until", today);
	EXPORTING_RUN(0, "\"broken\":0,\"finished\":true", "--out", folder, "--check");
	free(exporting_sh("ls %s | grep '^audit-" NIL "-'", folder));
	free(today);
}

static void
one_client_alone(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "one");

	EXPORTING_RUN(0, "\"files_written\":7,\"files_kept\":0", "--out", folder, "--what", "audit",
	    "--format", "csv", "--client", "utc");
	EXPORTING_RUN(EX_USAGE, "the operator has no records", "--out",
	    exporting_path(servers, "none"), "--what", "records", "--format", "csv", "--client",
	    "operator");
}

static int
start(UNUSED void **state)
{
	servers = servers_start(SERVER_REDIS);
	exporting_client(servers, "utc", "UTC", ENTRIES_A_DAY);
	exporting_add(servers, "utc", 2, MANY);
	exporting_client(servers, "kolkata", "Asia/Kolkata", ENTRIES_A_DAY);
	exporting_audit(servers, "utc");
	exporting_audit(servers, "kolkata");
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
		cmocka_unit_test(what_is_written_is_the_log),
		cmocka_unit_test(each_file_has_its_day_in_order),
		cmocka_unit_test(a_late_entry_and_an_asked_day_are_written_again),
		cmocka_unit_test(operators_have_files_of_their_own),
		cmocka_unit_test(one_client_alone),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
