/*
 * Messages past their time: by whole partitions where every client's time is over, row by row
 * where only one client's is. short keeps its own for 3 days, long for 9, set for 6, as the
 * settings say. Each has messages of 12 ages: half a day, a day and a half, and so on.
 */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/books.h"
#include "tests/servers.h"

static struct servers *servers;

static const char begin_sql[] =
    "INSERT INTO conversations (client_id, id, created_at, message_count, token_count)\n"
    "SELECT id, gen_random_uuid(), now() - interval '20 days', 2400, 12000\n"
    "FROM clients WHERE name <> 'operator'";

/* 200 of each age: those of short are more than purge removes at a time. */
static const char say_sql[] =
    "INSERT INTO messages (client_id, id, created_at, conversation_id, ordinal, role, content,\n"
    "tokens)\n"
    "SELECT client_id, gen_random_uuid(), now() - (days + 0.5) * interval '1 day', id,\n"
    "(11 - days) * 200 + n, 'user', 'c', 5\n"
    "FROM conversations, generate_series(0, 11) AS days, generate_series(1, 200) AS n";

/* Of which whole days the client has messages, and how many of each. */
#define AGES(name) \
	"SELECT min(days) || ' to ' || max(days) || ', ' || count(*) / count(DISTINCT days)\n" \
	"FROM (SELECT floor(extract(epoch FROM now() - created_at) / 86400) AS days\n" \
	"FROM messages WHERE client_id = (SELECT id FROM clients WHERE name = '" name "')) AS m"

/* How many days have a partition, of those from the one so long ago to the other. */
#define PARTITIONS(from, to) \
	"SELECT count(*) FROM generate_series(" #to ", " #from ") AS n\n" \
	"WHERE to_regclass(day_partition_name('messages',\n" \
	"(SELECT day FROM test_today) - n)) IS NOT NULL"

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_REDIS);
	servers_setting(servers, "message_retention_days", "6");
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name=short", "--message-retention-days=3");
	EXPECT_TALLY(
	    EX_OK, "\"message_retention_days\":null", "client", "create", "--name=set", "--json");
	EXPECT_TALLY(EX_OK, "\"message_retention_days\":9", "client", "create", "--name=long",
	    "--message-retention-days=9", "--json");
	free(servers_sql(
	    servers, "CREATE TABLE test_today AS SELECT (now() AT TIME ZONE 'UTC')::date AS day"));
	free(servers_sql(servers, begin_sql));
	free(servers_sql(servers, say_sql));
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

static void
days_of_the_past_get_partitions(UNUSED void **state)
{
	books_expect(servers, "SELECT count(*) > 0 FROM messages_default", "t");
	EXPECT_TALLY(EX_OK, "\"table\":\"messages\"", "partitions", "--json");
	books_expect(servers, "SELECT count(*) FROM messages_default", "0");
	books_expect(servers, PARTITIONS(11, 0), "12");
	books_expect(servers, AGES("short"), "0 to 11, 200");
}

static void
a_dry_run_removes_nothing(UNUSED void **state)
{
	EXPECT_TALLY(EX_OK, "\"what\":\"messages\"", "purge", "--dry-run", "--json");
	EXPECT_TALLY(EX_OK, "\"table\":\"messages\"", "purge", "--dry-run", "--json");
	books_expect(servers, PARTITIONS(11, 0), "12");
	books_expect(servers, "SELECT count(*) FROM messages", "7200");
}

/* Of long, what lies in a partition with the last that it keeps may stay some hours longer. */
static void
each_client_keeps_its_own_as_long_as_it_says(UNUSED void **state)
{
	EXPECT_TALLY(EX_OK, "\"dropped\":true", "purge", "--json");
	books_expect(servers, PARTITIONS(12, 10), "0");
	books_expect(servers, PARTITIONS(8, 0), "9");
	books_expect(servers, AGES("short"), "0 to 2, 200");
	books_expect(servers, AGES("set"), "0 to 5, 200");
	books_expect(servers,
	    "SELECT count(*) FROM messages m JOIN clients c ON c.id = m.client_id\n"
	    "WHERE name = 'long' AND m.created_at > now() - interval '9 days'",
	    "1800");
	books_expect(servers,
	    "SELECT count(*) FROM messages WHERE created_at < now() - interval '11 days'", "0");
}

static void
what_was_counted_stays(UNUSED void **state)
{
	books_expect(servers,
	    "SELECT count(*) FROM conversations WHERE message_count = 2400 AND token_count = 12000",
	    "3");
}

/* With none that keeps its own for longer, the setting is the longest. */
static void
partitions_go_when_the_last_client_lets_them(UNUSED void **state)
{
	free(servers_sql(servers,
	    "UPDATE clients SET message_retention_days = NULL WHERE name = 'long' RETURNING 1"));
	EXPECT_TALLY(EX_OK, "\"dropped\":true", "purge", "--json");
	books_expect(servers, PARTITIONS(12, 7), "0");
	books_expect(servers, PARTITIONS(5, 0), "6");
	books_expect(servers, AGES("short"), "0 to 2, 200");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_of_the_past_get_partitions),
		cmocka_unit_test(a_dry_run_removes_nothing),
		cmocka_unit_test(each_client_keeps_its_own_as_long_as_it_says),
		cmocka_unit_test(what_was_counted_stays),
		cmocka_unit_test(partitions_go_when_the_last_client_lets_them),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
