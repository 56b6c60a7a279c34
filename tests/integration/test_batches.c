/*
 * What requests that are committed together do to each other. A gate, the lock of one client's
 * counter, holds the only committer at a first batch until all that shall be in the second waits.
 */
#include "tests/test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/api.h"

#define SENDERS_MAX 4

struct sender {
	pthread_t thread;
	struct http http;
	const char *header; /* or NULL */
	const char *body;
	struct http_answer answer;
};

static struct http gate_client, client;
static PGconn *gate;
static struct sender opener;
static struct sender senders[SENDERS_MAX];
static int sender_count;

static void *
post_record(void *argument)
{
	struct sender *sender = argument;
	const char *const headers[] = { sender->header, NULL };

	sender->answer = http_send(&sender->http, "POST", "/v1/chat-logs", headers, sender->body);
	return NULL;
}

static void
start_sender(struct sender *sender)
{
	assert_int_equal(pthread_create(&sender->thread, NULL, post_record, sender), 0);
}

static void
use_new_client(const char *name)
{
	free((char *)(uintptr_t)client.key);
	client.url = servers_http_url(api_servers());
	client.key = servers_key(api_servers(), name);
	api_use_key(client.key);
}

static void
run(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	PQclear(result);
}

static PGconn *
connect_superuser(void)
{
	PGconn *db = PQconnectdb(servers_database_url(api_servers(), "postgres"));

	assert_int_equal(PQstatus(db), CONNECTION_OK);
	return db;
}

#define SOMEONE_WAITS "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = "
static char at_gate_sql[] = SOMEONE_WAITS "'advisory')";
static char for_transaction_sql[] = SOMEONE_WAITS "'transactionid')";

/* For servers_await(). */
static bool
is_true(void *sql)
{
	char *value = servers_sql(api_servers(), sql);
	bool yes = strcmp(value, "t") == 0;

	free(value);
	return yes;
}

static bool
all_wait(void *context)
{
	struct http http = { .url = gate_client.url };
	struct http_answer answer = http_send(&http, "GET", "/metrics", NULL, NULL);
	const char *at = strstr(answer.body, "\ntally_records_waiting ");
	bool all = at != NULL && strtol(strchr(at, ' '), NULL, 10) >= sender_count;

	(void)context;
	http_free(&answer);
	return all;
}

static void
close_gate(void)
{
	gate = connect_superuser();
	run(gate, "BEGIN");
	run(gate, "SELECT pg_advisory_xact_lock(counter_lock_key(id)) FROM clients "
		  "WHERE name = 'gate'");
	opener = (struct sender){ .http = gate_client, .body = "{\"message_length\":1}" };
	start_sender(&opener);
	assert_true(servers_await(is_true, at_gate_sql));
}

/* One that will be in the second batch. header may be NULL. */
static void
add_sender(const char *header, const char *body)
{
	struct sender *sender = &senders[sender_count++];

	*sender = (struct sender){
		.http = client,
		.header = header,
		.body = body,
	};
	start_sender(sender);
	assert_true(servers_await(all_wait, NULL));
}

static void
open_gate(void)
{
	PQfinish(gate);
}

static void
join_senders(void)
{
	assert_int_equal(pthread_join(opener.thread, NULL), 0);
	if (opener.answer.status != 201)
		fail_msg("%ld: %s", opener.answer.status, opener.answer.body);
	http_free(&opener.answer);
	for (int i = 0; i < sender_count; i++)
		assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
}

static void
assert_status(int sender, long status)
{
	if (senders[sender].answer.status != status)
		fail_msg("%ld instead of %ld: %s", senders[sender].answer.status, status,
		    senders[sender].answer.body);
}

static int
forget_senders(void **state)
{
	(void)state;
	while (sender_count > 0)
		http_free(&senders[--sender_count].answer);
	return 0;
}

static const char *
now_text(void)
{
	return api_sql(
	    "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
}

/* The refusal makes the transaction begin again without it. */
static void
test_a_refusal_beside_it_leaves_an_answer_as_it_is(void **state)
{
	const char *id;

	(void)state;
	use_new_client("neighbours");
	close_gate();
	add_sender("Idempotency-Key: good", "{\"message_length\":1}");
	add_sender("Idempotency-Key: bad",
	    "{\"message_length\":1,\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"}");
	open_gate();
	join_senders();
	assert_status(0, 201);
	assert_status(1, 422);
	id = http_json(&senders[0].answer, "id", 0);
	assert_non_null(id);
	api_expect(200, "GET", api_text("/v1/chat-logs/%s", id), NULL);
	assert_string_equal(senders[0].answer.body, api_answer()->body);
}

/* Also where one of its elements is refused before the commit, and one that stands first by it. */
static void
test_a_refusal_beside_it_leaves_the_rejections_as_they_are(void **state)
{
	static const char *const rejected[] = { "rejected.0.index", "rejected.1.index" };

	(void)state;
	use_new_client("rejections");
	close_gate();
	add_sender("Idempotency-Key: array",
	    "[{\"message_length\":1,\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"},{}]");
	add_sender("Idempotency-Key: bad",
	    "{\"message_length\":1,\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"}");
	open_gate();
	join_senders();
	assert_status(0, 200);
	assert_status(1, 422);
	assert_string_equal(http_json(&senders[0].answer, rejected[0], 0), "0");
	assert_string_equal(http_json(&senders[0].answer, rejected[1], 0), "1");
}

/* Its user goes between two statements of the batch: the user is made again, the record stored. */
static void
test_a_user_purged_meanwhile_loses_no_record(void **state)
{
	PGconn *other;

	(void)state;
	use_new_client("purged");
	api_expect(
	    201, "POST", "/v1/chat-logs", "{\"message_length\":1,\"external_user_id\":\"ann\"}");
	close_gate();
	add_sender("Idempotency-Key: both", "[{\"message_length\":2,\"external_user_id\":\"ann\"},"
					    "{\"message_length\":3,\"external_user_id\":\"bob\"}]");
	/* The batch waits for whoever is making bob when it has found ann. */
	other = connect_superuser();
	run(other, "BEGIN");
	run(other, "INSERT INTO users (client_id, id, external_id) "
		   "SELECT id, id, 'bob' FROM clients WHERE name = 'purged'");
	open_gate();
	assert_true(servers_await(is_true, for_transaction_sql));
	(void)api_sql("DELETE FROM users WHERE external_id = 'ann'");
	PQfinish(other);
	join_senders();
	assert_status(0, 200);
	assert_string_equal(http_json(&senders[0].answer, "accepted", 0), "2");
	assert_string_equal(api_sql("SELECT count(*) FROM chat_logs l JOIN clients c "
				    "ON c.id = l.client_id WHERE c.name = 'purged'"),
	    "3");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	assert_string_equal(api_json("total_requests"), "3");
}

/* Each of them reads its own: the batch is looked up after the commit, in one transaction. */
static void
test_two_clients_repeat_a_record(void **state)
{
	static const char *const names[] = { "first to repeat", "second to repeat" };
	const char *bodies[2];

	(void)state;
	for (int again = 0; again < 2; again++) {
		if (again == 1)
			close_gate();
		for (int i = 0; i < 2; i++) {
			use_new_client(names[i]);
			if (again == 1) {
				add_sender(NULL, bodies[i]);
				continue;
			}
			bodies[i] =
			    api_text("{\"id\":\"%s\",\"created_at\":\"%s\",\"message_length\":%d}",
				"one", now_text(), i + 1);
			api_expect(201, "POST", "/v1/chat-logs", bodies[i]);
		}
	}
	open_gate();
	join_senders();
	for (int i = 0; i < 2; i++) {
		assert_status(i, 200);
		assert_string_equal(
		    http_json(&senders[i].answer, "message_length", 0), i == 0 ? "1" : "2");
	}
}

/* A record that PostgreSQL refuses makes each of the others a batch of its own. */
static void
test_a_repeated_record_is_answered_alone(void **state)
{
	const char *body =
	    api_text("{\"id\":\"x\",\"created_at\":\"%s\",\"message_length\":1}", now_text());

	(void)state;
	use_new_client("alone");
	api_expect(201, "POST", "/v1/chat-logs", body);
	(void)api_sql("ALTER TABLE chat_logs ADD CONSTRAINT refuses CHECK (feature <> 'refused')");
	close_gate();
	add_sender(NULL, body);
	add_sender(NULL, "{\"message_length\":1,\"feature\":\"refused\"}");
	add_sender(NULL, "{\"message_length\":3}");
	open_gate();
	join_senders();
	(void)api_sql("ALTER TABLE chat_logs DROP CONSTRAINT refuses");
	assert_status(0, 200);
	assert_status(1, 422);
	assert_status(2, 201);
}

/* The one that was stored counts, not the one that could not be. */
static void
test_of_two_with_one_id_the_stored_one_counts(void **state)
{
	const char *at = now_text();

	(void)state;
	use_new_client("twins");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	api_expect(200, "POST", "/v1/chat-logs",
	    api_text("[{\"id\":\"t\",\"created_at\":\"%s\",\"message_length\":1,"
		     "\"verified_cost_cents\":5,"
		     "\"user_id\":\"0190a5b0-0000-7000-8000-000000000001\"},"
		     "{\"id\":\"t\",\"created_at\":\"%s\",\"message_length\":1,"
		     "\"verified_cost_cents\":7}]",
		at, at));
	assert_string_equal(api_json("accepted"), "1");
	assert_string_equal(api_json("duplicates"), "0");
	assert_string_equal(api_json("rejected.0.index"), "0");
	api_expect(200, "GET", "/v1/daily-costs/today", NULL);
	assert_string_equal(api_json("source"), "redis");
	assert_string_equal(api_json("total_cost_cents"), "7");
}

/* The reason of the failure is not lost with the announcement that cannot be taken back. */
static void
test_an_epoch_over_while_redis_goes_away(void **state)
{
	(void)state;
	use_new_client("none");
	close_gate();
	(void)api_sql("UPDATE counter_states s SET epoch = epoch + 1 FROM clients c "
		      "WHERE c.id = s.client_id AND c.name = 'gate'");
	servers_signal(api_servers(), SERVER_REDIS, SIGKILL);
	(void)servers_wait(api_servers(), SERVER_REDIS);
	open_gate();
	join_senders();
	servers_restart(api_servers(), SERVER_REDIS);
}

/* The key of an answer that was no success is free, also where it was kept by another call. */
static void
test_a_key_without_an_answer_is_free(void **state)
{
	static const char *const headers[] = { "Idempotency-Key: free", NULL };

	(void)state;
	use_new_client("free key");
	(void)api_sql("INSERT INTO idempotency_keys (client_id, key, request_hash) "
		      "SELECT id, 'free', sha256('') FROM clients WHERE name = 'free key'");
	assert_int_equal(api_send("POST", "/v1/chat-logs", headers, "{\"message_length\":1}"), 201);
}

static int
set_up(void **state)
{
	struct servers *servers;

	api_start(state);
	servers = api_servers();
	/* One of the two is left to read requests: the other is the only committer. */
	servers_setting(servers, "threads", "2");
	servers_setting(servers, "committers", "2");
	servers_signal(servers, SERVER_TALLYD, SIGTERM);
	servers_wait(servers, SERVER_TALLYD);
	servers_restart(servers, SERVER_TALLYD);
	gate_client.url = servers_http_url(servers);
	gate_client.key = servers_key(servers, "gate");
	/* Its epoch is opened before the gate is closed, as that takes the lock too. */
	api_use_key(gate_client.key);
	api_expect(201, "POST", "/v1/chat-logs", "{\"message_length\":1}");
	return 0;
}

static int
tear_down(void **state)
{
	free((char *)(uintptr_t)gate_client.key);
	free((char *)(uintptr_t)client.key);
	return api_stop(state);
}

#define TEST(name) cmocka_unit_test_teardown(name, forget_senders)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_refusal_beside_it_leaves_an_answer_as_it_is),
		TEST(test_a_refusal_beside_it_leaves_the_rejections_as_they_are),
		TEST(test_a_user_purged_meanwhile_loses_no_record),
		TEST(test_two_clients_repeat_a_record),
		TEST(test_a_repeated_record_is_answered_alone),
		TEST(test_of_two_with_one_id_the_stored_one_counts),
		TEST(test_an_epoch_over_while_redis_goes_away),
		TEST(test_a_key_without_an_answer_is_free),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
