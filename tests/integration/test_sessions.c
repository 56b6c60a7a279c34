/* /v1/sessions through nginx: who holds the token is the session, until it ends. */
#include "tests/test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

static const char *
session(const char *id, const char *rest)
{
	return api_text("/v1/sessions/%s%s", id, rest);
}

static const char *
add_user(void)
{
	api_expect(201, "POST", "/v1/users", "{\"tier\":\"anonymous\"}");
	return api_keep("id");
}

/* The id of a new session; its token is in the answer. */
static const char *
add(const char *body)
{
	api_expect(201, "POST", "/v1/sessions", body);
	return api_keep("id");
}

/* The status of GET /v1/sessions/current. */
static long
current(const char *token)
{
	const char *const headers[] = { api_text("X-Session-Token: %s", token), NULL };

	return api_send("GET", "/v1/sessions/current", headers, NULL);
}

static void
a_session_is_what_was_given(UNUSED void **state)
{
	const char *user, *id, *token;

	api_use_new_client("sessions-given");
	user = add_user();
	id = add(
	    api_text("{\"user_id\":\"%s\",\"ip_address\":\"2001:db8::1\",\"user_agent\":\"curl/8\","
		     "\"expires_in_s\":3600}",
		user));
	token = api_keep("token");
	assert_int_equal(strlen(token), strlen("tallys_") + 43);
	assert_memory_equal(token, "tallys_", strlen("tallys_"));
	assert_int_equal(current(token), 200);
	assert_string_equal(api_json("id"), id);
	assert_string_equal(api_json("user_id"), user);
	assert_string_equal(api_json("ip_address"), "2001:db8::1");
	assert_string_equal(api_json("user_agent"), "curl/8");
	assert_string_equal(api_json("revoked_at"), "null");
	assert_string_equal(api_json("token"), "(none)");
	assert_string_equal(
	    api_sql("SELECT expires_at - created_at BETWEEN '3599 s' AND '3600 s' FROM sessions\n"
		    "WHERE id = '%s'",
		id),
	    "t");
}

static void
an_anonymous_session_lasts_as_long_as_configured(UNUSED void **state)
{
	const char *id;

	api_use_new_client("sessions-anonymous");
	id = add("{}");
	assert_string_equal(api_json("user_id"), "null");
	assert_string_equal(api_json("ip_address"), "null");
	assert_string_equal(
	    api_sql("SELECT expires_at > now() + '1 minute' FROM sessions WHERE id = '%s'", id),
	    "t");
}

static void
the_token_is_stored_as_its_hash(UNUSED void **state)
{
	const char *id, *token;

	api_use_new_client("sessions-hash");
	id = add("{}");
	token = api_keep("token");
	assert_string_equal(
	    api_sql("SELECT token_hash = sha256('%s') FROM sessions WHERE id = '%s'", token, id),
	    "t");
	api_expect(200, "GET", "/v1/sessions", NULL);
	assert_null(strstr(api_answer()->body, token));
}

static const struct {
	const char *sentence;
	const char *body;
	const char *field;
} bad_sessions[] = {
	{ "a user is one of the client", "{\"user_id\":\"" UNKNOWN "\"}", "user_id" },
	{ "a user has the form of an id", "{\"user_id\":\"ann\"}", "user_id" },
	{ "an address is one", "{\"ip_address\":\"localhost\"}", "ip_address" },
	{ "an address is no network", "{\"ip_address\":\"10.0.0.0/8\"}", "ip_address" },
	{ "an address has four parts", "{\"ip_address\":\"10.0.1\"}", "ip_address" },
	{ "a session lasts a second at least", "{\"expires_in_s\":0}", "expires_in_s" },
	{ "a session lasts a year at most", "{\"expires_in_s\":31622401}", "expires_in_s" },
	{ "a token is not chosen", "{\"token\":\"x\"}", "token" },
};

static void
a_bad_session_is_refused_by_field(UNUSED void **state)
{
	api_use_new_client("sessions-bad");
	for (size_t i = 0; i < COUNT(bad_sessions); i++) {
		api_send("POST", "/v1/sessions", NULL, bad_sessions[i].body);
		api_expect_field(bad_sessions[i].sentence, bad_sessions[i].field);
	}
}

static void
a_user_agent_may_be_1024_characters(UNUSED void **state)
{
	char agent[1026];

	api_use_new_client("sessions-agent");
	memset(agent, 'a', 1025);
	agent[1025] = '\0';
	api_send("POST", "/v1/sessions", NULL, api_text("{\"user_agent\":\"%s\"}", agent));
	api_expect_field("1025 characters are too many", "user_agent");
	agent[1024] = '\0';
	add(api_text("{\"user_agent\":\"%s\"}", agent));
}

static void
a_deleted_user_has_no_sessions(UNUSED void **state)
{
	const char *user, *token;

	api_use_new_client("sessions-deleted");
	user = add_user();
	add(api_text("{\"user_id\":\"%s\"}", user));
	token = api_keep("token");
	assert_int_equal(current(token), 200);
	api_expect(204, "DELETE", api_text("/v1/users/%s", user), NULL);
	assert_int_equal(current(token), 401);
	api_send("POST", "/v1/sessions", NULL, api_text("{\"user_id\":\"%s\"}", user));
	api_expect_field("a deleted user cannot open one", "user_id");
	api_expect(200, "POST", api_text("/v1/users/%s/restore", user), NULL);
	assert_int_equal(current(token), 401);
}

static bool
something_waits(UNUSED void *context)
{
	return strcmp(api_sql("SELECT count(*) FROM pg_locks WHERE NOT granted"), "0") != 0;
}

static void *
add_in_thread(void *body)
{
	struct http_answer answer = api_call("POST", "/v1/sessions", NULL, body);
	static long status;

	status = answer.status;
	http_free(&answer);
	return &status;
}

static void
run(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	PQclear(result);
}

/* The session would outlive its user: the one who deletes did not see it. */
static void
no_session_begins_while_its_user_is_deleted(UNUSED void **state)
{
	PGconn *db = PQconnectdb(servers_database_url(api_servers(), "postgres"));
	const char *user;
	pthread_t thread;
	char body[100];
	void *status;

	assert_int_equal(PQstatus(db), CONNECTION_OK);
	api_use_new_client("sessions-race");
	user = add_user();
	(void)snprintf(body, sizeof body, "{\"user_id\":\"%s\"}", user);
	run(db, "BEGIN");
	run(db, api_text("UPDATE users SET deleted_at = now() WHERE id = '%s'", user));
	assert_int_equal(pthread_create(&thread, NULL, add_in_thread, body), 0);
	assert_true(servers_await(something_waits, NULL));
	run(db, "COMMIT");
	assert_int_equal(pthread_join(thread, &status), 0);
	assert_int_equal(*(long *)status, 422);
	PQfinish(db);
}

static void
visitors_are_not_in_the_audit_log(UNUSED void **state)
{
	const char *id;

	api_use_new_client("sessions-audit");
	id = add("{\"ip_address\":\"192.0.2.7\"}");
	api_expect(200, "POST", session(id, "/extend"), "{\"expires_in_s\":31622400}");
	api_expect(204, "DELETE", session(id, ""), NULL);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM audit_log WHERE entity_id = '%s'", id), "0");
}

static void
a_wrong_token_is_401(UNUSED void **state)
{
	char token[64];

	api_use_new_client("sessions-wrong");
	api_expect(401, "GET", "/v1/sessions/current", NULL);
	assert_int_equal(current("x"), 401);
	assert_int_equal(current("tallys_0000000000000000000000000000000000000000000"), 401);
	add("{}");
	(void)snprintf(token, sizeof token, "%s", api_json("token"));
	assert_int_equal(current(token), 200);
	token[10] = token[10] == 'a' ? 'b' : 'a';
	assert_int_equal(current(token), 401);
	assert_string_equal(http_header(api_answer(), "content-type"), "application/problem+json");
}

static void
another_clients_token_is_401(UNUSED void **state)
{
	const char *token;

	api_use_new_client("sessions-theirs");
	add("{}");
	token = api_keep("token");
	api_use_new_client("sessions-ours");
	assert_int_equal(current(token), 401);
}

static void
an_expired_session_has_ended(UNUSED void **state)
{
	const char *id, *token;

	api_use_new_client("sessions-expired");
	id = add("{}");
	token = api_keep("token");
	api_sql("UPDATE sessions SET expires_at = now() - interval '1 s' WHERE id = '%s'", id);
	assert_int_equal(current(token), 401);
	api_expect(409, "POST", session(id, "/extend"), "{\"expires_in_s\":60}");
}

static void
an_extension_never_shortens(UNUSED void **state)
{
	const char *id, *expires_at;

	api_use_new_client("sessions-extend");
	id = add("{\"expires_in_s\":600}");
	expires_at = api_keep("expires_at");
	api_expect(200, "POST", session(id, "/extend"), "{\"expires_in_s\":60}");
	assert_string_equal(api_json("expires_at"), expires_at);
	api_expect(200, "POST", session(id, "/extend"), "{\"expires_in_s\":6000}");
	assert_true(strcmp(api_json("expires_at"), expires_at) > 0);
	api_send("POST", session(id, "/extend"), NULL, "{}");
	api_expect_field("how long must be said", "expires_in_s");
	api_expect(404, "POST", session(UNKNOWN, "/extend"), "{\"expires_in_s\":60}");
}

static void
a_revoked_session_has_ended(UNUSED void **state)
{
	const char *id, *token, *revoked_at;

	api_use_new_client("sessions-revoke");
	id = add("{}");
	token = api_keep("token");
	api_expect(204, "DELETE", session(id, ""), NULL);
	assert_int_equal(current(token), 401);
	api_expect(409, "POST", session(id, "/extend"), "{\"expires_in_s\":60}");
	revoked_at = api_sql("SELECT revoked_at FROM sessions WHERE id = '%s'", id);
	api_expect(204, "DELETE", session(id, ""), NULL);
	assert_string_equal(
	    api_sql("SELECT revoked_at FROM sessions WHERE id = '%s'", id), revoked_at);
	api_expect(200, "GET", session(id, ""), NULL);
	assert_string_not_equal(api_json("revoked_at"), "null");
	api_expect(404, "DELETE", session(UNKNOWN, ""), NULL);
	api_expect(404, "DELETE", session("x", ""), NULL);
}

static void
all_sessions_of_a_user_end_at_once(UNUSED void **state)
{
	const char *user, *body, *first, *token;

	api_use_new_client("sessions-all");
	user = add_user();
	body = api_text("{\"user_id\":\"%s\"}", user);
	first = add(body);
	add(body);
	token = api_keep("token");
	add(body);
	add("{}");
	api_expect(204, "DELETE", session(first, ""), NULL);
	api_expect(200, "POST", api_text("/v1/users/%s/sessions/revoke", user), NULL);
	assert_string_equal(api_answer()->body, "{\"revoked\":2}");
	assert_int_equal(current(token), 401);
	api_expect(200, "POST", api_text("/v1/users/%s/sessions/revoke", user), NULL);
	assert_string_equal(api_answer()->body, "{\"revoked\":0}");
	api_expect(404, "POST", "/v1/users/" UNKNOWN "/sessions/revoke", NULL);
}

static void
a_list_is_of_one_user_in_pages(UNUSED void **state)
{
	const char *user, *body, *second;

	api_use_new_client("sessions-list");
	user = add_user();
	body = api_text("{\"user_id\":\"%s\"}", user);
	add("{}");
	add(body);
	add(body);
	add(body);
	api_expect(200, "GET", api_text("/v1/sessions?user_id=%s&limit=2", user), NULL);
	assert_string_equal(api_json("data.1.user_id"), user);
	assert_string_equal(api_json("data.2.user_id"), "(none)");
	second = api_keep("data.1.id");
	api_expect(200, "GET",
	    api_text("/v1/sessions?user_id=%s&limit=2&cursor=%s", user, api_json("next_cursor")),
	    NULL);
	assert_true(strcmp(api_json("data.0.id"), second) < 0);
	assert_string_equal(api_json("data.0.user_id"), user);
	assert_string_equal(api_json("data.1.user_id"), "(none)");
	assert_string_equal(api_json("next_cursor"), "null");
	api_expect(200, "GET", "/v1/sessions", NULL);
	assert_string_not_equal(api_json("data.3.id"), "(none)");
	assert_string_equal(api_json("data.4.id"), "(none)");
	api_expect(422, "GET", "/v1/sessions?user_id=x", NULL);
}

static void
another_clients_session_is_not_found(UNUSED void **state)
{
	const char *id, *token;

	api_use_new_client("sessions-a");
	id = add("{}");
	token = api_keep("token");
	api_use_new_client("sessions-b");
	api_expect(404, "DELETE", session(id, ""), NULL);
	api_expect(404, "POST", session(id, "/extend"), "{\"expires_in_s\":60}");
	assert_string_equal(
	    api_sql(
		"SELECT revoked_at IS NULL FROM sessions WHERE token_hash = sha256('%s')", token),
	    "t");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_what_was_given),
		cmocka_unit_test(an_anonymous_session_lasts_as_long_as_configured),
		cmocka_unit_test(the_token_is_stored_as_its_hash),
		cmocka_unit_test(a_bad_session_is_refused_by_field),
		cmocka_unit_test(a_user_agent_may_be_1024_characters),
		cmocka_unit_test(a_deleted_user_has_no_sessions),
		cmocka_unit_test(no_session_begins_while_its_user_is_deleted),
		cmocka_unit_test(visitors_are_not_in_the_audit_log),
		cmocka_unit_test(a_wrong_token_is_401),
		cmocka_unit_test(another_clients_token_is_401),
		cmocka_unit_test(an_expired_session_has_ended),
		cmocka_unit_test(an_extension_never_shortens),
		cmocka_unit_test(a_revoked_session_has_ended),
		cmocka_unit_test(all_sessions_of_a_user_end_at_once),
		cmocka_unit_test(a_list_is_of_one_user_in_pages),
		cmocka_unit_test(another_clients_session_is_not_found),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
