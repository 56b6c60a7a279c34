/* A page of the log is read by a plan that its connection has made once, whatever it asks for. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "tests/db_fixture.h"

#define PAGES 8 /* more than the five that PostgreSQL plans for what is given */

/* Of the statements that read pages. */
#define PLANS(column) \
	"SELECT sum(" column ")::bigint FROM pg_prepared_statements " \
	"WHERE statement LIKE 'SELECT id, created_at, %LIMIT $5'"

static const struct {
	const char *sentence;
	struct chat_log_filter filter;
} lists[] = {
	{ "all records", { .success = -1, .unpriced = -1 } },
	{ "of a user", { .user_id = { { 1 } }, .success = -1, .unpriced = -1 } },
	{ "of a session", { .session_id = { { 1 } }, .success = -1, .unpriced = -1 } },
	{ "of a trace", { .trace_id = "t", .success = -1, .unpriced = -1 } },
	{ "of a model", { .model = "m", .success = -1, .unpriced = -1 } },
	{ "without a cost", { .success = -1, .unpriced = 1 } },
	{ "failed", { .success = 0, .unpriced = -1 } },
};

static void
read_pages(const struct chat_log_filter *filter)
{
	for (int i = 0; i < PAGES; i++) {
		struct chat_log_filter page = *filter;
		struct chat_logs logs;

		page.since = clock_now() - (i + 1) * CLOCK_DAY;
		page.until = INT64_MAX;
		page.limit = 50;
		fine(chat_log_list(&task, &page, &logs));
		assert_int_equal(logs.count, 0);
	}
}

static void
pages_share_a_plan(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(lists); i++) {
		read_pages(&lists[i].filter);
		if (number(PLANS("custom_plans")) != 0 ||
		    number(PLANS("generic_plans")) != PAGES * ((int64_t)i + 1))
			fail_msg("%s: a page was planned by itself", lists[i].sentence);
	}
}

/* Nor is the plan of a list looked for among the ways to combine indexes. */
static void
lists_have_no_alternatives(UNUSED void **state)
{
	for (size_t i = 0; chat_log_statements[i] != NULL; i++)
		assert_null(strstr(chat_log_statements[i], " OR "));
}

/* A hundred checks of partitions would be held against each condition. */
static void
checks_are_not_asked(UNUSED void **state)
{
	assert_string_equal(word("SHOW constraint_exclusion"), "off");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_share_a_plan),
		TEST(checks_are_not_asked),
		cmocka_unit_test(lists_have_no_alternatives),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
