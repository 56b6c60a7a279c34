/* The first seed's daily costs, by its own steps (Task 1.1.4, "Verification" 5 to 7). */
#include "tests/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define THREADS 8
#define CALLS 25

/* A client at noon. */
static const char *
use_client(const char *name)
{
	char *key = servers_key_at_noon(api_servers(), name);

	api_use_key(api_text("%s", key));
	free(key);
	return api_sql("SELECT id FROM clients WHERE name = '%s'", name);
}

/* DailyCostModel.addCost(10, 100, user): a cost is added by its record. */
static const char *
cost_of(const char *user)
{
	return api_text("{\"external_user_id\":\"%s\",\"tokens_used\":100,"
			"\"estimated_cost_cents\":10,\"message_length\":1}",
	    user);
}

/* A closed day in the past. */
static void
add_day(const char *client, int days_ago)
{
	api_sql("INSERT INTO daily_costs (client_id, date, total_cost_cents, total_requests,\n"
		"total_tokens) SELECT id, (now() AT TIME ZONE timezone)::date - %d, 7, 1, 70\n"
		"FROM clients WHERE id = '%s'",
	    days_ago, client);
}

/* DailyCostModel.getToday: a day without calls is zeros, and needs no row. */
static void
today_is_there_before_its_first_call(UNUSED void **state)
{
	use_client("seed1-empty");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("total_cost_cents", "0");
	api_expect_json("total_requests", "0");
	api_expect_json("total_tokens", "0");
	api_expect_json("unique_users", "0");
}

/* "Daily cost tracking works". Parts of a cent are kept; the seed's BIGINT loses them. */
static void
adding_cost_updates_today(UNUSED void **state)
{
	use_client("seed1-add");
	api_add("/v1/chat-logs", cost_of("ann"));
	api_add("/v1/chat-logs", "{\"message_length\":1,\"estimated_cost_cents\":0.0000001}");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("total_cost_cents", "10.0000001");
	api_expect_json("total_requests", "2");
	api_expect_json("total_tokens", "100");
	api_expect_json("unique_users", "1");
}

struct adding {
	const char *body;
	int failed;
};

static void *
add_costs(void *context)
{
	struct adding *adding = context;

	for (int i = 0; i < CALLS; i++) {
		struct http_answer answer = api_call("POST", "/v1/chat-logs", NULL, adding->body);

		adding->failed += answer.status != 201;
		http_free(&answer);
	}
	return NULL;
}

/* "Cost addition atomic (transaction)" */
static void
cost_addition_is_atomic(UNUSED void **state)
{
	const char *client = use_client("seed1-atomic");
	struct adding adding[THREADS] = { 0 };
	pthread_t threads[THREADS];
	char *output;

	for (int i = 0; i < THREADS; i++) {
		adding[i].body = cost_of("ann");
		assert_int_equal(pthread_create(&threads[i], NULL, add_costs, &adding[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(adding[i].failed, 0);
	}
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("total_cost_cents", api_text("%d", 10 * THREADS * CALLS));
	api_expect_json("total_requests", api_text("%d", THREADS * CALLS));
	api_expect_json("unique_users", "1");
	assert_int_equal(servers_tally(api_servers(), &output, "flush", NULL), 0);
	free(output);
	assert_string_equal(
	    api_sql(
		"SELECT total_cost_cents::bigint FROM daily_costs WHERE client_id = '%s'", client),
	    api_text("%d", 10 * THREADS * CALLS));
}

/* "Unique user counting correct": the seed looks for an earlier log when the log is already there,
 * and never counts anybody. */
static void
unique_users_are_counted_once(UNUSED void **state)
{
	static const char *const users[] = { "ann", "bob", "ann", "carol", "bob" };

	use_client("seed1-unique");
	for (size_t i = 0; i < COUNT(users); i++)
		api_add("/v1/chat-logs", cost_of(users[i]));
	api_add("/v1/chat-logs", "{\"message_length\":1}");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect_json("unique_users", "3");
	api_expect_json("total_requests", "6");
}

/* DailyCostModel.getByDate. A day without calls is zeros, where the seed gives null. */
static void
a_day_is_found_by_its_date(UNUSED void **state)
{
	const char *client = use_client("seed1-date");
	static const char date[] = "SELECT (now() AT TIME ZONE timezone)::date - %d FROM clients\n"
				   "WHERE id = '%s'";

	add_day(client, 3);
	api_expect(200, "GET", api_text("/v1/daily-costs/%s", api_sql(date, 3, client)), NULL);
	api_expect_json("total_cost_cents", "7");
	api_expect_json("total_tokens", "70");
	api_expect(200, "GET", api_text("/v1/daily-costs/%s", api_sql(date, 4, client)), NULL);
	api_expect_json("total_requests", "0");
}

/* DailyCostModel.getLastNDays, newest first; 7 of them where the seed's interval gives 8. */
static void
the_last_n_days_are_listed(UNUSED void **state)
{
	const char *client = use_client("seed1-days");

	for (int i = 1; i <= 10; i++)
		add_day(client, i);
	api_add("/v1/chat-logs", cost_of("ann"));
	api_expect(200, "GET", "/v1/daily-costs?days=7", NULL);
	assert_int_equal(api_rows(), 7);
	api_expect_json("data.0.total_cost_cents", "10");
	api_expect_json("data.1.total_cost_cents", "7");
	api_expect(200, "GET", "/v1/daily-costs?days=30", NULL);
	assert_int_equal(api_rows(), 11);
}

/* "INTERVAL '${days} days'" takes what is sent for SQL; here it is a number or refused. */
static void
days_are_a_number(UNUSED void **state)
{
	static const char *const bad[] = { "7%20days'%3B%20DROP%20TABLE%20users%3B--", "-1", "0",
		"1e3", "" };

	use_client("seed1-injection");
	for (size_t i = 0; i < COUNT(bad); i++) {
		api_send("GET", api_text("/v1/daily-costs?days=%s", bad[i]), NULL, NULL);
		api_expect_field(bad[i], "days");
	}
	assert_string_equal(api_sql("SELECT to_regclass('users') IS NOT NULL"), "t");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(today_is_there_before_its_first_call),
		cmocka_unit_test(adding_cost_updates_today),
		cmocka_unit_test(cost_addition_is_atomic),
		cmocka_unit_test(unique_users_are_counted_once),
		cmocka_unit_test(a_day_is_found_by_its_date),
		cmocka_unit_test(the_last_n_days_are_listed),
		cmocka_unit_test(days_are_a_number),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
