/* tally alerts sends to webhooks: a real receiver, what it is sent, and what becomes of failures.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "lib/model/delivery.h"
#include "lib/seal.h"
#include "tests/books.h"
#include "tests/process.h"
#include "tests/receiver.h"
#include "tests/servers.h"

#define SECRET "whsec_0123456789012345678901234567890123456789012"
#define DELIVERY "SELECT concat_ws(' ', attempts, status, error) FROM webhook_deliveries"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0"

static struct servers *servers;

static void __attribute__((format(printf, 1, 2))) sql(const char *format, ...)
{
	char text[2000];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	free(servers_sql(servers, text));
}

static int
start(UNUSED void **state)
{
	receiver_start();
	servers = servers_start(SERVER_REDIS);
	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name", "acme");
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	receiver_stop();
	return 0;
}

/* One alert, due at one webhook of the receiver; nothing else. */
static int
begin(UNUSED void **state)
{
	char url[100];

	servers_setting(servers, "webhook_allow_private", "yes");
	servers_setting(servers, "webhook_timeout_ms", "20000");
	receiver_forget();
	receiver_answer(OK);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hook?a=b", receiver_port());
	sql("DELETE FROM alerts; DELETE FROM webhooks;"
	    "INSERT INTO webhooks (client_id, id, url, secret, events)\n"
	    "SELECT id, gen_random_uuid(), '%s', '" SECRET "', '{budget.threshold}'\n"
	    "FROM clients WHERE name = 'acme';\n"
	    "INSERT INTO alerts (client_id, id, kind, payload, created_at)\n"
	    "SELECT id, '018bcfe5-6800-7000-8000-000000000001', 'budget.threshold',\n"
	    "'{\"a\": 1}', '2023-11-14 22:13:20Z' FROM clients WHERE name = 'acme';\n"
	    "INSERT INTO webhook_deliveries (client_id, alert_id, webhook_id, id, next_attempt_at)\n"
	    "SELECT a.client_id, a.id, w.id, '018bcfe5-6800-4000-8000-000000000002', now()\n"
	    "FROM alerts AS a, webhooks AS w",
	    url);
	return 0;
}

static void
expect_sql(const char *text, const char *expected)
{
	books_expect(servers, text, expected);
}

static void
run(void)
{
	EXPECT_TALLY(EX_OK, NULL, "alerts");
}

/* As if the time of the next attempt had come. */
static void
make_due(void)
{
	sql("UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1 second'\n"
	    "WHERE next_attempt_at IS NOT NULL");
}

static void
expect_header(size_t i, const char *name, const char *expected)
{
	char *value = receiver_header(i, name);

	assert_string_equal(value, expected);
	free(value);
}

/* The signature is what the secret makes of the time and the body that came. */
static void
expect_signature(size_t i)
{
	char *signature = receiver_header(i, "Tally-Signature");
	long long second = strtoll(signature + strlen("t="), NULL, 10);
	struct arena *arena = arena_new();
	struct delivery delivery = { .secret = SECRET };
	const char *body = receiver_request(i).body;
	char expected[DELIVERY_SIGNATURE_SIZE];
	struct task task;

	task_init(&task, arena);
	assert_in_range(second, task.now / 1000000 - 600, task.now / 1000000);
	task.now = second * 1000000;
	delivery_sign(&task, &delivery, (struct text){ body, strlen(body) }, expected);
	assert_string_equal(signature, expected);
	arena_free(arena);
	free(signature);
}

static void
an_alert_is_delivered_once(UNUSED void **state)
{
	run();
	run();
	assert_int_equal(receiver_count(), 1);
	assert_non_null(strstr(receiver_request(0).head, "POST /hook?a=b HTTP/1.1\r\n"));
	expect_header(0, "Content-Type", "application/json");
	expect_header(0, "Tally-Event", "budget.threshold");
	expect_header(0, "Tally-Delivery", "018bcfe5-6800-4000-8000-000000000002");
	assert_string_equal(receiver_request(0).body,
	    "{\"id\":\"018bcfe5-6800-7000-8000-000000000001\",\"type\":\"budget.threshold\","
	    "\"created_at\":\"2023-11-14T22:13:20Z\",\"data\":{\"a\":1}}");
	expect_signature(0);
	expect_sql(DELIVERY, "1 200");
	expect_sql("SELECT count(*) FROM webhook_deliveries\n"
		   "WHERE delivered_at > now() - interval '10 minutes' AND next_attempt_at IS NULL",
	    "1");
}

static const struct {
	const char *sentence;
	const char *answer;
	const char *delivery;
} refusals[] = {
	{ "an error of the server", "HTTP/1.1 500 Oh\r\nContent-Length: 0",
	    "1 500 it was not answered with 2xx" },
	{ "a refusal", "HTTP/1.1 404 No\r\nContent-Length: 0",
	    "1 404 it was not answered with 2xx" },
	{ "the last status below 200", "HTTP/1.1 199 Hm", "1 %" },
	{ "the first status above 299", "HTTP/1.1 300 Hm\r\nContent-Length: 0",
	    "1 300 it was not answered with 2xx" },
	{ "no HTTP", "220 smtp.example.com", "1 %" },
};

static void
what_is_refused_is_tried_again_later(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		char like[200];

		begin(NULL);
		receiver_answer(refusals[i].answer);
		run();
		(void)snprintf(like, sizeof like,
		    DELIVERY " WHERE concat_ws(' ', attempts, status,\n"
			     "error) NOT LIKE '%s'",
		    refusals[i].delivery);
		expect_sql(like, "");
		expect_sql("SELECT next_attempt_at - now() BETWEEN interval '50 s' AND '1 min'\n"
			   "FROM webhook_deliveries",
		    "t");
		run();
		assert_int_equal(receiver_count(), 1);
		make_due();
		receiver_answer("HTTP/1.1 204 Done");
		run();
		assert_int_equal(receiver_count(), 2);
		expect_sql(DELIVERY, "2 204");
		expect_header(1, "Tally-Delivery", "018bcfe5-6800-4000-8000-000000000002");
		expect_signature(1);
	}
}

static void
the_waits_grow_until_it_is_dead(UNUSED void **state)
{
	static const char *const waits[DELIVERY_ATTEMPTS_MAX - 1] = { "1 min", "5 min", "30 min",
		"2 h", "6 h", "12 h", "24 h" };

	receiver_answer("HTTP/1.1 503 No\r\nContent-Length: 0");
	for (size_t i = 0; i < COUNT(waits); i++) {
		char text[200];

		run();
		(void)snprintf(text, sizeof text,
		    "SELECT next_attempt_at - now() BETWEEN interval '%s' - interval '10 s' AND '%s'\n"
		    "FROM webhook_deliveries",
		    waits[i], waits[i]);
		expect_sql(text, "t");
		make_due();
	}
	expect_sql("SELECT count(*) FROM webhook_deliveries WHERE dead_at IS NOT NULL", "0");
	run();
	expect_sql(DELIVERY " WHERE dead_at IS NOT NULL AND next_attempt_at IS NULL",
	    "8 503 it was not answered with 2xx");
	run();
	assert_int_equal(receiver_count(), DELIVERY_ATTEMPTS_MAX);
}

#define KILL_SQL \
	"UPDATE webhook_deliveries SET next_attempt_at = NULL, dead_at = now(), attempts = 8,\n" \
	"status = 503, error = 'it was not answered with 2xx'"

static void
the_dead_are_shown_and_may_be_sent_again(UNUSED void **state)
{
	EXPECT_TALLY(EX_DATAERR, "no", "alerts", "--retry", "018bcfe5-6800-4000-8000-000000000002");
	sql(KILL_SQL);
	EXPECT_TALLY(
	    EX_OK, "\"id\":\"018bcfe5-6800-4000-8000-000000000002\"", "alerts", "--dead", "--json");
	EXPECT_TALLY(EX_OK, "\"attempts\":8", "alerts", "--dead", "--json");
	run();
	assert_int_equal(receiver_count(), 0);
	EXPECT_TALLY(
	    EX_OK, "018bcfe5", "alerts", "--retry", "018bcfe5-6800-4000-8000-000000000002");
	run();
	assert_int_equal(receiver_count(), 1);
	expect_sql(DELIVERY, "1 200");
	expect_sql("SELECT count(*) FROM audit_log WHERE action = 'retry'\n"
		   "AND client_id = (SELECT id FROM clients WHERE name = 'acme')",
	    "1");
	EXPECT_TALLY(EX_USAGE, "takes the id", "alerts", "--retry", "first");
}

static void
a_redirect_is_not_followed(UNUSED void **state)
{
	char answer[200];

	(void)snprintf(answer, sizeof answer,
	    "HTTP/1.1 307 There\r\nLocation: http://127.0.0.1:%d/other\r\nContent-Length: 0",
	    receiver_port());
	receiver_answer(answer);
	run();
	assert_int_equal(receiver_count(), 1);
	expect_sql(DELIVERY, "1 307 it was not answered with 2xx");
}

static void
an_answer_that_breaks_off_counts_by_its_status(UNUSED void **state)
{
	receiver_answer("HTTP/1.1 200 OK\r\nContent-Length: 100000000000");
	run();
	expect_sql(DELIVERY, "1 200");
}

/* Every name and form of this machine; none may be connected to. */
static const char *const private_hosts[] = {
	"127.0.0.1",
	"localhost",
	"[::1]",
	"[::ffff:127.0.0.1]",
	"2130706433",
	"0",
};

static void
a_private_address_is_refused_by_default(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(private_hosts); i++) {
		begin(NULL);
		servers_setting(servers, "webhook_allow_private", "no");
		sql("UPDATE webhooks SET url = 'https://%s:%d/'", private_hosts[i],
		    receiver_port());
		run();
		assert_int_equal(receiver_count(), 0);
		expect_sql(DELIVERY " WHERE next_attempt_at > now()",
		    "1 it leads to an address that is not public");
	}
}

static void
http_is_refused_by_default(UNUSED void **state)
{
	servers_setting(servers, "webhook_allow_private", "no");
	run();
	assert_int_equal(receiver_count(), 0);
	expect_sql(DELIVERY " WHERE next_attempt_at > now() AND error LIKE '%rotocol%'",
	    "1 Unsupported protocol");
}

static void
a_proxy_of_the_environment_is_not_asked(UNUSED void **state)
{
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	run();
	unsetenv("http_proxy");
	expect_sql(DELIVERY, "1 200");
}

#define MORE \
	"INSERT INTO alerts (client_id, id, kind, payload, created_at)\n" \
	"SELECT id, gen_random_uuid(), 'budget.threshold', '{}', now()\n" \
	"FROM clients, generate_series(1, 5) WHERE name = 'acme';\n" \
	"INSERT INTO webhook_deliveries (client_id, alert_id, webhook_id, next_attempt_at)\n" \
	"SELECT a.client_id, a.id, w.id, now() FROM alerts AS a, webhooks AS w\n" \
	"WHERE a.payload = '{}'"

/* What nobody answers counts for all that waits there; what somebody refuses does not. */
static void
a_silent_webhook_is_asked_once_a_run(UNUSED void **state)
{
	sql(MORE);
	servers_setting(servers, "webhook_timeout_ms", "50");
	receiver_answer(NULL);
	run();
	assert_int_equal(receiver_count(), 1);
	expect_sql("SELECT string_agg(DISTINCT attempts::text, ' ') FROM webhook_deliveries", "1");
	make_due();
	servers_setting(servers, "webhook_timeout_ms", "20000");
	receiver_answer("HTTP/1.1 500 Oh\r\nContent-Length: 0");
	run();
	assert_int_equal(receiver_count(), 7);
	expect_sql("SELECT string_agg(DISTINCT attempts::text, ' ') FROM webhook_deliveries", "2");
}

static void
a_webhook_that_is_not_active_waits(UNUSED void **state)
{
	sql("UPDATE webhooks SET active = false");
	run();
	assert_int_equal(receiver_count(), 0);
	expect_sql("SELECT attempts FROM webhook_deliveries", "0");
	sql("UPDATE webhooks SET active = true");
	run();
	assert_int_equal(receiver_count(), 1);
}

static void
a_dry_run_sends_nothing(UNUSED void **state)
{
	EXPECT_TALLY(EX_OK, "dry_run", "alerts", "--dry-run");
	assert_int_equal(receiver_count(), 0);
	expect_sql("SELECT attempts FROM webhook_deliveries", "0");
}

/* The receiver has it, and the worker dies before it can write that down. */
static void
who_dies_behind_a_delivery_repeats_it_under_its_id(UNUSED void **state)
{
	pid_t pid;

	receiver_answer(NULL);
	pid = servers_start_tally(servers, "alerts");
	receiver_await(1);
	kill(pid, SIGKILL);
	assert_true(WIFSIGNALED(process_wait(pid, 30000)));
	expect_sql("SELECT attempts FROM webhook_deliveries WHERE next_attempt_at <= now()", "0");
	receiver_answer(OK);
	run();
	assert_int_equal(receiver_count(), 2);
	for (size_t i = 0; i < 2; i++)
		expect_header(i, "Tally-Delivery", "018bcfe5-6800-4000-8000-000000000002");
	assert_string_equal(receiver_request(0).body, receiver_request(1).body);
	expect_sql(DELIVERY, "1 200");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_alert_is_delivered_once),
		TEST(what_is_refused_is_tried_again_later),
		TEST(the_waits_grow_until_it_is_dead),
		TEST(the_dead_are_shown_and_may_be_sent_again),
		TEST(a_redirect_is_not_followed),
		TEST(an_answer_that_breaks_off_counts_by_its_status),
		TEST(a_private_address_is_refused_by_default),
		TEST(http_is_refused_by_default),
		TEST(a_proxy_of_the_environment_is_not_asked),
		TEST(a_silent_webhook_is_asked_once_a_run),
		TEST(a_webhook_that_is_not_active_waits),
		TEST(a_dry_run_sends_nothing),
		TEST(who_dies_behind_a_delivery_repeats_it_under_its_id),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
