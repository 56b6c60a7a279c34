#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json_read.h"
#include "tests/db_fixture.h"

#define MEMBER(text_) ((struct text){ (text_), strlen(text_) })

static const char types_sql[] =
    "SELECT $1, $2, $3, $4, $5, $6, $7, $8::text, $9::uuid, $10::text[], $3::int4, $3::int2";

static void
add_values(struct db_params *params, struct id id, const char *const *texts)
{
	db_add_text(params, "Grüße\n");
	db_add_bytes(params, (struct text){ "\0\x01\xff", 3 });
	db_add_int(params, -12345);
	db_add_bool(params, true);
	db_add_id(params, id);
	db_add_time(params, INT64_C(1795253400123456));
	db_add_date(params, -1);
	db_add_null(params);
	db_add_id(params, (struct id){ 0 });
	db_add_texts(params, texts, 2);
}

static void
test_types_come_back_as_they_went(void **state)
{
	static const char *const texts[] = { "a,\"b", "" };
	struct db_params *params = db_params(&task);
	struct id id = id_new(task.now);
	struct json_texts list;
	struct db_rows *rows;

	(void)state;
	add_values(params, id, texts);
	fine(db_query_one(&task, types_sql, params, &rows));
	assert_string_equal(db_text(rows, 0, 0), "Grüße\n");
	assert_int_equal(db_bytes(rows, 0, 1).len, 3);
	assert_memory_equal(db_bytes(rows, 0, 1).at, "\0\x01\xff", 3);
	assert_int_equal(db_int(rows, 0, 2), -12345);
	assert_true(db_bool(rows, 0, 3));
	assert_true(id_equal(db_id(rows, 0, 4), id));
	assert_int_equal(db_time(rows, 0, 5), INT64_C(1795253400123456));
	assert_int_equal(db_date(rows, 0, 6), -1);
	assert_true(db_null(rows, 0, 7));
	assert_null(db_text(rows, 0, 7));
	assert_true(id_is_nil(db_id(rows, 0, 8)));
	db_texts(rows, 0, 9, &task, &list);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.at[0], "a,\"b");
	assert_string_equal(list.at[1], "");
	assert_int_equal(db_int(rows, 0, 10), -12345);
	assert_int_equal(db_int(rows, 0, 11), -12345);
}

static void
test_times_mean_what_postgres_means(void **state)
{
	static const char sql[] = "SELECT $1 = '2026-11-21 09:30:00.5+00'::timestamptz,"
				  " $2 = '2026-11-21'::date, $3 = 'infinity'::timestamptz,"
				  " 'infinity'::timestamptz, current_setting('timezone') = 'UTC'";
	struct db_params *params = db_params(&task);
	struct db_rows *rows;

	(void)state;
	db_add_time(params, INT64_C(1795253400500000));
	db_add_date(params, date_from_civil(2026, 11, 21));
	db_add_time(params, INT64_MAX);
	fine(db_query_one(&task, sql, params, &rows));
	assert_true(db_bool(rows, 0, 0));
	assert_true(db_bool(rows, 0, 1));
	assert_true(db_bool(rows, 0, 2));
	assert_int_equal(db_time(rows, 0, 3), INT64_MAX);
	assert_true(db_bool(rows, 0, 4));
}

static const char arrays_sql[] =
    "SELECT i, n, b, t, w, d"
    " FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS u (i, n, b, t, w, d, at)"
    " ORDER BY at";

static void
add_row(struct db_array *const *columns, struct id id, struct text text)
{
	db_array_id(columns[DB_ARRAY_ID], id);
	db_array_int(columns[DB_ARRAY_INT], INT64_MIN);
	db_array_bool(columns[DB_ARRAY_BOOL], true);
	db_array_text(columns[DB_ARRAY_TEXT], text);
	db_array_time(columns[DB_ARRAY_TIME], 1);
	db_array_date(columns[DB_ARRAY_DATE], DATE_MAX);
}

static void
test_arrays_carry_columns_with_nulls(void **state)
{
	struct db_params *params = db_params(&task);
	struct db_array *columns[DB_ARRAY_DATE + 1];
	struct id id = id_new(task.now);
	struct db_rows *rows;

	(void)state;
	for (int i = 0; i <= DB_ARRAY_DATE; i++)
		columns[i] = db_add_array(params, (enum db_array_type)i);
	fine(db_query(&task, arrays_sql, params, &rows));
	assert_int_equal(db_count(rows), 0);
	add_row(columns, id, MEMBER("x"));
	for (int i = 0; i <= DB_ARRAY_DATE; i++)
		db_array_null(columns[i]);
	add_row(columns, (struct id){ 0 }, (struct text){ 0 });
	fine(db_query(&task, arrays_sql, params, &rows));
	assert_int_equal(db_count(rows), 3);
	assert_true(id_equal(db_id(rows, 0, 0), id));
	assert_int_equal(db_int(rows, 0, 1), INT64_MIN);
	assert_true(db_bool(rows, 0, 2));
	assert_string_equal(db_text(rows, 0, 3), "x");
	assert_int_equal(db_time(rows, 0, 4), 1);
	assert_int_equal(db_date(rows, 0, 5), DATE_MAX);
	for (int column = 0; column < 6; column++)
		assert_true(db_null(rows, 1, column));
	assert_true(db_null(rows, 2, 0));
	assert_false(db_null(rows, 2, 1));
	assert_true(db_null(rows, 2, 3));
}

static void
test_texts_may_hold_nulls_or_nothing(void **state)
{
	struct json_texts list;
	struct db_rows *rows;

	(void)state;
	fine(db_query_one(&task, "SELECT ARRAY['a', NULL, 'c']::text[], '{}'::text[], NULL::text[]",
	    NULL, &rows));
	db_texts(rows, 0, 0, &task, &list);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.at[0], "a");
	assert_null(list.at[1]);
	assert_string_equal(list.at[2], "c");
	db_texts(rows, 0, 1, &task, &list);
	assert_int_equal(list.count, 0);
	db_texts(rows, 0, 2, &task, &list);
	assert_int_equal(list.count, 0);
}

static void
test_numbers_come_as_an_array(void **state)
{
	struct json_ints list = { .count = 9 };
	struct db_rows *rows;

	(void)state;
	fine(db_query_one(&task,
	    "SELECT ARRAY[-1, 9223372036854775807], '{}'::bigint[], NULL::bigint[]", NULL, &rows));
	db_ints(rows, 0, 0, &task, &list);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.at[0], -1);
	assert_int_equal(list.at[1], INT64_MAX);
	db_ints(rows, 0, 1, &task, &list);
	assert_int_equal(list.count, 0);
	list.count = 9;
	db_ints(rows, 0, 2, &task, &list);
	assert_int_equal(list.count, 0);
}

static int64_t
prepared(void)
{
	return number(
	    "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%relnatts%'");
}

/* A NULL of unknown type must not fix the type for later calls, nor be a statement of its own. */
static void
test_a_null_does_not_settle_the_type(void **state)
{
	static const char sql[] = "SELECT count(*) FROM pg_class WHERE relnatts = $1";
	struct db_pool_settings with = settings("tally_worker");
	struct db_params *nothing = db_params(&task);
	struct db_params *two = db_params(&task);
	struct db_rows *rows;

	(void)state;
	db_add_null(nothing);
	db_add_int(two, 2);
	fine(db_query_one(&task, sql, nothing, &rows));
	assert_int_equal(db_int(rows, 0, 0), 0);
	fine(db_query_one(&task, sql, two, &rows));
	assert_true(db_int(rows, 0, 0) > 0);
	fine(db_query_one(&task, sql, nothing, &rows));
	assert_int_equal(db_int(rows, 0, 0), 0);
	assert_int_equal(prepared(), 3);
	db_rollback(&task);
	use(&with);
	fine(db_query_one(&task, sql, two, &rows));
	fine(db_query_one(&task, sql, nothing, &rows));
	assert_int_equal(prepared(), 2);
}

/* More than the table of statements has room for at first. */
static void
test_many_statements_are_kept_apart(void **state)
{
	static char texts[200][32];
	struct db_rows *rows;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < (int)COUNT(texts); i++) {
			snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
			fine(db_query_one(&task, texts[i], NULL, &rows));
			assert_int_equal(db_int(rows, 0, 0), i);
		}
	}
	assert_int_equal(number("SELECT count(*) FROM pg_prepared_statements"
				" WHERE statement LIKE 'SELECT _%' AND length(statement) < 12"),
	    COUNT(texts));
}

static void
test_an_invalid_text_is_refused(void **state)
{
	struct db_params *params = db_params(&task);

	(void)state;
	db_add_text(params, "\xff");
	fails(db_query(&task, "SELECT $1", params, NULL), ERR_INVALID);
}

static void
test_urls_are_taken_apart(void **state)
{
	const char *part, *url;

	(void)state;
	fine(db_url_get(&task, "postgresql://me@/books?host=/run", "dbname", &part));
	assert_string_equal(part, "books");
	fine(db_url_get(&task, "postgresql://me@/books?host=/run", "port", &part));
	assert_null(part);
	fine(db_url_set(&task, "postgresql://me:a'b%5C@/books?host=/run", "dbname", "other", &url));
	fine(db_url_get(&task, url, "password", &part));
	assert_string_equal(part, "a'b\\");
	fine(db_url_get(&task, url, "dbname", &part));
	assert_string_equal(part, "other");
	fails(db_url_get(&task, "nonsense", "dbname", &part), ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_types_come_back_as_they_went),
		TEST(test_times_mean_what_postgres_means),
		TEST(test_arrays_carry_columns_with_nulls),
		TEST(test_texts_may_hold_nulls_or_nothing),
		TEST(test_numbers_come_as_an_array),
		TEST(test_a_null_does_not_settle_the_type),
		TEST(test_many_statements_are_kept_apart),
		TEST(test_an_invalid_text_is_refused),
		TEST(test_urls_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, start_postgres, stop_postgres);
}
