/* Days of any zone, asked through nginx, are the same from the rollups as from the log. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/random_log.h"

#define DAY 86400
#define DAYS 8
#define RECORDS 1500

static const struct {
	const char *client, *asked;
} zones[] = {
	{ "UTC", "Asia/Kathmandu" },
	{ "Asia/Kathmandu", "America/Sao_Paulo" },
	{ "America/New_York", "Asia/Kathmandu" },
};

static const char *const questions[] = { "", "&group_by=model", "&group_by=feature,model",
	"&group_by=user", "&group_by=user&limit=2", "&group_by=tag", "&group_by=feature&model=m3",
	"&group_by=model&bucket=hour" };

static char *before[COUNT(questions)];

static const char *
ask(size_t zone, const char *question)
{
	static const char *since, *until;

	if (zone == 0 && since == NULL) {
		since = api_sql("SELECT to_char(now() - interval '%d days', 'YYYY-MM-DD')", DAYS);
		until = api_sql("SELECT to_char(now(), 'YYYY-MM-DD')");
	}
	api_expect(200, "GET",
	    api_text("/v1/analytics/usage?timezone=%s&since=%sT00:00:00Z&until=%sT00:00:00Z%s",
		zones[zone].asked, since, until, question),
	    NULL);
	return api_answer()->body;
}

static void
expect_the_same(size_t zone)
{
	for (size_t i = 0; i < COUNT(questions); i++) {
		const char *now = ask(zone, questions[i]);

		if (strcmp(now, before[i]) != 0)
			fail_msg("%s asked of %s%s:\n%s\nand not\n%s", zones[zone].asked,
			    zones[zone].client, questions[i], now, before[i]);
	}
}

static void
keep_answers(size_t zone)
{
	for (size_t i = 0; i < COUNT(questions); i++) {
		free(before[i]);
		before[i] = strdup(ask(zone, questions[i]));
	}
}

static void
roll_up(void)
{
	books_expect_tally(api_servers(), EX_OK, NULL, (const char *const[9]){ "rollup" });
}

static void
rollups_say_what_the_log_says(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(zones); i++) {
		const char *name = api_text("zones %zu", i);

		api_use_new_client(name);
		api_sql(
		    "UPDATE clients SET timezone = '%s' WHERE name = '%s'", zones[i].client, name);
		random_log_insert(api_servers(), name, 2 * (int)i + 1, RECORDS, (DAYS + 1) * DAY);
		keep_answers(i);
		assert_non_null(strstr(before[0], "\"calls\""));
		roll_up();
		expect_the_same(i);
		/* Some has changed since. */
		random_log_insert(api_servers(), name, 2 * (int)i + 2, 5, DAYS * DAY);
		keep_answers(i);
		roll_up();
		expect_the_same(i);
	}
	for (size_t i = 0; i < COUNT(questions); i++)
		free(before[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rollups_say_what_the_log_says),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
