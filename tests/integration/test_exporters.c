/*
 * The OpenTelemetry SDK's own exporters send to tallyd through nginx: what an application needs is
 * their two settings. Where npm cannot be reached there is no SDK, and the program is skipped.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/process.h"

#define SKIPPED 77 /* automake's */

static const char *
source(void)
{
	const char *folder = getenv("TALLY_SRCDIR");

	return folder != NULL ? folder : ".";
}

static bool
npm_is_there(void)
{
	char *output;
	int status = process_sh(
	    "command -v node && npm ping --fetch-retries=1 --fetch-timeout=10000", &output);

	if (status != 0)
		fprintf(stderr,
		    "SKIPPED: the exporters of OpenTelemetry are not tested, as npm cannot be "
		    "reached: %s\n",
		    output);
	free(output);
	return status == 0;
}

/* The SDK as package-lock.json has it, in a folder that goes with the servers'. */
static int
start(void **state)
{
	char *output;
	int status;

	if (api_start(state) != 0)
		return -1;
	status =
	    process_sh(api_text("mkdir %s/exporters && cd %s/exporters &&"
				" cp %s/tests/exporters/* . &&"
				" npm ci --prefer-offline --no-audit --no-fund --ignore-scripts",
			   servers_folder(api_servers()), servers_folder(api_servers()), source()),
		&output);
	if (status != 0)
		print_error("npm ci: %s\n", output);
	free(output);
	if (status != 0)
		return -1;
	api_import_prices();
	return 0;
}

/* The id of the trace that was sent, twice. */
static const char *export(const char *format)
{
	char *output;
	int status = process_sh(
	    api_text("cd %s/exporters && TALLY_URL=%s TALLY_API_KEY=%s node export.js %s",
		servers_folder(api_servers()), servers_http_url(api_servers()), api_key(), format),
	    &output);
	const char *trace = api_text("%.32s", output);

	if (status != 0)
		fail_msg("export.js %s: %s", format, output);
	free(output);
	return trace;
}

/* The only record of the trace of which this holds: a condition of SQL. */
static void
expect_record(const char *trace, const char *condition)
{
	const char *count = api_sql(
	    "SELECT count(*) FROM chat_logs WHERE trace_id = '%s' AND (%s)", trace, condition);

	if (strcmp(count, "1") != 0)
		fail_msg("%s records with %s", count, condition);
}

static void
expect_trace(const char *format)
{
	const char *trace;

	api_use_new_client(format);
	trace = export(format);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM chat_logs WHERE trace_id = '%s'", trace), "4");
	expect_record(trace, "metadata->>'kind' = 'agent' AND agent_type = 'planner'"
			     " AND input_tokens IS NULL AND estimated_cost_cents = 0"
			     " AND parent_span_id IS NULL");
	expect_record(trace, "model = 'gpt-4o' AND provider = 'openai' AND success"
			     " AND input_tokens = 600 AND cached_input_tokens = 400"
			     " AND output_tokens = 7 AND estimated_cost_cents = 0.207"
			     " AND feature = 'shop' AND user_id IS NOT NULL");
	expect_record(trace,
	    "tools_used = '{weather}' AND estimated_cost_cents = 0"
	    " AND parent_span_id = (SELECT span_id FROM chat_logs a"
	    " WHERE a.trace_id = chat_logs.trace_id AND a.parent_span_id IS NULL)");
	expect_record(trace, "NOT success AND error_message = 'the model is away'"
			     " AND estimated_cost_cents = 0");
	/* Sent twice, counted once. */
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("total_requests", "4");
	api_expect_json("total_cost_cents", "0.207");
	api_expect_json("total_tokens", "1007");
}

static void
the_protobuf_exporter(UNUSED void **state)
{
	expect_trace("proto");
}

static void
the_json_exporter(UNUSED void **state)
{
	expect_trace("http");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_protobuf_exporter),
		cmocka_unit_test(the_json_exporter),
	};

	if (!npm_is_there())
		return SKIPPED;
	return cmocka_run_group_tests(tests, start, api_stop);
}
