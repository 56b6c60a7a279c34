/* How erasures are asked for and done: by the service and the job, by the command, twice, in steps.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "lib/model/erasure.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/erasing.h"

static struct servers *servers;
static const char *client;

static int
start(void **state)
{
	erasing_start(state);
	servers = api_servers();
	return 0;
}

static const char *
add_record(const char *user)
{
	return api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"model\":\"m\",\"feature\":\"f\",\"input_tokens\":7,"
		     "\"verified_cost_cents\":3}",
		user));
}

static void
a_second_time_the_receipt_is_the_first(UNUSED void **state)
{
	const char *id, *first;

	client = erasing_use_client("erasure-twice");
	id = erasing_add_user("erasure-twice");
	first = erasing_run("--email", "Erasure-Twice@example.org");
	assert_non_null(strstr(first, "\"finished_at\":\"2"));
	assert_string_equal(erasing_run("--user", id), first);
	assert_string_equal(erasing_run("--external-id", "erasure-twice"), first);
	api_expect(202, "POST", api_text("/v1/users/%s/erase", id), "{}");
	assert_string_equal(api_text("%s\n", api_answer()->body), first);
	/* Once that is forgotten, nobody knows that there was such a user. */
	api_sql("UPDATE erased_users SET erased_at = now() - interval '31 days'");
	api_expect(404, "POST", api_text("/v1/users/%s/erase", id), "{}");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	assert_string_equal(api_sql("SELECT count(*) FROM erased_users"), "0");
}

static void
the_service_takes_the_order_and_the_job_does_it(UNUSED void **state)
{
	const char *id, *erasure, *session;

	client = erasing_use_client("erasure-api");
	id = erasing_add_user("erasure-api");
	add_record(id);
	session = api_add("/v1/sessions", api_text("{\"user_id\":\"%s\"}", id));
	api_expect(202, "POST", api_text("/v1/users/%s/erase", id), "{}");
	erasure = api_keep("id");
	assert_string_equal(api_json("finished_at"), "null");
	assert_string_equal(api_json("origin"), "api");
	/* At once the user is nobody's to use. */
	api_expect(404, "GET", api_text("/v1/users/%s", id), NULL);
	assert_string_equal(
	    api_sql("SELECT revoked_at IS NOT NULL FROM sessions WHERE id = '%s'", session), "t");
	api_expect(202, "POST", api_text("/v1/users/%s/erase", id), "{}");
	assert_string_equal(api_json("id"), erasure);
	EXPECT_TALLY(EX_OK, "\"rows\":1", "erase", "--dry-run", "--json");
	EXPECT_TALLY(EX_OK, NULL, "erase");
	erasing_expect_nowhere(id);
	api_expect(200, "GET", api_text("/v1/erasures/%s", erasure), NULL);
	assert_string_not_equal(api_json("finished_at"), "null");
	assert_string_equal(api_json("removed.chat_logs"), "1");
	assert_string_equal(api_json("removed.users"), "1");
	api_expect(200, "GET", "/v1/erasures", NULL);
	assert_int_equal(api_rows(), 1);
	api_use_scope("logs:read");
	api_expect(403, "GET", "/v1/erasures", NULL);
	api_expect(403, "POST", api_text("/v1/users/%s/erase", id), "{}");
}

/* More than two steps' worth. */
static void
a_person_with_many_records_goes_in_steps(UNUSED void **state)
{
	int count = 2 * ERASURE_PORTION + 1;
	const char *id;

	client = erasing_use_client("erasure-many");
	id = erasing_add_user("erasure-many");
	api_sql("INSERT INTO chat_logs (client_id, id, created_at, user_id)\n"
		"SELECT '%s', gen_random_uuid(), now() - n * interval '1 minute', '%s'\n"
		"FROM generate_series(1, %d) AS n",
	    client, id, count);
	assert_non_null(strstr(erasing_run("--user", id), api_text("\"chat_logs\": %d", count)));
	erasing_expect_nowhere(id);
}

static void
a_command_that_names_nobody_is_refused(UNUSED void **state)
{
	client = erasing_use_client("erasure-named");
	EXPECT_TALLY(EX_USAGE, "--client is needed", "erase", "--client=erasure-named");
	EXPECT_TALLY(EX_USAGE, "--client is needed", "erase", "--user=x");
	EXPECT_TALLY(
	    EX_USAGE, "one of", "erase", "--client=erasure-named", "--user=x", "--email=y");
	EXPECT_TALLY(EX_USAGE, "takes an id", "erase", "--client=erasure-named", "--user=x");
	EXPECT_TALLY(EX_DATAERR, NULL, "erase", "--client=erasure-named", "--external-id=x");
	EXPECT_TALLY(EX_DATAERR, "this address", "erase", "--client=erasure-named", "--email=x@y");
}

static void
a_dry_run_shows_what_would_go(UNUSED void **state)
{
	const char *id;

	client = erasing_use_client("erasure-dry");
	id = erasing_add_user("erasure-dry");
	add_record(id);
	EXPECT_TALLY(EX_OK, "\"chat_logs\": 1", "erase", "--client=erasure-dry",
	    api_text("--user=%s", id), "--dry-run", "--json");
	api_expect(200, "GET", api_text("/v1/users/%s", id), NULL);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM erasures WHERE client_id = '%s'", client), "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_time_the_receipt_is_the_first),
		cmocka_unit_test(the_service_takes_the_order_and_the_job_does_it),
		cmocka_unit_test(a_person_with_many_records_goes_in_steps),
		cmocka_unit_test(a_command_that_names_nobody_is_refused),
		cmocka_unit_test(a_dry_run_shows_what_would_go),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
