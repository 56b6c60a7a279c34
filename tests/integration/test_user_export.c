/* All that is kept of a user: every row, no secret, nobody else's. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/api/users_export.h"
#include "lib/base.h"
#include "lib/model/erasure_tables.h"
#include "lib/model/user_export.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/erasing.h"

static struct servers *servers;

static int
start(void **state)
{
	erasing_start(state);
	servers = api_servers();
	return 0;
}

/* Lines of the last answer. */
static int
count_lines(const char *text, const char *with)
{
	int count = 0;

	for (const char *at = text; (at = strstr(at, with)) != NULL; at += strlen(with))
		count++;
	return count;
}

static const char *export(const char *user)
{
	api_expect(200, "GET", api_text("/v1/users/%s/export", user), NULL);
	return api_text("%s", api_answer()->body);
}

static const char *
fill(const char *mark)
{
	const char *id = erasing_add_user(mark), *record;

	api_expect(200, "PATCH", api_text("/v1/users/%s", id),
	    "{\"password_hash\":\"secret-of-the-user\"}");
	api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", id));
	api_add("/v1/budgets", api_text("{\"name\":\"%s\",\"window\":\"day\",\"limit_cents\":5,"
					"\"scope\":{\"user_id\":\"%s\"}}",
				   mark, id));
	record = api_add("/v1/chat-logs",
	    api_text(
		"{\"user_id\":\"%s\",\"input_tokens\":7,\"metadata\":{\"of\":\"%s\"}}", id, mark));
	api_expect(200, "POST", "/v1/prompts/analyze",
	    api_text("{\"event_id\":\"%s\",\"prompt\":\"%s\"}", record, mark));
	api_add("/v1/authorizations", api_text("{\"user_id\":\"%s\",\"max_cost_cents\":1}", id));
	return id;
}

static void
every_row_is_there_and_no_secret(UNUSED void **state)
{
	static const char *const tables[] = { "users", "sessions", "budgets", "chat_logs",
		"prompt_events", "prompt_analysis", "authorizations", "cost_aggregates",
		"audit_log" };
	const char *text, *other, *id;

	erasing_use_client("user-export");
	other = fill("another");
	id = fill("the-one");
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	text = export(id);
	assert_string_equal(http_header(api_answer(), "content-type"), "application/x-ndjson");
	for (size_t i = 0; i < COUNT(tables); i++)
		if (count_lines(text, api_text("{\"table\":\"%s\",\"row\":{", tables[i])) == 0)
			fail_msg("%s is not in %s", tables[i], text);
	assert_non_null(strstr(text, "the-one@example.org"));
	assert_null(strstr(text, "another"));
	assert_null(strstr(text, other));
	assert_null(strstr(text, "secret-of-the-user"));
	for (size_t i = 0; erasure_table_at(i) != NULL; i++)
		if (erasure_table_at(i)->secret != NULL)
			assert_null(strstr(text, api_text("\"%s\":", erasure_table_at(i)->secret)));
}

static void
the_command_writes_the_same(UNUSED void **state)
{
	const char *id;
	char *output;

	erasing_use_client("user-export-command");
	id = fill("by-name");
	/* Who is deleted is there until the grace period is over. */
	api_expect(204, "DELETE", api_text("/v1/users/%s", id), NULL);
	assert_int_equal(servers_tally(servers, &output, "export-user", "--client",
			     "user-export-command", "--external-id", "by-name", NULL),
	    EX_OK);
	assert_string_equal(output, export(id));
	free(output);
	EXPECT_TALLY(EX_USAGE, "--client is needed", "export-user");
	erasing_run("--user", id);
	api_expect(404, "GET", api_text("/v1/users/%s/export", id), NULL);
}

static const char *
fill_log(const char *name, int count, int bytes)
{
	const char *client = erasing_use_client(name), *id = erasing_add_user(name);

	api_sql("INSERT INTO chat_logs (client_id, id, created_at, user_id, metadata)\n"
		"SELECT '%s', gen_random_uuid(), now(), '%s',\n"
		"jsonb_build_object('of', repeat('x', %d)) FROM generate_series(1, %d)",
	    client, id, bytes, count);
	return id;
}

static void
more_rows_than_a_portion_are_all_there(UNUSED void **state)
{
	int count = 2 * USER_EXPORT_PORTION + 1;
	const char *id = fill_log("user-export-many", count, 1);

	assert_int_equal(count_lines(export(id), "{\"table\":\"chat_logs\""), count);
}

static void
more_than_an_answer_holds_is_for_the_command(UNUSED void **state)
{
	const char *id = fill_log("user-export-large", 1 + USERS_EXPORT_BYTES_MAX / 16384, 16384);
	char *output;
	int status;

	api_expect(409, "GET", api_text("/v1/users/%s/export", id), NULL);
	status = servers_tally(
	    servers, &output, "export-user", "--client", "user-export-large", "--user", id, NULL);
	if (status != EX_OK)
		fail_msg("%d %s", status, output + strlen(output) - 200);
	assert_true(strlen(output) > USERS_EXPORT_BYTES_MAX);
	free(output);
}

/* Or a key that reads no record would read those of every user in turn. */
static void
it_needs_every_scope_that_reads_some_of_it(UNUSED void **state)
{
	static const char *const scopes[] = { "users", "logs:read", "budgets:read", "credits",
		"conversations", "tools", "admin" };
	const char *id, *whole, *path;

	erasing_use_client("user-export-scope");
	id = erasing_add_user("user-export-scope");
	path = api_text("/v1/users/%s/export", id);
	whole = api_key();
	for (size_t without = 0; without <= COUNT(scopes); without++) {
		const char *list = "\"agents\"";

		for (size_t i = 0; i < COUNT(scopes); i++)
			if (i != without)
				list = api_text("%s,\"%s\"", list, scopes[i]);
		api_use_key(whole);
		api_add("/v1/auth-tokens", api_text("{\"name\":\"k\",\"scopes\":[%s]}", list));
		api_use_key(api_keep("token"));
		api_expect(without < COUNT(scopes) ? 403 : 200, "GET", path, NULL);
		if (without < COUNT(scopes))
			assert_string_equal(api_json("detail"),
			    api_text("The key lacks the scope %s.", scopes[without]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_there_and_no_secret),
		cmocka_unit_test(the_command_writes_the_same),
		cmocka_unit_test(more_rows_than_a_portion_are_all_there),
		cmocka_unit_test(more_than_an_answer_holds_is_for_the_command),
		cmocka_unit_test(it_needs_every_scope_that_reads_some_of_it),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
