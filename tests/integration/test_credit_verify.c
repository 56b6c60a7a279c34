/* Whatever is changed in the books of the credits, tally verify names it. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/crediting.h"

#define MANY 250 /* accounts: more than are checked at a time */

/* What an owner of the database could do who hides it, and what is found then. */
static const struct {
	const char *sql; /* behind "UPDATE … WHERE" of the account's rows */
	const char *what;
	const char *expected, *found;
} breaks[] = {
	{ "UPDATE credit_accounts SET current_balance = current_balance + 1 WHERE user_id = $1",
	    "current_balance", "5.000000000", "6.000000000" },
	{ "UPDATE credit_accounts SET current_balance = current_balance + 1 WHERE user_id = $1",
	    "grants", "6.000000000", "5.000000000" },
	{ "UPDATE credit_accounts SET lifetime_purchased = 0 WHERE user_id = $1",
	    "lifetime_purchased", "10.000000000", "0.000000000" },
	{ "UPDATE credit_accounts SET lifetime_spent = 4 WHERE user_id = $1", "lifetime_spent",
	    "3.000000000", "4.000000000" },
	{ "UPDATE credit_accounts SET lifetime_refunded = 0 WHERE user_id = $1",
	    "lifetime_refunded", "1.000000000", "0.000000000" },
	{ "UPDATE credit_accounts SET held = 9 WHERE user_id = $1", "held", "3.000000000",
	    "9.000000000" },
	{ "DELETE FROM credit_holds WHERE account_id = $2", "holds", "3.000000000", "0.000000000" },
	{ "UPDATE credit_grants SET remaining = remaining - 1 WHERE account_id = $2 AND amount = 10",
	    "grants", "5.000000000", "4.000000000" },
	{ "UPDATE credit_accounts SET last_sequence = 9 WHERE user_id = $1", "last_sequence", "4",
	    "9" },
	{ "UPDATE credit_accounts SET last_hash = decode(repeat('ff', 32), 'hex')\n"
	  "WHERE user_id = $1",
	    "last_hash", NULL, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
	{ "UPDATE credit_transactions SET amount = 20 WHERE account_id = $2 AND sequence = 1",
	    "balance_after", "20.000000000", "10.000000000" },
	{ "UPDATE credit_transactions SET amount = 20, balance_after = 20\n"
	  "WHERE account_id = $2 AND sequence = 1",
	    "hash", NULL, NULL },
	{ "UPDATE credit_transactions SET source_id = gen_random_uuid()\n"
	  "WHERE account_id = $2 AND sequence = 2",
	    "hash", NULL, NULL },
	{ "UPDATE credit_transactions SET hash = sha256('') WHERE account_id = $2 AND sequence = 2",
	    "hash", NULL, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "UPDATE credit_transactions SET created_at = created_at - interval '1 day'\n"
	  "WHERE account_id = $2 AND sequence = 3",
	    "created_at", NULL, NULL },
	{ "DELETE FROM credit_transactions WHERE account_id = $2 AND sequence = 2", "sequence", "2",
	    "3" },
	{ "DELETE FROM credit_transactions WHERE account_id = $2 AND sequence = 4", "last_sequence",
	    "3", "4" },
	{ "ALTER TABLE credit_accounts DROP CONSTRAINT credit_accounts_floor;\n"
	  "UPDATE credit_accounts SET current_balance = -1 WHERE user_id = $1",
	    "overdraft", "0.000000000", "-1.000000000" },
};

static struct id user;
static char account[ID_TEXT_SIZE];

/* What stands for $1 and $2 is put in; free it. */
static char *
sql_of(const char *sql)
{
	char *text, id[ID_TEXT_SIZE];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs("SET session_replication_role = replica;\n", out); /* no trigger, no foreign key */
	for (; *sql != '\0'; sql++) {
		if (*sql != '$')
			fputc(*sql, out);
		else
			fprintf(out, "'%s'", *++sql == '1' ? id_format(user, id) : account);
	}
	fclose(out);
	return text;
}

static void
run_sql(const char *sql)
{
	char *text = sql_of(sql);

	free(servers_sql(crediting_servers, text));
	free(text);
}

static char *
verify(int status)
{
	char *output;
	int found = servers_tally(crediting_servers, &output, "verify", "--json", NULL);

	if (found != status)
		fail_msg("verify ends with %d: %s", found, output);
	return output;
}

static void
whole_books_have_no_difference(UNUSED void **state)
{
	char *output = verify(0), expected[100];

	(void)snprintf(
	    expected, sizeof expected, "\"credit_accounts\":%d,\"differences\":0", MANY + 1);
	if (strstr(output, expected) == NULL)
		fail_msg("%s", output);
	free(output);
}

/* From its beginning to the end of the line. */
static bool
has_line(const char *output, size_t i)
{
	char *what, *expected, *found, *line, *copy = strdup(output), *rest = copy;
	bool has = false;

	assert_true(asprintf(&what, "\"what\":\"%s\"", breaks[i].what) > 0);
	assert_true(asprintf(&expected, "\"expected\":\"%s\"",
			breaks[i].expected == NULL ? "" : breaks[i].expected) > 0);
	assert_true(asprintf(&found, "\"found\":\"%s\"",
			breaks[i].found == NULL ? "" : breaks[i].found) > 0);
	while (!has && (line = strsep(&rest, "\n")) != NULL)
		has = strstr(line, account) != NULL && strstr(line, what) != NULL &&
		      (breaks[i].expected == NULL || strstr(line, expected) != NULL) &&
		      (breaks[i].found == NULL || strstr(line, found) != NULL);
	free(what);
	free(expected);
	free(found);
	free(copy);
	return has;
}

static void
each_difference_is_named(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(breaks); i++) {
		char *output;

		run_sql("CREATE TABLE kept_accounts AS TABLE credit_accounts;\n"
			"CREATE TABLE kept_transactions AS TABLE credit_transactions;\n"
			"CREATE TABLE kept_holds AS TABLE credit_holds;\n"
			"CREATE TABLE kept_grants AS TABLE credit_grants");
		run_sql(breaks[i].sql);
		output = verify(1);
		if (!has_line(output, i))
			fail_msg(
			    "%s\nis not named as %s:\n%s", breaks[i].sql, breaks[i].what, output);
		free(output);
		run_sql("DELETE FROM credit_grants; DELETE FROM credit_holds;\n"
			"DELETE FROM credit_transactions; DELETE FROM credit_accounts;\n"
			"INSERT INTO credit_accounts TABLE kept_accounts;\n"
			"INSERT INTO credit_transactions TABLE kept_transactions;\n"
			"INSERT INTO credit_holds TABLE kept_holds;\n"
			"INSERT INTO credit_grants TABLE kept_grants;\n"
			"DROP TABLE kept_accounts, kept_transactions, kept_holds, kept_grants");
	}
	whole_books_have_no_difference(NULL);
}

/* One account with a bit of everything, and many others. */
static int
fill(void **state)
{
	struct credit_posting usage, refund, hold;
	char *text;
	char sql[200];

	crediting_start(state);
	user = crediting_user();
	usage = crediting_posting(user, CREDIT_USAGE, CREDITS(3));
	refund = crediting_posting(user, CREDIT_REFUND, CREDITS(1));
	hold = crediting_posting(user, CREDIT_HOLD, CREDITS(3));
	crediting_purchase(user, CREDITS(10));
	crediting_expect(&usage, CREDIT_POSTED);
	crediting_expect(&refund, CREDIT_POSTED);
	crediting_expect(&hold, CREDIT_POSTED);
	for (int i = 0; i < MANY; i++)
		crediting_purchase(crediting_user(), CREDITS(1));
	(void)snprintf(sql, sizeof sql, "SELECT id FROM credit_accounts WHERE user_id = '%s'",
	    id_format(user, account));
	text = servers_sql(crediting_servers, sql);
	(void)snprintf(account, sizeof account, "%s", text);
	free(text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_books_have_no_difference),
		cmocka_unit_test(each_difference_is_named),
	};

	return cmocka_run_group_tests(tests, fill, crediting_stop);
}
