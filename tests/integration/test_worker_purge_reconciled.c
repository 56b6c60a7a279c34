/* A day that reconcile found equal to the log is closed as it is; every other one is summed. */
#include "tests/test.h"

#include <stdlib.h>
#include <sysexits.h>

#include "tests/books.h"

/*
 * Each test has a client and a day of its own. One more record is put straight into the log behind
 * reconcile, by nobody's batch: whoever sums the log finds it.
 */
#define CLIENT_REQUESTS(name) \
	"SELECT total_requests || ' ' || (closed_at IS NOT NULL) FROM daily_costs " \
	"JOIN clients c ON c.id = client_id WHERE name = '" name "' ORDER BY date DESC LIMIT 1"
#define RECONCILED(name) \
	"SELECT reconciled_in FROM daily_costs JOIN clients c ON c.id = client_id " \
	"WHERE name = '" name "' ORDER BY date DESC LIMIT 1"

static struct servers *servers;

/* The first reconcile makes the row, the second finds it equal. */
static void
make_reconciled(const char *name)
{
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name", name);
	books_insert(servers, name, 10, 3);
	EXPECT_TALLY(1, "\"healed\":true", "reconcile", "--full", "--json");
	EXPECT_TALLY(EX_OK, NULL, "reconcile", "--full");
}

static void
test_closed_without_a_sum(void **state)
{
	(void)state;
	make_reconciled("settled");
	books_expect(servers, RECONCILED("settled"), "UTC");
	books_insert(servers, "settled", 10, 1);
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, CLIENT_REQUESTS("settled"), "3 true");
}

static void
test_dry_reconcile(void **state)
{
	(void)state;
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name=dry");
	books_insert(servers, "dry", 10, 3);
	EXPECT_TALLY(1, NULL, "reconcile", "--full");
	EXPECT_TALLY(EX_OK, NULL, "reconcile", "--full", "--dry-run");
	books_expect(servers, RECONCILED("dry"), "");
	books_insert(servers, "dry", 10, 1);
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, CLIENT_REQUESTS("dry"), "4 true");
}

static void
test_late_batch(void **state)
{
	(void)state;
	make_reconciled("late");
	books_insert(servers, "late", 10, 1);
	free(servers_sql(servers,
	    "INSERT INTO ingest_batches (client_id, id, epoch, late_days) "
	    "SELECT id, '01890000-0000-7000-8000-000000000009', 1, "
	    "ARRAY[" BOOKS_TODAY("late") " - 10] FROM clients WHERE name = 'late'"));
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, CLIENT_REQUESTS("late"), "3 false");
	/* flush has summed it: the row says what the log does, and was compared by nobody. */
	EXPECT_TALLY(EX_OK, NULL, "flush");
	books_expect(servers, RECONCILED("late"), "");
	books_insert(servers, "late", 10, 1);
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, CLIENT_REQUESTS("late"), "5 true");
}

static void
test_counted_day(void **state)
{
	(void)state;
	make_reconciled("counted");
	free(servers_sql(servers,
	    "INSERT INTO counter_states (client_id, epoch, day) "
	    "SELECT id, 1, " BOOKS_TODAY("counted") " - 10 FROM clients WHERE name = 'counted'"));
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, CLIENT_REQUESTS("counted"), "3 false");
}

static void
test_zone_changed(void **state)
{
	(void)state;
	make_reconciled("moved");
	/* The first minutes of a day in UTC are of the same day there. */
	free(servers_sql(
	    servers, "UPDATE clients SET timezone = 'Europe/Berlin' WHERE name = 'moved'"));
	books_insert(servers, "moved", 10, 1);
	EXPECT_TALLY(EX_OK, NULL, "rollup");
	EXPECT_TALLY(EX_OK, NULL, "purge");
	books_expect(servers, CLIENT_REQUESTS("moved"), "4 true");
}

static int
start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_REDIS);
	servers_setting(servers, "log_retention_days", "8");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dry_reconcile),
		cmocka_unit_test(test_late_batch),
		cmocka_unit_test(test_zone_changed),
		cmocka_unit_test(test_counted_day),
		/* Last, for it leaves a difference that reconcile tells of from then on. */
		cmocka_unit_test(test_closed_without_a_sum),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
