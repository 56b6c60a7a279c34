/* GET /v1/credit-accounts/{user_id}/statements/{month}: JSON, CSV and SQL say the same. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/paying.h"

#define MEMBERS 5

static const char *const csv[] = { "Accept: text/csv", NULL };

static const char *
this_month(void)
{
	return api_sql("SELECT to_char(now() AT TIME ZONE timezone, 'YYYY-MM') FROM clients\n"
		       "WHERE name = 'history'");
}

static const char *
statement(const char *month, const char *query)
{
	return paying_path(api_text("/statements/%s%s", month, query));
}

/* Some of each, and the ends of a month before. */
static void
make_history(void)
{
	const char *hold, *usage;

	paying_use_account("history");
	paying_post("{\"type\":\"purchase\",\"amount\":10,\"description\":\"a \\\"gift\\\", so\"}");
	usage = paying_post("{\"type\":\"usage\",\"amount\":2.5}");
	hold = paying_post("{\"type\":\"hold\",\"amount\":3}");
	paying_post(api_text("{\"type\":\"usage\",\"amount\":1,\"hold_id\":\"%s\"}", hold));
	paying_post(api_text("{\"type\":\"refund\",\"amount\":2,\"refunded_id\":\"%s\"}", usage));
	paying_post("{\"type\":\"adjustment\",\"amount\":-0.0001}");
	paying_post("{\"type\":\"hold\",\"amount\":4}");
}

/* As SQL has them. */
static const char *
rows_of_sql(void)
{
	return api_sql("SELECT string_agg(concat_ws(',', sequence, t.id, transaction_type,\n"
		       "trim_scale(amount), trim_scale(balance_after)), E'\n' ORDER BY sequence)\n"
		       "FROM credit_transactions t JOIN clients c ON c.id = t.client_id\n"
		       "WHERE c.name = 'history'");
}

static const char *
rows_of_json(void)
{
	static const char *const members[MEMBERS] = { "sequence", "id", "type", "amount",
		"balance_after" };
	const char *rows = "";

	for (int i = 0; strcmp(api_json(api_text("transactions.%d", i)), "(none)") != 0; i++) {
		for (size_t m = 0; m < MEMBERS; m++)
			rows = api_text("%s%s%s", rows,
			    m > 0   ? ","
			    : i > 0 ? "\n"
				    : "",
			    api_keep(api_text("transactions.%d.%s", i, members[m])));
	}
	return rows;
}

/* The first columns of each line behind the first. */
static const char *
rows_of_csv(const char *body)
{
	const char *rows = "";

	for (const char *line = strchr(body, '\n') + 1; *line != '\0';
	     line = strchr(line, '\n') + 1) {
		const char *end = line;

		for (int m = 0; m < MEMBERS; m++)
			end = strchr(end + (m > 0), ',');
		rows =
		    api_text("%s%s%.*s", rows, *rows == '\0' ? "" : "\n", (int)(end - line), line);
	}
	return rows;
}

static void
all_formats_say_the_same(UNUSED void **state)
{
	const char *rows;

	make_history();
	rows = rows_of_sql();
	api_expect(200, "GET", statement(this_month(), ""), NULL);
	api_expect_json("opening_balance", "0");
	api_expect_json("closing_balance", "4.4999");
	api_expect_json("next_cursor", "null");
	assert_string_equal(rows_of_json(), rows);
	assert_int_equal(api_send("GET", statement(this_month(), ""), csv, NULL), 200);
	assert_non_null(strstr(api_answer()->body, "\"a \"\"gift\"\", so\""));
	assert_string_equal(rows_of_csv(api_answer()->body), rows);
	assert_null(http_header(api_answer(), "x-next-cursor"));
}

static void
sums_are_of_all_transactions(UNUSED void **state)
{
	static const struct {
		const char *type, *amount, *count;
	} sums[] = { { "purchase", "10", "1" }, { "usage", "-3.5", "2" }, { "refund", "2", "1" },
		{ "adjustment", "-0.0001", "1" }, { "hold", "-7", "2" }, { "release", "3", "1" } };

	/* A page shows some of them; the sums are those of the month. */
	api_expect(200, "GET", statement(this_month(), "?limit=1"), NULL);
	for (size_t i = 0; i < COUNT(sums); i++) {
		api_expect_json(api_text("sums.%s.amount", sums[i].type), sums[i].amount);
		api_expect_json(api_text("sums.%s.count", sums[i].type), sums[i].count);
	}
}

static void
pages_make_up_the_whole(UNUSED void **state)
{
	const char *rows = "", *cursor = "";

	do {
		api_expect(
		    200, "GET", statement(this_month(), api_text("?limit=3%s", cursor)), NULL);
		rows = api_text("%s%s%s", rows, *rows == '\0' ? "" : "\n", rows_of_json());
		cursor = api_text("&cursor=%s", api_keep("next_cursor"));
	} while (strcmp(api_json("next_cursor"), "null") != 0);
	assert_string_equal(rows, rows_of_sql());
	assert_int_equal(api_send("GET", statement(this_month(), "?limit=3"), csv, NULL), 200);
	cursor = api_text("%s", http_header(api_answer(), "x-next-cursor"));
	assert_int_equal(
	    api_send("GET", statement(this_month(), api_text("?cursor=%s", cursor)), csv, NULL),
	    200);
	assert_string_equal(rows_of_csv(api_answer()->body),
	    strchr(strchr(strchr(rows_of_sql(), '\n') + 1, '\n') + 1, '\n') + 1);
	api_expect(422, "GET", statement(this_month(), "?cursor=x"), NULL);
	api_expect(422, "GET", statement(this_month(), "?limit=10001"), NULL);
}

static void
other_months_are_empty(UNUSED void **state)
{
	api_expect(200, "PATCH", paying_path(""), "{\"timezone\":\"UTC\"}");
	api_expect(200, "GET", statement("2020-01", ""), NULL);
	api_expect_json("opening_balance", "0");
	api_expect_json("closing_balance", "0");
	api_expect_json("since", "2020-01-01T00:00:00Z");
	api_expect_json("until", "2020-02-01T00:00:00Z");
	api_expect_json("transactions", "[]");
	api_expect(200, "PATCH", paying_path(""), "{\"timezone\":\"Asia/Kathmandu\"}");
	api_expect(200, "GET", statement("2020-01", ""), NULL);
	api_expect_json("since", "2019-12-31T18:15:00Z");
	api_expect(404, "GET", statement("2999-01", ""), NULL);
	api_expect(404, "GET", statement("2020-13", ""), NULL);
	api_expect(404, "GET", statement("january", ""), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_formats_say_the_same),
		cmocka_unit_test(sums_are_of_all_transactions),
		cmocka_unit_test(pages_make_up_the_whole),
		cmocka_unit_test(other_months_are_empty),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
