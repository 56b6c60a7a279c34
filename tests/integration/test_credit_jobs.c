/* What the jobs do for credit accounts: expire ends what is over, alerts tells of recharges. */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/clock.h"
#include "tests/crediting.h"

#define MANY 250 /* accounts: more than are settled at a time */

static const char over_sql[] =
    "UPDATE credit_grants SET expires_at = now() - interval '1 s' WHERE expires_at > now();\n"
    "UPDATE credit_holds SET expires_at = now() - interval '1 s' WHERE expires_at > now()";

static void
run_tally(const char *job, const char *option, const char *prints)
{
	char *output;
	int status = servers_tally(crediting_servers, &output, job, "--json", option, NULL);

	if (status != 0 || strstr(output, prints) == NULL)
		fail_msg("%s ends with %d: %s", job, status, output);
	free(output);
}

/* An account with a grant and a hold, both of which end tomorrow; its user. */
static struct id
add_account(void)
{
	struct id user = crediting_user();
	struct credit_posting grant = crediting_posting(user, CREDIT_PURCHASE, CREDITS(5));
	struct credit_posting hold = crediting_posting(user, CREDIT_HOLD, CREDITS(2));

	crediting_purchase(user, CREDITS(1));
	grant.expires_at = hold.expires_at = clock_now() + CLOCK_DAY;
	crediting_expect(&grant, CREDIT_POSTED);
	crediting_expect(&hold, CREDIT_POSTED);
	return user;
}

static void
what_is_over_is_ended(UNUSED void **state)
{
	(void)add_account();
	run_tally("expire", NULL, "\"rows\":0");
	free(servers_sql(crediting_servers, over_sql));
	run_tally("expire", "--dry-run", "\"rows\":2");
	run_tally("expire", NULL, "\"rows\":2");
	crediting_expect_sql("SELECT string_agg(transaction_type || ' ' || trunc(amount), ', '\n"
			     "ORDER BY sequence) FROM credit_transactions",
	    "purchase 1, purchase 5, hold -2, release 2, expiry -5");
	crediting_expect_sql("SELECT current_balance || ' ' || held FROM credit_accounts",
	    "1.000000000 0.000000000");
	crediting_expect_books();
	run_tally("expire", NULL, "\"rows\":0");
}

static bool
is_waiting(UNUSED void *context)
{
	char *count =
	    servers_sql(crediting_servers, "SELECT count(*) FROM pg_locks WHERE NOT granted");
	bool waits = strcmp(count, "0") != 0;

	free(count);
	return waits;
}

static void
it_can_be_killed_and_run_again(UNUSED void **state)
{
	struct task holder = crediting_task();
	struct credit_account account;
	struct id last = { 0 };
	pid_t pid;
	int status;

	for (int i = 0; i < MANY; i++)
		last = add_account();
	free(servers_sql(crediting_servers, over_sql));
	assert_true(credit_account_find_to_change(&holder, last, &account));
	pid = servers_start_tally(crediting_servers, "expire");
	assert_true(servers_await(is_waiting, NULL));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	crediting_task_end(&holder);
	crediting_expect_books();
	run_tally("expire", NULL, "\"rows\":");
	crediting_expect_books();
	crediting_expect_sql("SELECT count(*) FROM credit_holds", "0");
	crediting_expect_sql("SELECT count(*) || ' ' || sum(current_balance)::bigint\n"
			     "FROM credit_accounts WHERE current_balance = 1",
	    "251 251");
}

static void
expect_alerts(const char *count)
{
	run_tally("alerts", NULL, "\"rows\":");
	crediting_expect_sql(
	    "SELECT count(*) FROM alerts WHERE kind = 'credits.recharge_due'", count);
}

static void
use(struct id user, int64_t nanos)
{
	struct credit_posting usage = crediting_posting(user, CREDIT_USAGE, nanos);

	crediting_expect(&usage, CREDIT_POSTED);
}

static void
a_recharge_is_told_once_for_each_crossing(UNUSED void **state)
{
	struct id user = crediting_user();
	struct task task = crediting_task();
	struct credit_account account;
	char expected[200], id[ID_TEXT_SIZE], own[ID_TEXT_SIZE];

	crediting_purchase(user, CREDITS(12));
	assert_true(credit_account_find_to_change(&task, user, &account));
	account.ledger.recharge_enabled = true;
	account.recharge_amount = CREDITS(25);
	assert_true(credit_account_change(&task, &account) && db_commit(&task));
	expect_alerts("0");
	use(user, CREDITS(3));
	run_tally("alerts", "--dry-run", "\"rows\":1");
	expect_alerts("1");
	(void)snprintf(expected, sizeof expected,
	    "{\"amount\": 25, \"balance\": 9, \"user_id\": \"%s\", \"threshold\": 10, "
	    "\"account_id\": \"%s\"}",
	    id_format(user, id), id_format(account.id, own));
	crediting_expect_sql("SELECT payload - 'due_at' FROM alerts", expected);
	use(user, CREDITS(1));
	expect_alerts("1");
	crediting_purchase(user, CREDITS(25));
	expect_alerts("1");
	use(user, CREDITS(24));
	expect_alerts("2");
	crediting_task_end(&task);
}

static void
purge_leaves_the_ledger_alone(UNUSED void **state)
{
	static const char count_sql[] = "SELECT count(*) || ' ' || sum(amount)\n"
					"FROM credit_transactions";
	char *before = servers_sql(crediting_servers, count_sql);

	free(servers_sql(
	    crediting_servers, "UPDATE users SET deleted_at = now() - interval '9 years'"));
	run_tally("purge", NULL, "\"rows\":");
	crediting_expect_sql("SELECT count(*) FROM users", "0");
	crediting_expect_sql("SELECT count(*) FROM credit_accounts WHERE user_id IS NOT NULL", "0");
	crediting_expect_sql(count_sql, before);
	free(before);
	crediting_expect_books();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_over_is_ended),
		cmocka_unit_test(it_can_be_killed_and_run_again),
		cmocka_unit_test(a_recharge_is_told_once_for_each_crossing),
		cmocka_unit_test(purge_leaves_the_ledger_alone),
	};

	return cmocka_run_group_tests(tests, crediting_start, crediting_stop);
}
