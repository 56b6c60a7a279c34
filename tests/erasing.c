#include "tests/erasing.h"

#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "tests/api.h"

static struct servers *servers;
static const char *client;

int
erasing_start(void **state)
{
	api_start(state);
	servers = api_servers();
	return 0;
}

const char *
erasing_use_client(const char *name)
{
	api_use_new_client(name);
	client = api_sql("SELECT id FROM clients WHERE name = '%s'", name);
	return client;
}

const char *
erasing_add_user(const char *mark)
{
	return api_add("/v1/users",
	    api_text(
		"{\"external_id\":\"%s\",\"email\":\"%s@example.org\",\"oauth_provider\":\"p\","
		"\"oauth_id\":\"%s\"}",
		mark, mark, mark));
}

/* The receipt of tally erase; kept until the program ends. */
const char *
erasing_run(const char *option, const char *value)
{
	const char *name = api_sql("SELECT name FROM clients WHERE id = '%s'", client), *kept;
	char *output;
	int status = servers_tally(
	    servers, &output, "erase", "--client", name, option, value, "--json", NULL);

	if (status != EX_OK)
		fail_msg("erase: %d %s", status, output);
	kept = api_text("%s", output);
	free(output);
	return kept;
}

/* How often the text stands in any row of any table that has one, by table; "" nowhere. */
static const char *
where_is(const char *text)
{
	return api_sql(
	    "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class\n"
	    "WHERE relkind IN ('r', 'p') AND NOT relispartition\n"
	    "AND relnamespace = 'public'::regnamespace\n"
	    "AND query_to_xml(format('SELECT t::text FROM %%I t', relname), true, false, '')::text\n"
	    "LIKE '%%%s%%'",
	    text);
}

void
erasing_expect_nowhere(const char *text)
{
	const char *tables = where_is(text);

	assert_string_equal(api_sql("SELECT count(*) FROM idempotency_keys\n"
				    "WHERE position('%s'::bytea IN body) > 0",
				text),
	    "0");
	if (tables[0] != '\0')
		fail_msg("%s is left in %s", text, tables);
}
