#include "tests/paying.h"

#include "tests/test.h"

#include <string.h>

#include "tests/api.h"

static const char *account;

void
paying_use_account(const char *client)
{
	api_use_new_client(client);
	account = api_add("/v1/users", "{\"external_id\":\"ann\"}");
}

void
paying_use_user(const char *user)
{
	account = user;
}

const char *
paying_user(void)
{
	return account;
}

const char *
paying_path(const char *rest)
{
	return api_text("/v1/credit-accounts/%s%s", account, rest);
}

const char *
paying_post(const char *body)
{
	return api_add(paying_path("/transactions"), body);
}

void
paying_refuse(long status, const char *body)
{
	api_expect(status, "POST", paying_path("/transactions"), body);
}

void
paying_expect(const char *member, const char *value)
{
	api_expect(200, "GET", paying_path(""), NULL);
	api_expect_json(member, value);
}

void
paying_use_client(const char *name, const char *credits)
{
	api_use_new_client(name);
	/* Before anything is asked for, so that its key is read with it. */
	api_sql("UPDATE clients SET credits = '%s' WHERE name = '%s'", credits, name);
	account = api_add("/v1/users", "{\"external_id\":\"ann\"}");
}

void
paying_use_payer(const char *name)
{
	paying_use_client(name, "user");
	paying_post("{\"type\":\"purchase\",\"amount\":1}");
}

void
paying_expect_balance(const char *balance, const char *held)
{
	paying_expect("current_balance", balance);
	api_expect_json("held", held);
}

const char *
paying_record(const char *cents, const char *more)
{
	return api_text("{\"user_id\":\"%s\",\"message_length\":1,\"verified_cost_cents\":%s%s}",
	    account, cents, more);
}

void
paying_expect_ledger(const char *ledger)
{
	const char *found = "";

	api_expect(200, "GET", paying_path("/transactions"), NULL);
	for (int i = api_rows() - 1; i >= 0; i--)
		found = api_text("%s%s%s %s", found, *found == '\0' ? "" : ", ",
		    api_keep(api_text("data.%d.type", i)), api_keep(api_text("data.%d.amount", i)));
	assert_string_equal(found, ledger);
}

void
paying_check_books(const char *client)
{
	assert_string_equal(
	    api_sql(
		"SELECT count(*) FROM credit_accounts a JOIN clients c ON c.id = a.client_id\n"
		"LEFT JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS sum, count(*),\n"
		"coalesce(max(sequence), 0) AS last FROM credit_transactions t\n"
		"WHERE t.client_id = a.client_id AND t.account_id = a.id) AS t ON true\n"
		"WHERE c.name = '%s' AND ((a.current_balance, a.last_sequence, t.count)\n"
		"IS DISTINCT FROM (t.sum, t.last, t.last)\n"
		"OR a.held <> (SELECT coalesce(sum(amount), 0) FROM credit_holds h\n"
		"WHERE h.client_id = a.client_id AND h.account_id = a.id)\n"
		"OR greatest(a.current_balance, 0) <> (SELECT coalesce(sum(remaining), 0)\n"
		"FROM credit_grants g WHERE g.client_id = a.client_id AND g.account_id = a.id))",
		client),
	    "0");
}
