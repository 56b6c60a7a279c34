/* The checker finds what was tampered with: what it never finds proves nothing when it is silent.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/torture/checker.h"

#define RECORDS 5
#define NANOS (3 * INT64_C(10000000))

static struct checker_client clients[2];
static struct journal *journal;

/* What is done to the books of the first client, $c; the finding, and how often. */
static const struct tampering {
	const char *sentence;
	const char *sql;
	const char *redis; /* field of the client's day, and what is added */
	enum finding finding;
	long count;
} tamperings[] = {
	{ "a record that is not there any more is lost",
	    "DELETE FROM chat_logs WHERE client_id = $c AND trace_id = 'c0-2'", NULL, FINDING_LOST,
	    1 },
	{ "a record that is there three times is doubled twice",
	    "INSERT INTO chat_logs (client_id, id, created_at, trace_id, verified_cost_cents)\n"
	    "SELECT client_id, (left(id::text, 24) || '00000000000' || n)::uuid, created_at,\n"
	    "trace_id, verified_cost_cents FROM chat_logs, generate_series(1, 2) AS n\n"
	    "WHERE client_id = $c AND trace_id = 'c0-2'",
	    NULL, FINDING_DOUBLED, 2 },
	{ "a record of which nobody knows is stray",
	    "UPDATE chat_logs SET trace_id = 'c0-1000' WHERE client_id = $c AND trace_id = 'c0-2'",
	    NULL, FINDING_STRAY, 1 },
	{ "a record without a mark is stray",
	    "UPDATE chat_logs SET trace_id = NULL WHERE client_id = $c AND trace_id = 'c0-2'", NULL,
	    FINDING_STRAY, 1 },
	{ "a record with another cost is changed",
	    "UPDATE chat_logs SET verified_cost_cents = 4 WHERE client_id = $c\n"
	    "AND trace_id = 'c0-2'",
	    NULL, FINDING_CHANGED, 1 },
	{ "a record of another client is crossed",
	    "UPDATE chat_logs SET trace_id = 'c1-8', client_id = $c WHERE trace_id = 'c1-8'", NULL,
	    FINDING_CROSSED, 1 },
	{ "a day that is above the log is off",
	    "UPDATE daily_costs SET total_cost_cents = 1000 WHERE client_id = $c", NULL,
	    FINDING_DAYS, 1 },
	{ "a count that is above the log drifts", NULL, "0 1", FINDING_DRIFT, 2 },
	{ "a count that is below the log drifts", NULL, "1 -1", FINDING_DRIFT, 2 },
	{ "a budget that is beyond its limit is overspent",
	    "UPDATE budgets SET limit_cents = 14 WHERE client_id = $c", NULL, FINDING_OVERSPENT,
	    2 },
};

/* The same of its credits. */
static const struct tampering credits[] = {
	{ "an account that is not the sum is wrong",
	    "UPDATE credit_accounts SET current_balance = 7, overdraft = 9 WHERE client_id = $c",
	    NULL, FINDING_CREDITS, 2 },
	{ "a transaction that was changed breaks its chain, and the sum",
	    "UPDATE credit_transactions SET amount = amount - 1 WHERE client_id = $c\n"
	    "AND transaction_type = 'usage'",
	    NULL, FINDING_CREDITS, 3 },
	{ "a transaction of which nobody knows is wrong",
	    "UPDATE credit_details SET description = 'c0-1000' WHERE client_id = $c\n"
	    "AND description LIKE 'c0-%'",
	    NULL, FINDING_CREDITS, 3 },
	{ "a hold that no account has is wrong",
	    "INSERT INTO credit_holds (client_id, id, account_id, amount, burned_grants,\n"
	    "burned_nanos, created_at) SELECT client_id, gen_random_uuid(), id, 1, '{}', '{}',\n"
	    "now() FROM credit_accounts WHERE client_id = $c",
	    NULL, FINDING_CREDITS, 1 },
	{ "a call that was paid and is not there is wrong",
	    "UPDATE credit_transactions SET source_id = gen_random_uuid() WHERE client_id = $c\n"
	    "AND transaction_type = 'usage'",
	    NULL, FINDING_CREDITS, 2 },
};

/* Records of one client, acknowledged, with the numbers that follow. */
static void
post_records(int client)
{
	for (int i = 0; i < RECORDS; i++) {
		const struct journal_entry entry = { .client = client, .nanos = NANOS };
		size_t number = journal_add(journal, &entry);

		api_expect(201, "POST", "/v1/chat-logs",
		    api_text("{\"trace_id\":\"c%d-%zu\",\"message_length\":1,"
			     "\"verified_cost_cents\":3}",
			client, number));
		journal_tell(journal, number, JOURNAL_ACKNOWLEDGED);
	}
}

/* Credits, posted by the entries that follow: 5 in, 2 out. */
static void
post_credits(int client)
{
	static const struct {
		const char *type;
		int64_t added;
	} postings[] = { { "purchase", INT64_C(5000000000) }, { "usage", -INT64_C(2000000000) } };

	for (size_t i = 0; i < COUNT(postings); i++) {
		const struct journal_entry entry = {
			.kind = JOURNAL_POSTING, .client = client, .nanos = postings[i].added
		};
		size_t number = journal_add(journal, &entry);

		api_expect(201, "POST", "/v1/credit-accounts/client/transactions",
		    api_text("{\"type\":\"%s\",\"amount\":%d,\"description\":\"c%d-%zu\"}",
			postings[i].type, i == 0 ? 5 : 2, client, number));
		journal_tell(journal, number, JOURNAL_ACKNOWLEDGED);
	}
}

static struct checker
start_books(size_t test)
{
	journal = journal_new();
	for (int i = 0; i < 2; i++) {
		const char *name = api_text("checker-%zu-%d", test, i);

		api_use_new_client(name);
		clients[i] = (struct checker_client){ name, api_key(), true };
		api_add("/v1/budgets",
		    "{\"name\":\"all\",\"window\":\"day\",\"limit_cents\":15,\"mode\":\"hard\"}");
		post_records(i);
		post_credits(i);
	}
	return (struct checker){ api_servers(), journal, clients, 2 };
}

static const char *
with_client(const char *sql)
{
	const char *client =
	    api_sql("SELECT quote_literal(id) FROM clients WHERE name = '%s'", clients[0].name);
	const char *text = "";

	for (const char *at; (at = strstr(sql, "$c")) != NULL; sql = at + 2)
		text = api_text("%s%.*s%s", text, (int)(at - sql), sql, client);
	return api_text("%s%s", text, sql);
}

static void
tamper(const struct tampering *tampering)
{
	if (tampering->sql != NULL)
		api_sql("SET session_replication_role = replica; %s", with_client(tampering->sql));
	if (tampering->redis != NULL)
		free(servers_redis(api_servers(),
		    api_sql("SELECT 'HINCRBY tally:{' || client_id || '}:' || epoch || ':d:' || "
			    "day || ' %s' FROM counter_states JOIN clients ON id = client_id "
			    "WHERE name = '%s'",
			tampering->redis, clients[0].name)));
}

static void
what_was_tampered_with_is_found(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(tamperings); i++) {
		const struct tampering *row = &tamperings[i];
		struct checker checker = start_books(i);
		struct findings findings = checker_run(&checker);

		if (!findings_are_none(&findings))
			fail_msg("%s: before", row->sentence);
		tamper(row);
		findings = (struct findings){ 0 };
		checker_records(&checker, &findings);
		checker_days(&checker, &findings);
		checker_counted(&checker, &findings);
		if (findings.counts[row->finding] != row->count)
			fail_msg("%s: %ld", row->sentence, findings.counts[row->finding]);
		journal_free(journal);
	}
}

static void
credits_that_were_tampered_with_are_found(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(credits); i++) {
		struct checker checker = start_books(200 + i);
		struct findings findings = { 0 };

		checker_credits(&checker, &findings);
		if (!findings_are_none(&findings))
			fail_msg("%s: before", credits[i].sentence);
		tamper(&credits[i]);
		checker_credits(&checker, &findings);
		if (findings.counts[FINDING_CREDITS] != credits[i].count)
			fail_msg("%s: %ld", credits[i].sentence, findings.counts[FINDING_CREDITS]);
		journal_free(journal);
	}
}

static void
what_was_refused_must_not_be_stored(UNUSED void **state)
{
	struct checker checker = start_books(100);
	struct findings findings = { 0 };

	journal_tell(journal, 1, JOURNAL_REFUSED);
	journal_tell(journal, 2, JOURNAL_UNKNOWN);
	checker_records(&checker, &findings);
	assert_int_equal(findings.counts[FINDING_STRAY], 1);
	assert_int_equal(findings.stored, 2 * RECORDS);
	journal_free(journal);
}

static void
what_is_unknown_may_be_stored_or_not(UNUSED void **state)
{
	struct checker checker = start_books(101);
	const struct journal_entry entry = { .client = 0 };
	struct findings findings = { 0 };

	journal_tell(journal, 2, JOURNAL_UNKNOWN);
	journal_tell(journal, journal_add(journal, &entry), JOURNAL_UNKNOWN);
	checker_records(&checker, &findings);
	assert_true(findings_are_none(&findings));
	journal_free(journal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_tampered_with_is_found),
		cmocka_unit_test(credits_that_were_tampered_with_are_found),
		cmocka_unit_test(what_was_refused_must_not_be_stored),
		cmocka_unit_test(what_is_unknown_may_be_stored_or_not),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
