/* tally export: what is in the files is what SQL says, and the manifest is true. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/books.h"
#include "tests/exporting.h"

#define FOUND 1
#define COUNT_A_DAY 60
#define MANY 2500 /* more than are in memory at a time */
#define DISK_MIB 300

static struct servers *servers;

static void
records_are_those_of_the_log(UNUSED void **state)
{
	const char *csv = exporting_path(servers, "csv"), *json = exporting_path(servers, "json");

	EXPORTING_RUN(0, "\"files_written\":21,\"files_kept\":0", "--out", csv, "--what", "records",
	    "--format", "csv", "--plain");
	EXPORTING_RUN(0, "\"files_written\":21,\"files_kept\":0", "--out", json, "--what",
	    "records", "--format", "ndjson");
	exporting_load_csv(servers, csv, "records_csv");
	exporting_load_ndjson(servers, json, "records_json");
	books_expect(servers,
	    "SELECT count(*) FROM records_csv c FULL JOIN chat_logs l ON l.id = c.id::uuid "
	    "WHERE (c.feature, c.agent_type, c.provider, c.model, c.error_message, c.success, "
	    "c.verified_cost_cents::numeric, c.estimated_cost_cents::numeric, c.duration_ms::bigint, "
	    "c.tags::jsonb, c.metadata::jsonb, c.created_at::timestamptz) IS DISTINCT FROM "
	    "(l.feature, l.agent_type, l.provider, l.model, l.error_message, l.success::text, "
	    "l.verified_cost_cents, l.estimated_cost_cents, l.duration_ms, to_jsonb(l.tags), "
	    "l.metadata, l.created_at)",
	    "0");
	books_expect(servers,
	    "SELECT count(*) FROM records_json j "
	    "FULL JOIN chat_logs l ON l.id = (j.row->>'id')::uuid "
	    "WHERE (row->>'feature', row->>'agent_type', row->>'model', row->>'error_message', "
	    "(row->>'verified_cost_cents')::numeric, (row->>'input_tokens')::bigint, "
	    "nullif(row->'tags', 'null'), nullif(row->'metadata', 'null')) IS DISTINCT FROM "
	    "(l.feature, l.agent_type, l.model, l.error_message, l.verified_cost_cents, "
	    "l.input_tokens, to_jsonb(l.tags), l.metadata)",
	    "0");
	books_expect(servers, "SELECT count(*) > 1000 FROM records_json", "t");
}

static void
the_manifest_is_true(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");

	exporting_load_manifest(servers, folder);
	books_expect(servers, EXPORTING_DIFFERENCES, "0");
	books_expect(servers,
	    "SELECT concat_ws(' ', sum(rows) = min((head->>'rows')::bigint), "
	    "sum(cost_cents) = min((head->>'cost_cents')::numeric), "
	    "sum(bytes) = min((head->>'bytes')::bigint), bool_and(complete), "
	    "min(head->>'what'), min(head->>'format'), min(head->>'version')) FROM manifest",
	    "t t t t records ndjson 1");
	books_expect(servers,
	    "SELECT count(*) FROM manifest m JOIN daily_costs d USING (client_id, date) "
	    "WHERE m.rows <> d.total_requests",
	    "0");
	/* As any program computes them. */
	exporting_expect(
	    exporting_text(
		"cd %s && sha256sum *.gz | sort | sed 's/  / /' >../sums && "
		"grep -o '{\"file\"[^}]*' manifest.json | "
		"sed 's/.*\"file\":\"\\([^\"]*\\).*\"sha256\":\"\\([^\"]*\\).*/\\2 \\1/' "
		"| sort | diff - ../sums; ls | grep -v '^records-'",
		folder),
	    "manifest.json\n");
}

static void
usage_is_what_the_log_sums_to(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "usage");

	EXPORTING_RUN(
	    0, "\"files_written\":21", "--out", folder, "--what", "usage", "--format", "csv");
	exporting_load_csv(servers, folder, "usage_csv");
	books_expect(servers,
	    "SELECT count(*) FROM (SELECT client_id::uuid, since, until, feature, agent_type, "
	    "provider, model, cost_cents::numeric AS cost, calls::bigint AS calls, "
	    "tokens::bigint AS tokens, failed_calls::bigint AS failed, "
	    "unpriced_calls::bigint AS unpriced FROM usage_csv) AS u "
	    "LEFT JOIN LATERAL (SELECT coalesce(sum(coalesce(verified_cost_cents, "
	    "estimated_cost_cents)), 0) AS cost, count(*) AS calls, "
	    "coalesce(sum(tokens_used), 0)::bigint AS tokens, "
	    "count(*) FILTER (WHERE NOT success) AS failed, "
	    "count(*) FILTER (WHERE coalesce(verified_cost_cents, estimated_cost_cents) IS NULL) "
	    "AS unpriced FROM chat_logs l WHERE l.client_id = u.client_id "
	    "AND created_at >= since::timestamptz AND created_at < until::timestamptz "
	    "AND (l.feature, l.agent_type, l.provider, l.model) IS NOT DISTINCT FROM "
	    "(u.feature, u.agent_type, u.provider, u.model)) AS l ON true "
	    "WHERE (u.cost, u.calls, u.tokens, u.failed, u.unpriced) IS DISTINCT FROM "
	    "(l.cost, l.calls, l.tokens, l.failed, l.unpriced)",
	    "0");
	books_expect(servers,
	    "SELECT concat_ws(' ', (SELECT sum(calls::bigint) FROM usage_csv) = "
	    "(SELECT count(*) FROM chat_logs), "
	    "(SELECT max(until::timestamptz - since::timestamptz) FROM usage_csv))",
	    "t 01:00:00");
	exporting_load_manifest(servers, folder);
	books_expect(servers, EXPORTING_DIFFERENCES, "0");
}

static void
what_did_not_change_stays(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");
	const char *copy = exporting_path(servers, "copy");

	free(exporting_sh("cp -a %s %s", folder, copy));
	EXPORTING_RUN(0, "\"files_written\":0,\"files_kept\":21", "--out", folder, "--what",
	    "records", "--format", "ndjson");
	EXPORTING_RUN(0, "\"files\":21,\"broken\":0,\"finished\":true", "--out", folder, "--check");
	exporting_expect(exporting_text("diff -r %s %s", folder, copy), "");
	EXPORTING_RUN(0, "\"files_written\":21,\"files_kept\":0", "--out", folder, "--what",
	    "records", "--format", "ndjson", "--refresh");
	exporting_expect(exporting_text("diff -r %s %s", folder, copy), "");
}

static void
what_a_killed_export_left_goes(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");

	free(exporting_sh("cd %s; touch records-x.ndjson.gz.part manifest.json.part "
			  "journal.ndjson.part mine.part records.part",
	    folder));
	EXPORTING_RUN(0, "\"files_written\":0,\"files_kept\":21", "--out", folder, "--what",
	    "records", "--format", "ndjson");
	exporting_expect(
	    exporting_text("cd %s; ls *.part; rm *.part", folder), "mine.part\nrecords.part\n");
}

static void
a_late_record_is_found(UNUSED void **state)
{
	static const char *const whats[] = { "records", "usage" };
	static const char *const formats[] = { "ndjson", "csv" };
	static const char *const folders[] = { "json", "usage" };

	exporting_add(servers, "utc", 4, 1);
	for (size_t i = 0; i < COUNT(whats); i++) {
		const char *folder = exporting_path(servers, folders[i]);

		EXPORTING_RUN(0, "\"reason\":\"changed\"", "--out", folder, "--what", whats[i],
		    "--format", formats[i], "--dry-run");
		EXPORTING_RUN(0, "\"files_written\":1,", "--out", folder, "--what", whats[i],
		    "--format", formats[i]);
		exporting_load_manifest(servers, folder);
		books_expect(servers, EXPORTING_DIFFERENCES, "0");
	}
}

static void
a_file_that_was_changed_is_found(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");
	const char *copy = exporting_path(servers, "copy2");

	free(exporting_sh("cp -a %s %s; cd %s; set -- *.gz; printf x | dd of=$1 bs=1 seek=20 "
			  "conv=notrunc 2>&1; rm $2; truncate -s 10 $3",
	    folder, copy, folder));
	EXPORTING_RUN(
	    FOUND, "\"files\":21,\"broken\":3,\"finished\":true", "--out", folder, "--check");
	EXPORTING_RUN(0, "is not what was written", "--out", folder, "--what", "records",
	    "--format", "ndjson");
	exporting_expect(exporting_text("diff -r %s %s", folder, copy), "");
	EXPORTING_RUN(0, "\"broken\":0", "--out", folder, "--check");
}

static void
one_client_and_some_days(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "some");
	char *id = servers_sql(servers, "SELECT id FROM clients WHERE name = 'utc'");
	char *since = servers_sql(servers, "SELECT (now() AT TIME ZONE 'UTC')::date - 6");
	char *until = servers_sql(servers, "SELECT (now() AT TIME ZONE 'UTC')::date - 4");

	EXPORTING_RUN(0, "\"files_written\":3,", "--out", folder, "--what", "records", "--format",
	    "csv", "--client", "utc", "--since", since, "--until", until);
	exporting_expect(exporting_text("ls %s | grep -c records-%s", folder, id), "3\n");
	/* What was written before stays listed. */
	EXPORTING_RUN(0, "\"files_written\":4,\"files_kept\":3", "--out", folder, "--what",
	    "records", "--format", "csv", "--client", id);
	EXPORTING_RUN(0, "\"files_written\":0,\"files_kept\":1", "--out", folder, "--what",
	    "records", "--format", "csv", "--client", id, "--since", until, "--until", until);
	EXPORTING_RUN(0, "\"files\":7,\"broken\":0", "--out", folder, "--check");
	free(id);
	free(since);
	free(until);
}

static void
records_that_left_the_log_stay(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");
	const char *copy = exporting_path(servers, "copy3");
	const char *late = exporting_path(servers, "late");

	free(exporting_sh("cp -a %s %s", folder, copy));
	/* As purge leaves a day: its rows are gone, and the rollups know from when on the log is
	 * whole. */
	free(servers_sql(servers,
	    "UPDATE rollup_clients SET whole_from = date_trunc('day', now(), timezone) "
	    "- interval '6 days' WHERE client_id = (SELECT id FROM clients WHERE name = 'utc'); "
	    "DELETE FROM chat_logs l USING clients c WHERE c.id = l.client_id AND c.name = 'utc' "
	    "AND l.created_at < date_trunc('day', now(), 'UTC') - interval '8 days'; "
	    "DELETE FROM chat_logs WHERE id = (SELECT l.id FROM chat_logs l "
	    "JOIN clients c ON c.id = l.client_id WHERE c.name = 'utc' ORDER BY l.id LIMIT 1)"));
	EXPORTING_RUN(0, "\"files_written\":19,\"files_kept\":2", "--out", folder, "--what",
	    "records", "--format", "ndjson", "--refresh");
	exporting_expect(exporting_text("diff -r %s %s", folder, copy), "");
	EXPORTING_RUN(0, "\"files_written\":20,\"files_kept\":0,\"files_lost\":0,\"days_gone\":1",
	    "--out", late, "--what", "records", "--format", "ndjson");
	exporting_load_manifest(servers, late);
	books_expect(servers,
	    "SELECT concat(count(*), ' ', min(rows)) FROM manifest WHERE NOT complete",
	    exporting_text("1 %d", COUNT_A_DAY - 1));
}

/* Such as one that was moved to an archive: it keeps no other day from its turn. */
static void
a_lost_file_without_a_log_is_told(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "json");
	char *id = servers_sql(servers, "SELECT id FROM clients WHERE name = 'utc'");

	free(exporting_sh("cd %s; rm $(ls *-%s-* | head -n 1)", folder, id));
	exporting_add(servers, "utc", 3, 1);
	EXPORTING_RUN(FOUND, "\"files_written\":1,\"files_kept\":19,\"files_lost\":1", "--out",
	    folder, "--what", "records", "--format", "ndjson");
	EXPORTING_RUN(
	    FOUND, "\"files\":21,\"broken\":1,\"finished\":true", "--out", folder, "--check");
	free(id);
}

static void
refusals(UNUSED void **state)
{
	static const struct refusal {
		const char *sentence;
		int status;
		const char *prints;
		const char *arguments[10];
	} refusals_of[] = {
		{ "a folder is needed", EX_USAGE, "--out is needed", { "--what", "records" } },
		{ "and what", EX_USAGE, "--what must be", { "--out", "x", "--format", "csv" } },
		{ "which is one of four", EX_USAGE, "--what must be",
		    { "--out", "x", "--format", "csv", "--what", "all" } },
		{ "and a format", EX_USAGE, "--format must be",
		    { "--out", "x", "--what", "focus" } },
		{ "a date", EX_USAGE, "must be a date",
		    { "--out", "x", "--what", "focus", "--format", "csv", "--since", "soon" } },
		{ "a range", EX_USAGE, "before --since",
		    { "--out", "x", "--what", "focus", "--format", "csv", "--since=2026-01-02",
			"--until=2026-01-01" } },
		{ "a client that is there", EX_DATAERR, "no such client",
		    { "--out", "x", "--what", "focus", "--format", "csv", "--client", "nobody" } },
		{ "not the operator", EX_USAGE, "operator",
		    { "--out", "x", "--what", "focus", "--format", "csv", "--client",
			"operator" } },
		{ "a folder that can be made", EX_USAGE, "cannot be made",
		    { "--out", "/nowhere/x", "--what", "focus", "--format", "csv" } },
		{ "a folder", EX_USAGE, "cannot be",
		    { "--out", "/dev/null", "--what", "focus", "--format", "csv" } },
		{ "a folder to check", EX_USAGE, "is not there",
		    { "--out", "/nowhere", "--check" } },
	};

	for (size_t i = 0; i < COUNT(refusals_of); i++)
		exporting_run(servers, NULL, refusals_of[i].status, refusals_of[i].prints,
		    refusals_of[i].arguments);
	EXPORTING_RUN(EX_DATAERR, "holds an export of records as csv", "--out",
	    exporting_path(servers, "some"), "--what", "records", "--format", "ndjson");
}

#define HEAD "{\"version\":1,\"what\":\"focus\",\"format\":\"csv\",\"plain\":false,\"files\":"

/* Whoever wrote it: what it names is not looked for outside of the folder. */
static void
manifests_that_are_none(UNUSED void **state)
{
	static const char *const manifests[] = { "", "{}", "[]", "{\"version\":2}", HEAD "[]",
		HEAD "[{}]}", HEAD "[1]}",
		HEAD "[{\"file\":\"../csv/manifest.json\","
		     "\"client_id\":\"0189aaaa-0000-7000-8000-00000000000f\","
		     "\"date\":\"2026-01-01\",\"timezone\":\"UTC\",\"rows\":1,\"bytes\":1,"
		     "\"sha256\":\"00\",\"calls\":1,\"tokens\":1,\"cost_cents\":1,"
		     "\"adjustments\":0,\"adjustments_cents\":0,\"complete\":true}]}" };
	const char *folder = exporting_path(servers, "other");

	for (size_t i = 0; i < COUNT(manifests); i++) {
		free(exporting_sh("mkdir -p %s; printf %%s '%s' >%s/manifest.json", folder,
		    manifests[i], folder));
		EXPORTING_RUN(EX_USAGE, "is not one of tally export", "--out", folder, "--what",
		    "focus", "--format", "csv");
		EXPORTING_RUN(EX_USAGE, "is not one of tally export", "--out", folder, "--check");
	}
}

static void
one_export_at_a_time(UNUSED void **state)
{
	const char *folder = exporting_path(servers, "some");
	char *output = exporting_sh("flock %s %s -c %s export --out %s --check 2>&1 || echo $?",
	    folder, getenv("TALLY"), servers_conf(servers), folder);

	if (strstr(output, "another export writes to") == NULL || strstr(output, "65\n") == NULL)
		fail_msg("%s", output);
	free(output);
	free(exporting_sh("flock -s %s %s -c %s export --out %s --check", folder, getenv("TALLY"),
	    servers_conf(servers), folder));
}

/* Nothing is left of the file that did not fit, and no manifest says that all is there. */
static void
a_full_disk_is_told(UNUSED void **state)
{
	char *data = servers_data(servers, SERVER_REDIS);
	const char *folder = exporting_text("%s/out", data);

	if (!servers_disk_is_small(servers)) {
		print_error("SKIPPED: no small disk can be mounted, so none is full\n");
		skip();
	}
	free(exporting_sh(
	    "dd if=/dev/zero of=%s/filler bs=4096 2>&1; truncate -s -24576 %s/filler", data, data));
	EXPORTING_RUN(EX_TEMPFAIL, "No space left on device", "--out", folder, "--what", "records",
	    "--format", "ndjson", "--plain");
	exporting_expect(exporting_text("ls %s | grep -v '^records-[0-9a-f-]*.ndjson$'", folder),
	    "journal.ndjson\n");
	free(exporting_sh("rm %s/filler", data));
	EXPORTING_RUN(0, "\"files_written\":", "--out", folder, "--what", "records", "--format",
	    "ndjson", "--plain");
	EXPORTING_RUN(0, "\"broken\":0,\"finished\":true", "--out", folder, "--check");
	free(data);
}

static int
start(UNUSED void **state)
{
	servers = servers_start_small(SERVER_REDIS, DISK_MIB);
	exporting_client(servers, "utc", "UTC", COUNT_A_DAY);
	exporting_add(servers, "utc", 2, MANY);
	exporting_client(servers, "kolkata", "Asia/Kolkata", COUNT_A_DAY);
	exporting_client(servers, "lord howe", "Australia/Lord_Howe", COUNT_A_DAY);
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
		cmocka_unit_test(records_are_those_of_the_log),
		cmocka_unit_test(the_manifest_is_true),
		cmocka_unit_test(usage_is_what_the_log_sums_to),
		cmocka_unit_test(what_did_not_change_stays),
		cmocka_unit_test(what_a_killed_export_left_goes),
		cmocka_unit_test(a_late_record_is_found),
		cmocka_unit_test(a_file_that_was_changed_is_found),
		cmocka_unit_test(one_client_and_some_days),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(records_that_left_the_log_stay),
		cmocka_unit_test(a_lost_file_without_a_log_is_told),
		cmocka_unit_test(refusals),
		cmocka_unit_test(manifests_that_are_none),
		cmocka_unit_test(one_export_at_a_time),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
