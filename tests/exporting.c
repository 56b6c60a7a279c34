#include "tests/exporting.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/process.h"
#include "tests/test.h"

/* Ids have the times of their records; no time is in the last hour of a day, which some days of
 * some zones do not have. */
static const char insert_sql[] =
    "WITH r AS (SELECT c.id AS client, ((now() AT TIME ZONE c.timezone)::date - %d)::timestamp "
    "AT TIME ZONE c.timezone + (random() * 82800000)::bigint * interval '1 millisecond' AS at, "
    "floor(random() * 4)::integer AS dice, floor(random() * 3)::integer AS other, "
    "(random() * 100000)::bigint AS n "
    "FROM clients c, generate_series(1, %d) WHERE c.name = '%s') "
    "INSERT INTO chat_logs (client_id, id, created_at, feature, agent_type, provider, model, "
    "input_tokens, output_tokens, cached_input_tokens, tokens_used, estimated_cost_cents, "
    "verified_cost_cents, tags, tools_used, success, error_message, duration_ms, metadata) "
    "SELECT client, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' "
    "|| '8000' || substr(md5(random()::text), 1, 12))::uuid, at, "
    "(ARRAY['search', E'a \"b\", c\\r\\nd', NULL, '=1+1'])[1 + dice], "
    "(ARRAY['planner', NULL, 'r\u00e9sum\u00e9'])[1 + other], "
    "(ARRAY['openai', 'anthropic', NULL])[1 + other], (ARRAY['m-1', 'm,2', NULL, 'm-4'])[1 + dice], "
    "n, n %% 977, CASE WHEN other = 0 THEN n %% 13 END, CASE WHEN dice > 0 THEN n + n %% 977 END, "
    "CASE WHEN other < 2 THEN n * 0.0000001 END, CASE WHEN dice = 1 THEN n * 0.0013 END, "
    "(ARRAY['{d}'::text, '{\"a,\\\"b\",c}', NULL, E'{\"x\\ny\"}'])[1 + dice]::text[], "
    "CASE WHEN dice = 2 THEN ARRAY['t'] END, other > 0, "
    "CASE WHEN other = 0 THEN E'he said \"no\",\\nand left' END, "
    "CASE WHEN dice > 0 THEN n %% 9000 END, "
    "CASE WHEN dice = 3 THEN jsonb_build_object('k', E'1,\"2\"\\n') END FROM r";

/* Days that came late: flush sums them, rollup collects them. */
static const char batch_sql[] =
    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
    "SELECT id, (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7000' "
    "|| '8000' || substr(md5(random()::text), 1, 12))::uuid, 1, "
    "ARRAY[(now() AT TIME ZONE timezone)::date - %d] FROM clients WHERE name = '%s'";

static const char audit_sql[] =
    "INSERT INTO audit_log (client_id, id, created_at, api_key_id, user_id, ip_address, "
    "request_id, action, entity, entity_id, before, after) "
    "SELECT client_id, id, created_at, CASE WHEN success THEN id END, "
    "CASE WHEN provider = 'openai' THEN client_id END, "
    "CASE WHEN success THEN inet '192.0.2.7' END, error_message, 'change', 'budgets', id, "
    "CASE WHEN model IS NOT NULL THEN jsonb_build_object('name', feature) END, "
    "jsonb_build_object('tags', tags, 'name', agent_type) "
    "FROM chat_logs l WHERE client_id = (SELECT id FROM clients WHERE name = '%s') "
    "AND NOT EXISTS (SELECT FROM audit_log a WHERE a.client_id = l.client_id AND a.id = l.id)";

/* Kept until the program ends. */
static struct text_kept {
	struct text_kept *before;
	char *text;
} * texts;

static const char *
keep(char *text)
{
	struct text_kept *kept = malloc(sizeof(*kept));

	if (kept == NULL)
		abort();
	*kept = (struct text_kept){ texts, text };
	texts = kept;
	return text;
}

const char *
exporting_text(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	return keep(text);
}

const char *
exporting_path(struct servers *servers, const char *name)
{
	return exporting_text("%s/%s", servers_folder(servers), name);
}

static void
run_sql(struct servers *servers, const char *sql)
{
	free(servers_sql(servers, sql));
}

static void
insert(struct servers *servers, const char *name, int days_ago, int count)
{
	run_sql(servers, exporting_text(insert_sql, days_ago, count, name));
	run_sql(servers, exporting_text(batch_sql, days_ago, name));
}

static void
run_job(struct servers *servers, const char *job)
{
	char *output;

	if (servers_tally(servers, &output, job, NULL) != 0)
		fail_msg("%s: %s", job, output);
	free(output);
}

void
exporting_add(struct servers *servers, const char *name, int days_ago, int count)
{
	insert(servers, name, days_ago, count);
	run_job(servers, "flush");
	run_job(servers, "rollup");
}

void
exporting_audit(struct servers *servers, const char *name)
{
	run_sql(servers, exporting_text(audit_sql, name));
}

void
exporting_client(struct servers *servers, const char *name, const char *zone, int count)
{
	static const int days[] = { 9, 8, 6, 5, 4, 3 };
	char *output;

	if (servers_tally(servers, &output, "client", "create", "--name", name, "--timezone", zone,
		NULL) != 0)
		fail_msg("client create: %s", output);
	free(output);
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		insert(servers, name, days[i], count);
	exporting_add(servers, name, 2, count);
}

void
exporting_run(struct servers *servers, const char *environment, int status, const char *prints,
    const char *const *arguments)
{
	struct process process = {
		.argv = { getenv("TALLY"), "-c", servers_conf(servers), "export", "--json" },
		.environment = environment,
	};
	char *output;
	int got, count = 5;

	for (; *arguments != NULL; arguments++) {
		assert_true(count < PROCESS_ARGUMENTS_MAX - 1);
		process.argv[count++] = *arguments;
	}
	got = process_run(&process, &output);
	if (got != status || strstr(output, prints) == NULL)
		fail_msg("status %d, not %d, or no %s in: %s", got, status, prints, output);
	free(output);
}

char *
exporting_sh(const char *format, ...)
{
	struct process process = { .argv = { "sh", "-c" } };
	va_list arguments;
	char *line, *output;

	va_start(arguments, format);
	if (vasprintf(&line, format, arguments) < 0)
		abort();
	va_end(arguments);
	process.argv[2] = line;
	if (process_run(&process, &output) != 0)
		fail_msg("%s: %s", line, output);
	free(line);
	return output;
}

void
exporting_expect(const char *line, const char *expected)
{
	char *output = exporting_sh("%s", line);

	if (strcmp(output, expected) != 0)
		fail_msg("%s: %s, not %s", line, output, expected);
	free(output);
}

/* PostgreSQL reads as a user of its own. */
static const char *
gather(struct servers *servers, const char *folder, const char *table, const char *format)
{
	const char *path = exporting_text("%s/%s.%s", servers_folder(servers), table, format);

	free(exporting_sh(": >%s; for file in %s/*.%s*; do case $file in *.gz) zcat $file;; "
			  "*) cat $file;; esac >>%s; done; chmod 644 %s",
	    path, folder, format, path, path));
	return path;
}

void
exporting_load_csv(struct servers *servers, const char *folder, const char *table)
{
	const char *path = gather(servers, folder, table, "csv");
	char *head = exporting_sh("head -n 1 %s | tr -d '\\r\\n'", path);
	char *columns = exporting_sh("printf '\"%%s\" text' '%s' | sed 's/,/\" text, \"/g'", head);
	const char *first = keep(strndup(head, strcspn(head, ",")));

	run_sql(servers, exporting_text("CREATE TABLE %s (%s)", table, columns));
	run_sql(servers, exporting_text("COPY %s FROM '%s' (FORMAT csv)", table, path));
	run_sql(servers, exporting_text("DELETE FROM %s WHERE \"%s\" = '%s'", table, first, first));
	free(head);
	free(columns);
}

void
exporting_load_ndjson(struct servers *servers, const char *folder, const char *table)
{
	const char *path = gather(servers, folder, table, "ndjson");

	run_sql(servers,
	    exporting_text("CREATE TABLE %s AS SELECT line::jsonb AS row "
			   "FROM regexp_split_to_table(pg_read_file('%s'), E'\\n') AS line "
			   "WHERE line <> ''",
		table, path));
}

void
exporting_load_manifest(struct servers *servers, const char *folder)
{
	free(exporting_sh("chmod 755 %s; chmod 644 %s/manifest.json", folder, folder));
	run_sql(
	    servers, exporting_text(
			 "DROP TABLE IF EXISTS manifest; CREATE TABLE manifest AS "
			 "SELECT m.j AS head, f.* FROM (SELECT "
			 "pg_read_file('%s/manifest.json')::jsonb AS j) AS m, "
			 "LATERAL jsonb_to_recordset(j->'files') AS f (file text, client_id uuid, "
			 "date date, timezone text, rows bigint, bytes bigint, sha256 text, "
			 "cost_cents numeric, adjustments_cents numeric, complete boolean)",
			 folder));
}
