#include "tests/test.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tests/books.h"
#include "tests/servers.h"

#define REJECTED 1

static struct servers *servers;
static const char *url;
static char *key, *now;

static char *
path_of(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", servers_folder(servers), name) > 0);
	return path;
}

/* Each "@" in the text is the time now. */
static void
write_file(const char *name, const char *text)
{
	char *path = path_of(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	for (; *text != '\0'; text++) {
		if (*text == '@')
			assert_true(fputs(now, file) >= 0);
		else
			assert_true(fputc(*text, file) != EOF);
	}
	assert_int_equal(fclose(file), 0);
	free(path);
}

static void
expect_import(const char *name, int status, const char *prints)
{
	char *path = path_of(name), *output;
	int got = servers_tally(
	    servers, &output, "import", path, "--url", url, "--key", key, "--json", NULL);

	if (got != status || strstr(output, prints) == NULL)
		fail_msg("%s: status %d, output: %s", name, got, output);
	free(output);
	free(path);
}

static void
test_ndjson(void **state)
{
	(void)state;
	write_file("a.ndjson", "{\"created_at\":\"@\",\"input_tokens\":1}\n"
			       "\n"
			       "{\"created_at\":\"@\",\"input_tokens\":1}\n"
			       " {\"id\":\"mine\", \"created_at\":\"@\",\"input_tokens\":2}\r\n"
			       "{\"created_at\":\"@\",\"input_tokens\":3}");
	expect_import("a.ndjson", EX_OK, "\"accepted\":4,\"duplicates\":0,\"rejected\":0");
	expect_import("a.ndjson", EX_OK, "\"accepted\":0,\"duplicates\":4,\"rejected\":0");
	books_expect(
	    servers, "SELECT concat_ws(' ', count(*), sum(input_tokens)) FROM chat_logs", "4 7");
}

static void
test_rejected_lines(void **state)
{
	(void)state;
	write_file("b.ndjson", "{\"created_at\":\"@\",\"input_tokens\":10}\n"
			       "{\"input_tokens\":11}\n"
			       "{\"created_at\":\"@\",\"input_tokens\":\n"
			       "{\"created_at\":\"@\",\"inputs\":12}\n"
			       "{\"created_at\":\"@\",\"input_tokens\":13}\n");
	expect_import("b.ndjson", REJECTED, "\"accepted\":2,\"duplicates\":0,\"rejected\":3");
	expect_import("b.ndjson", REJECTED,
	    "{\"event\":\"rejected\",\"line\":2,\"field\":null,"
	    "\"problem\":\"has neither id nor created_at\"}");
	expect_import("b.ndjson", REJECTED, "\"line\":3,");
	expect_import("b.ndjson", REJECTED, "\"line\":4,\"field\":\"inputs\"");
}

static void
test_csv(void **state)
{
	(void)state;
	write_file("c.csv",
	    "\xef\xbb\xbf"
	    "created_at,input_tokens,estimated_cost_cents,success,tags,feature,metadata,received_at\r\n"
	    "@,100,0.0000001,false,a b,\"x, \"\"y\"\"\nz\",\"{\"\"k\"\":[1]}\",@\r\n"
	    "@,200,,,,,,\r\n"
	    "@,many,,,,,,\r\n"
	    "@,1\r\n");
	expect_import("c.csv", REJECTED, "\"accepted\":2,\"duplicates\":0,\"rejected\":2");
	/* The quoted cell spans two lines. */
	expect_import("c.csv", REJECTED, "\"line\":5,\"field\":\"input_tokens\"");
	expect_import("c.csv", REJECTED, "\"line\":6,");
	expect_import("c.csv", REJECTED, "\"accepted\":0,\"duplicates\":2,\"rejected\":2");
	books_expect(servers,
	    "SELECT concat_ws('|', estimated_cost_cents, success, tags, replace(feature, E'\\n', "
	    "'/'), metadata) FROM chat_logs WHERE input_tokens = 100",
	    "0.0000001|f|{a,b}|x, \"y\"/z|{\"k\": [1]}");
}

static void
test_more_than_a_chunk(void **state)
{
	char *path = path_of("d.ndjson");
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 5001; i++)
		fprintf(file, "{\"created_at\":\"%s\",\"output_tokens\":%d}\n", now, i);
	assert_int_equal(fclose(file), 0);
	free(path);
	expect_import("d.ndjson", EX_OK, "\"accepted\":5001,\"duplicates\":0,\"rejected\":0");
	expect_import("d.ndjson", EX_OK, "\"accepted\":0,\"duplicates\":5001,\"rejected\":0");
}

static void
test_refused(void **state)
{
	char *good = key;

	(void)state;
	write_file("e.csv", "created_at,colour\n@,blue\n");
	expect_import("e.csv", EX_DATAERR, "column 2");
	write_file("f.csv", "");
	expect_import("f.csv", EX_OK, "\"accepted\":0");
	expect_import("nothing.csv", EX_USAGE, "cannot be opened");
	key = (char[]){ "tally_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	expect_import("a.ndjson", EX_NOPERM, "401");
	key = good;
	servers_signal(servers, SERVER_TALLYD, SIGTERM);
	(void)servers_wait(servers, SERVER_TALLYD);
	servers_restart(servers, SERVER_TALLYD);
	expect_import("a.ndjson", EX_OK, "\"accepted\":0,\"duplicates\":4");
	url = "ftp://127.0.0.1";
	expect_import("a.ndjson", EX_USAGE, "--url must begin");
	url = servers_http_url(servers);
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_NGINX);
	url = servers_http_url(servers);
	key = servers_key(servers, "acme");
	now = servers_sql(
	    servers, "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	EXPECT_TALLY(EX_OK, NULL, "partitions");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	free(key);
	free(now);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ndjson),
		cmocka_unit_test(test_rejected_lines),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_more_than_a_chunk),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
