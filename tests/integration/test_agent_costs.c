/* What agent sessions cost: by their records, by what is stated, and what credits pay of it. */
#include "tests/test.h"

#include <pthread.h>
#include <string.h>

#include "lib/base.h"
#include "tests/agents.h"
#include "tests/api.h"
#include "tests/bound.h"
#include "tests/paying.h"

#define RECORDS "/v1/chat-logs"
#define UNKNOWN "01890000-0000-7000-8000-000000000000"

/* Of the user who pays. */
static const char *
begin(void)
{
	return api_add(AGENTS_PATH, api_text("{\"user_id\":\"%s\"}", paying_user()));
}

/* A record of the session as JSON. */
static const char *
record_of(const char *session, const char *cents, const char *more)
{
	return paying_record(cents, api_text(",\"agent_session_id\":\"%s\"%s", session, more));
}

static void
complete(const char *session, const char *cents)
{
	api_expect(200, "POST", agents_at(session, "/complete"),
	    api_text("{\"total_cost_cents\":%s}", cents));
}

static void
expect_sums(const char *session, const char *calls, const char *cents, const char *tokens)
{
	api_expect(200, "GET", agents_at(session, ""), NULL);
	api_expect_json("calls", calls);
	api_expect_json("total_cost_cents", cents);
	api_expect_json("tokens_used", tokens);
}

/* Whatever way a record takes, and however often it comes. */
static void
records_are_counted_once(UNUSED void **state)
{
	const char *one, *other, *twice, *time;

	paying_use_client("agents-records", "off");
	one = begin();
	other = begin();
	api_add(RECORDS, record_of(one, "1.5", ",\"input_tokens\":10"));
	expect_sums(one, "1", "1.5", "10");
	time = api_sql("SELECT to_char(now() AT TIME ZONE 'UTC' - interval '1 hour',\n"
		       "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	twice = record_of(
	    one, "2", api_text(",\"input_tokens\":5,\"id\":\"twice\",\"created_at\":\"%s\"", time));
	api_add(RECORDS, twice);
	api_expect(200, "POST", RECORDS, twice);
	expect_sums(one, "2", "3.5", "15");
	/* An id that is no session's is stored, and counted nowhere. */
	api_expect(200, "POST", RECORDS,
	    api_text("[%s,%s,%s,%s,%s]", twice, record_of(one, "2", ""), record_of(other, "3", ""),
		record_of(one, "4", ""), record_of(UNKNOWN, "9", "")));
	api_expect_json("accepted", "4");
	expect_sums(one, "4", "9.5", "15");
	expect_sums(other, "1", "3", "0");
	assert_string_equal(
	    api_sql(
		"SELECT count(*) FROM agent_session_usage WHERE agent_session_id = '" UNKNOWN "'"),
	    "0");
	/* A record whose cost is not known is a call, too. */
	api_add(RECORDS,
	    api_text(
		"{\"agent_session_id\":\"%s\",\"input_tokens\":1,\"model\":\"no-such\"}", other));
	expect_sums(other, "2", "3", "1");
}

static void
late_records_are_counted(UNUSED void **state)
{
	const char *session;

	paying_use_client("agents-late", "off");
	session = begin();
	complete(session, "1");
	api_add(RECORDS, record_of(session, "4", ",\"input_tokens\":2"));
	expect_sums(session, "1", "4", "2");
}

/* A call whose cost was held for, one that was not, and then what is stated for both. */
static void
only_what_no_record_paid_for_is_posted(UNUSED void **state)
{
	const char *session, *authorization;

	paying_use_client("agents-rest", "user");
	paying_post("{\"type\":\"purchase\",\"amount\":25}");
	session = begin();
	authorization = api_add("/v1/authorizations",
	    api_text("{\"user_id\":\"%s\",\"agent_session_id\":\"%s\",\"max_cost_cents\":100}",
		paying_user(), session));
	api_expect(201, "POST", api_text("/v1/authorizations/%s/settle", authorization),
	    "{\"message_length\":1,\"verified_cost_cents\":60}");
	api_add(RECORDS, record_of(session, "40", ""));
	complete(session, "375");
	expect_sums(session, "2", "375", "0");
	paying_expect_balance("21.25", "0");
	paying_expect_ledger(
	    "purchase 25, hold -1, release 1, usage -0.6, usage -0.4, usage -2.75");
	paying_check_books("agents-rest");
}

static const struct {
	const char *sentence;
	const char *recorded, *stated; /* cents */
	const char *total, *balance;
} costs[] = {
	{ "records that cost more count", "200", "150", "200", "23" },
	{ "the same is paid", "200", "200", "200", "23" },
	{ "a nano-dollar more is posted", "200", "200.0000001", "200.0000001", "22.999999999" },
	{ "nothing stated", "200", "null", "200", "23" },
	{ "a stated 0 is less", "200", "0", "200", "23" },
};

static void
the_greater_of_recorded_and_stated_counts(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(costs); i++) {
		const char *session, *balance;

		paying_use_client(api_text("agents-greater-%zu", i), "user");
		paying_post("{\"type\":\"purchase\",\"amount\":25}");
		session = begin();
		api_add(RECORDS, record_of(session, costs[i].recorded, ""));
		complete(session, costs[i].stated);
		expect_sums(session, "1", costs[i].total, "0");
		api_expect(200, "GET", paying_path(""), NULL);
		balance = api_keep("current_balance");
		if (strcmp(balance, costs[i].balance) != 0)
			fail_msg("%s: %s", costs[i].sentence, balance);
	}
}

static void
what_the_account_lacks_is_uncovered(UNUSED void **state)
{
	const char *session;

	paying_use_payer("agents-uncovered");
	session = begin();
	api_expect(200, "POST", agents_at(session, "/fail"), "{\"total_cost_cents\":250}");
	paying_expect("current_balance", "0");
	paying_expect("uncovered", "1.5");
	paying_check_books("agents-uncovered");
}

static void
the_clients_account_pays_where_it_is_to(UNUSED void **state)
{
	const char *session, *user, *key;

	paying_use_client("agents-client", "client");
	user = paying_user();
	session = begin();
	paying_use_user("client");
	paying_post("{\"type\":\"purchase\",\"amount\":5}");
	complete(session, "100");
	paying_expect_balance("4", "0");
	/* Also where the key sees no account but its user's. */
	key = api_key();
	paying_use_user(user);
	session = begin();
	api_use_key(
	    bound_make_key(api_sql("SELECT id FROM clients WHERE name = 'agents-client'"), user));
	complete(session, "100");
	api_use_key(key);
	paying_use_user("client");
	paying_expect_balance("3", "0");
}

static void
nobody_pays_where_credits_are_off(UNUSED void **state)
{
	paying_use_client("agents-off", "off");
	complete(begin(), "100");
	assert_string_equal(api_sql("SELECT count(*) FROM credit_accounts a JOIN clients c\n"
				    "ON c.id = a.client_id WHERE c.name = 'agents-off'"),
	    "0");
}

#define ENDERS 4

struct caller {
	pthread_t thread;
	const char *path, *body;
	int calls;
	int done;
};

static void *
call_in_thread(void *argument)
{
	struct caller *caller = argument;

	for (int i = 0; i < caller->calls; i++) {
		struct http_answer answer = api_call("POST", caller->path, NULL, caller->body);

		caller->done += answer.status == 200 || answer.status == 201;
		http_free(&answer);
	}
	return NULL;
}

static void
begin_call(struct caller *caller, const char *path, const char *body, int calls)
{
	*caller = (struct caller){ .path = path, .body = body, .calls = calls };
	assert_int_equal(pthread_create(&caller->thread, NULL, call_in_thread, caller), 0);
}

static int
end_call(struct caller *caller)
{
	assert_int_equal(pthread_join(caller->thread, NULL), 0);
	return caller->done;
}

static void
it_is_paid_once_whoever_ends_it(UNUSED void **state)
{
	static const char *const headers[] = { "Idempotency-Key: once", NULL };
	struct caller callers[ENDERS];
	const char *session;
	int done = 0;

	paying_use_client("agents-once", "user");
	paying_post("{\"type\":\"purchase\",\"amount\":5}");
	session = begin();
	for (int i = 0; i < ENDERS; i++)
		begin_call(&callers[i], agents_at(session, i % 2 ? "/complete" : "/fail"),
		    "{\"total_cost_cents\":100}", 1);
	for (int i = 0; i < ENDERS; i++)
		done += end_call(&callers[i]);
	assert_int_equal(done, 1);
	paying_expect_ledger("purchase 5, usage -1");
	session = begin();
	for (int i = 0; i < 2; i++)
		assert_int_equal(api_send("POST", agents_at(session, "/complete"), headers,
				     "{\"total_cost_cents\":100}"),
		    200);
	paying_expect_ledger("purchase 5, usage -1, usage -1");
}

#define WRITERS 3
#define RECORDS_EACH 15

/* Records of a session come while it is completed. Those that the account paid for before are not
 * paid again, the others are paid for themselves. */
static void
records_on_their_way_are_paid_once(UNUSED void **state)
{
	struct caller writers[WRITERS];
	const char *session;
	int done = 0;

	paying_use_client("agents-race", "user");
	paying_post("{\"type\":\"purchase\",\"amount\":25}");
	session = begin();
	for (int i = 0; i < WRITERS; i++)
		begin_call(&writers[i], RECORDS, record_of(session, "10", ""), RECORDS_EACH);
	complete(session, "1000");
	for (int i = 0; i < WRITERS; i++)
		done += end_call(&writers[i]);
	assert_int_equal(done, WRITERS * RECORDS_EACH);
	assert_string_equal(
	    api_sql("SELECT -t.amount = 10 + coalesce((SELECT sum(b.amount)\n"
		    "FROM credit_transactions b WHERE b.client_id = t.client_id\n"
		    "AND b.account_id = t.account_id AND b.transaction_type = 'usage'\n"
		    "AND b.sequence < t.sequence), 0)\n"
		    "FROM credit_transactions t WHERE source_id = '%s'",
		session),
	    "t");
	paying_check_books("agents-race");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_counted_once),
		cmocka_unit_test(late_records_are_counted),
		cmocka_unit_test(only_what_no_record_paid_for_is_posted),
		cmocka_unit_test(the_greater_of_recorded_and_stated_counts),
		cmocka_unit_test(what_the_account_lacks_is_uncovered),
		cmocka_unit_test(the_clients_account_pays_where_it_is_to),
		cmocka_unit_test(nobody_pays_where_credits_are_off),
		cmocka_unit_test(it_is_paid_once_whoever_ends_it),
		cmocka_unit_test(records_on_their_way_are_paid_once),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
