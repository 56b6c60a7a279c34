#include "tests/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/servers.h"

static struct servers *servers;

/* What the shipped file holds: 218 models, of which these are priced by the token. */
#define SHIPPED "\"models\":196,\"added\":196,\"changed\":0,\"gone\":0,\"rounded_rates\":0"

static char *
source_path(const char *name)
{
	const char *folder = getenv("TALLY_SRCDIR");
	char *path;

	assert_true(asprintf(&path, "%s/%s", folder != NULL ? folder : ".", name) > 0);
	return path;
}

/* A file in the servers' folder with this text; its path. Free it. */
static char *
write_file(const char *text)
{
	char *path;
	FILE *file;

	assert_true(asprintf(&path, "%s/prices.json", servers_folder(servers)) > 0);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void
assert_sql(const char *sql, const char *expected)
{
	char *value = servers_sql(servers, sql);

	assert_string_equal(value, expected);
	free(value);
}

static void
assert_import(int status, const char *prints, const char *path, const char *option)
{
	char *output;
	int got = servers_tally(servers, &output, "prices", "import", path, "--json", option, NULL);

	if (got != status || strstr(output, prints) == NULL)
		fail_msg("status %d, output: %s", got, output);
	free(output);
}

static void
test_shipped_file(void **state)
{
	char *path = source_path("conf/model_prices.json");

	(void)state;
	assert_import(EX_OK, SHIPPED, path, "--dry-run");
	assert_sql("SELECT count(*) FROM model_pricing", "0");
	assert_import(EX_OK, SHIPPED, path, NULL);
	assert_sql("SELECT count(*) FROM model_pricing", "196");
	assert_sql("SELECT count(*) FROM model_pricing WHERE valid_from = '1970-01-01Z'", "196");
	assert_sql("SELECT concat_ws(' ', input_rate, output_rate, cached_rate) "
		   "FROM model_pricing WHERE provider = 'openai' AND model = 'gpt-4o-mini'",
	    "150000 600000 75000");
	assert_sql("SELECT concat_ws(' ', tier_tokens, tier_input_rate, tier_output_rate) "
		   "FROM model_pricing WHERE provider = 'anthropic' "
		   "AND model = 'claude-sonnet-4-20250514'",
	    "200000 6000000 22500000");
	assert_import(EX_OK, "\"added\":0,\"changed\":0,\"gone\":0", path, NULL);
	assert_sql("SELECT count(*) FROM model_pricing", "196");
	assert_sql("SELECT count(*) FROM audit_log WHERE action = 'import'", "1");
	free(path);
}

/* A file and what its import says. */
static const struct {
	const char *sentence;
	const char *text;
	const char *prints;
} broken[] = {
	{ "an empty file is refused", "", "object is expected" },
	{ "half a file is refused", "{\"a\":{\"litellm_provider\":\"p\",\"mode\":\"chat\"",
	    "JSON" },
	{ "an array is refused", "[]", "object is expected" },
	{ "a file without a price is refused", "{}", "no model with a price" },
	{ "a model that is no object is refused", "{\"m\":1}", "model m is no object" },
	{ "a model without a provider is refused",
	    "{\"m\":{\"mode\":\"chat\",\"input_cost_per_token\":1e-6,\"output_cost_per_token\":1e-6}}",
	    "model m has no litellm_provider" },
	{ "a rate that is a text is refused",
	    "{\"m\":{\"litellm_provider\":\"p\",\"input_cost_per_token\":\"1e-6\"}}",
	    "model m has a rate" },
	{ "a negative rate is refused",
	    "{\"m\":{\"litellm_provider\":\"p\",\"input_cost_per_token\":-1e-6}}",
	    "model m has a rate" },
	{ "more than a dollar a token is refused",
	    "{\"m\":{\"litellm_provider\":\"p\",\"input_cost_per_token\":1.1}}",
	    "model m has a rate" },
	{ "a file that lost its models is refused",
	    "{\"m\":{\"litellm_provider\":\"p\",\"input_cost_per_token\":1e-6,"
	    "\"output_cost_per_token\":1e-6}}",
	    "has lost more than 10 %" },
};

static void
test_broken_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		char *path = write_file(broken[i].text), *output;
		int status = servers_tally(servers, &output, "prices", "import", path, NULL);

		if (status != EX_DATAERR || strstr(output, broken[i].prints) == NULL)
			fail_msg("%s: status %d, output: %s", broken[i].sentence, status, output);
		free(output);
		free(path);
	}
	assert_sql("SELECT count(*) FROM model_pricing", "196");
}

/* Forced: 196 models are gone, one comes. Later changes are measured against that. */
static void
test_changes(void **state)
{
	char *path = write_file(
	    "{\"azure/one\":{\"litellm_provider\":\"azure\",\"mode\":\"chat\","
	    "\"input_cost_per_token\":2.8e-9,\"output_cost_per_token\":3.3333333333333335e-05,"
	    "\"output_cost_per_token_above_272k_tokens\":4e-5,\"supports\":{\"x\":[1,{}]}},"
	    "\"one\":{\"litellm_provider\":\"azure\",\"input_cost_per_token\":1,"
	    "\"output_cost_per_token\":1},"
	    "\"d\":{\"litellm_provider\":\"openai\",\"mode\":\"image_generation\"},"
	    "\"e\":{\"litellm_provider\":\"openai\",\"mode\":\"chat\"}}");

	(void)state;
	assert_import(EX_OK,
	    "\"models\":1,\"added\":1,\"changed\":0,\"gone\":196,\"rounded_rates\":1,"
	    "\"skipped_unpriced\":1,\"skipped_other_modes\":1,\"skipped_repeated\":1",
	    path, "--force");
	assert_sql("SELECT concat_ws(' ', input_rate, output_rate, tier_tokens, tier_output_rate) "
		   "FROM model_pricing WHERE provider = 'azure' AND model = 'one'",
	    "2800 33333333 272000 40000000");
	/* The models that were gone before are not lost again. */
	assert_import(EX_OK, "\"added\":0,\"changed\":0,\"gone\":196", path, NULL);
	free(path);
	path = write_file("{\"azure/one\":{\"litellm_provider\":\"azure\",\"mode\":\"chat\","
			  "\"input_cost_per_token\":3e-9,\"output_cost_per_token\":0}}");
	assert_import(EX_OK, "\"added\":0,\"changed\":1", path, "--valid-from=2038-01-02");
	assert_sql("SELECT count(*) FROM model_pricing WHERE model = 'one' "
		   "AND valid_from = '2038-01-02Z' AND input_rate = 3000 AND output_rate = 0",
	    "1");
	free(path);
	path = write_file("{\"azure/one\":{\"litellm_provider\":\"azure\",\"mode\":\"chat\","
			  "\"input_cost_per_token\":4e-9,\"output_cost_per_token\":0}}");
	assert_import(EX_USAGE, "begins at that time or later", path, "--valid-from=2038-01-02");
	free(path);
}

static void
test_list_and_diff(void **state)
{
	char *path = source_path("conf/model_prices.json"), *output;

	(void)state;
	assert_int_equal(servers_tally(servers, &output, "prices", "list", "--model", "gpt-4o-mini",
			     "--json", NULL),
	    EX_OK);
	assert_non_null(strstr(output, "\"input\":0.15,\"output\":0.6,\"cached\":0.075"));
	free(output);
	assert_int_equal(servers_tally(servers, &output, "prices", "list", "--model=one",
			     "--at=2038-01-02", "--json", NULL),
	    EX_OK);
	assert_non_null(strstr(output, "\"input\":0.003,"));
	assert_null(strstr(output, "\"input\":0.0028,"));
	free(output);
	assert_int_equal(servers_tally(servers, &output, "prices", "diff", path, NULL), EX_OK);
	assert_non_null(strstr(output, "models 196, added 0, changed 0, gone 1"));
	free(output);
	free(path);
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_POSTGRES);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped_file),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_list_and_diff),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
