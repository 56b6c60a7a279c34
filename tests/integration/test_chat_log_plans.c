/* By which plans a connection reads the pages of the log. */
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

#define NOON (INT64_C(18280) * CLOCK_DAY + CLOCK_DAY / 2) /* of 2020-01-19 */

static void
read_pages(const struct chat_log_filter *filter, int days, int pages)
{
	task.now = NOON;
	for (int i = 0; i < pages; i++) {
		struct chat_log_filter page = *filter;
		struct chat_logs logs;

		page.since = NOON - days * CLOCK_DAY - i;
		page.until = INT64_MAX;
		page.limit = 50;
		fine(chat_log_list(&task, &page, &logs));
		assert_int_equal(logs.count, 0);
	}
}

/* Its newest day by itself each time, and the rest by one plan. */
static void
pages_of_long_spans_share_a_plan(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(lists); i++) {
		int64_t pages = PAGES * ((int64_t)i + 1);

		read_pages(&lists[i].filter, 30, PAGES);
		if (number(PLANS("generic_plans")) != pages ||
		    number(PLANS("custom_plans")) != pages)
			fail_msg("%s: a page was planned otherwise", lists[i].sentence);
	}
}

static void
a_page_of_one_day_is_planned_for_it(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(lists); i++)
		read_pages(&lists[i].filter, 0, PAGES);
	assert_int_equal(number(PLANS("custom_plans")), PAGES * COUNT(lists));
	assert_int_equal(number(PLANS("generic_plans")), 0);
}

/* Nor is the plan of a list looked for among the ways to combine indexes. */
static void
lists_have_no_alternatives(UNUSED void **state)
{
	for (size_t i = 0; chat_log_list_statements[i] != NULL; i++)
		assert_null(strstr(chat_log_list_statements[i], " OR "));
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
		TEST(pages_of_long_spans_share_a_plan),
		TEST(a_page_of_one_day_is_planned_for_it),
		TEST(checks_are_not_asked),
		cmocka_unit_test(lists_have_no_alternatives),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
