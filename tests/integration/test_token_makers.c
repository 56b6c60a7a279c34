/* What a key has made ends when the key is revoked, whoever revokes it and whatever goes on. */
#include "tests/test.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

#define TOKENS "/v1/auth-tokens"
#define NOBODY "0193d7a0-0000-7000-8000-000000000001"

static const char *operator, * client, *own, *user;

struct key {
	const char *id, *text;
};

static int
start(void **state)
{
	api_start(state);
	operator= api_use_operator();
	api_use_new_client("makers");
	own = api_key();
	client = api_sql("SELECT id FROM clients WHERE name = 'makers'");
	user = api_add("/v1/users", "{\"external_id\":\"ann\"}");
	return 0;
}

/* A token of the type that is made with the key. */
static struct key
make_with(const char *key, const char *type)
{
	bool is_key = strcmp(type, "api_key") == 0;
	const char *whose = is_key ? "" : api_text(",\"user_id\":\"%s\"", user);
	struct key made;

	api_use_key(key);
	made.id = api_add(TOKENS, api_text("{\"name\":\"t\",\"token_type\":\"%s\",\"scopes\":["
					   "\"users\",\"logs:read\"]%s}",
				      type, whose));
	made.text = api_keep("token");
	api_use_key(own);
	return made;
}

static struct key
make_key(void)
{
	return make_with(own, "api_key");
}

static bool
is_active(struct key key)
{
	return strcmp(api_sql("SELECT is_active FROM auth_tokens WHERE id = '%s'", key.id), "t") ==
	       0;
}

static void
by_its_client(struct key key)
{
	api_expect(204, "DELETE", api_text(TOKENS "/%s", key.id), NULL);
}

static void
by_itself(struct key key)
{
	api_use_key(key.text);
	by_its_client(key);
	api_use_key(own);
}

static void
by_an_operator(struct key key)
{
	api_use_key(operator);
	api_expect(204, "DELETE", api_text("/v1/clients/%s/api-keys/%s", client, key.id), NULL);
	api_use_key(own);
}

static void
by_command(struct key key)
{
	struct servers *servers = api_servers();

	EXPECT_TALLY(EX_OK, NULL, "key", "revoke", key.id);
}

static const struct {
	const char *sentence;
	void (*revoke)(struct key key);
} ways[] = {
	{ "by its client", by_its_client },
	{ "by itself", by_itself },
	{ "by an operator", by_an_operator },
	{ "by command", by_command },
};

static bool
is_refused(void *context)
{
	const struct key *key = context;
	bool refused;

	api_use_key(key->text);
	refused = api_send("GET", "/v1/chat-logs", NULL, NULL) == 401;
	api_use_key(own);
	return refused;
}

static void
what_a_key_has_made_ends_with_it(UNUSED void **state)
{
	static const char *const types[] = { "api_key", "session", "jwt_refresh" };

	for (size_t i = 0; i < COUNT(ways); i++) {
		struct key key = make_key(), other = make_key();
		struct key kept = make_with(other.text, "session"), below, session;

		for (size_t t = 0; t < COUNT(types); t++)
			make_with(key.text, types[t]);
		below = make_with(make_with(key.text, "api_key").text, "api_key");
		session = make_with(below.text, "session");
		ways[i].revoke(key);
		if (strcmp(api_sql("SELECT count(*) FROM auth_tokens WHERE maker_id = '%s'"
				   " AND is_active",
			       key.id),
			"0") != 0 ||
		    is_active(below) || is_active(session))
			fail_msg("%s", ways[i].sentence);
		assert_true(servers_await(is_refused, &session));
		assert_true(is_active(other));
		assert_true(is_active(kept));
	}
}

static struct key
refreshed(struct key refresh)
{
	struct key next;

	api_expect(
	    200, "POST", TOKENS "/refresh", api_text("{\"refresh_token\":\"%s\"}", refresh.text));
	next.id = api_keep("refresh_token_id");
	next.text = api_keep("refresh_token");
	return next;
}

/* Whoever asks for the next. */
static void
what_is_refreshed_is_still_of_its_maker(UNUSED void **state)
{
	struct key key = make_key();
	struct key refresh = refreshed(make_with(key.text, "jwt_refresh"));
	struct key session = { api_keep("access_token_id"), api_keep("access_token") };

	api_use_key(session.text);
	api_expect(200, "GET", "/v1/chat-logs", NULL);
	api_use_key(own);
	by_its_client(key);
	assert_false(is_active(session));
	assert_false(is_active(refresh));
	api_expect(
	    401, "POST", TOKENS "/refresh", api_text("{\"refresh_token\":\"%s\"}", refresh.text));
}

static void
a_rotation_ends_nothing(UNUSED void **state)
{
	struct key key = make_key();
	struct key before = make_with(key.text, "session"), next, after;

	api_use_key(operator);
	next.id = api_add(api_text("/v1/clients/%s/api-keys/%s/rotate", client, key.id), "{}");
	next.text = api_keep("key");
	after = make_with(next.text, "session");
	assert_true(is_active(before));
	by_its_client(key);
	assert_false(is_active(before));
	assert_true(is_active(next));
	assert_true(is_active(after));
}

/* It was not revoked. */
static void
a_key_that_was_purged_has_ended_nothing(UNUSED void **state)
{
	struct key key = make_key();
	struct key refresh = make_with(key.text, "jwt_refresh");

	api_sql("DELETE FROM auth_tokens WHERE id = '%s' RETURNING 1", key.id);
	refreshed(refresh);
}

static void
the_maker_is_shown_and_never_given(UNUSED void **state)
{
	struct key key = make_key();
	struct key made = make_with(key.text, "session");
	const char *path = api_text(TOKENS "/%s", made.id);

	api_expect(200, "GET", path, NULL);
	api_expect_json("maker_id", key.id);
	api_send("PATCH", path, NULL, "{\"maker_id\":null}");
	api_expect_field("changed", "maker_id");
	api_send("POST", TOKENS, NULL,
	    "{\"name\":\"t\",\"scopes\":[\"users\"],\"maker_id\":\"" NOBODY "\"}");
	api_expect_field("given", "maker_id");
	api_expect(200, "PATCH", path, "{\"name\":\"n\"}");
	api_expect_json("maker_id", key.id);
	api_use_key(operator);
	api_add(
	    api_text("/v1/clients/%s/api-keys", client), "{\"name\":\"k\",\"scopes\":[\"users\"]}");
	api_use_key(own);
	api_expect(200, "GET", api_text(TOKENS "/%s", api_keep("id")), NULL);
	api_expect_json("maker_id", "null");
}

struct asking {
	const char *method, *path, *body;
	long status;
};

static void *
ask(void *context)
{
	struct asking *asking = context;
	struct http_answer answer = api_call(asking->method, asking->path, NULL, asking->body);

	asking->status = answer.status;
	http_free(&answer);
	return NULL;
}

static bool
something_waits(UNUSED void *context)
{
	return strcmp(api_sql("SELECT count(*) FROM pg_locks WHERE NOT granted"), "0") != 0;
}

static void
run(PGconn *db, const char *sql)
{
	PGresult *result = PQexec(db, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(db));
	PQclear(result);
}

/* While the transaction has the key locked, and goes on with the second step once that is waited
 * for; the status of the request. */
static long
ask_meanwhile(const char *first, const char *second, struct asking *asking)
{
	PGconn *db = PQconnectdb(servers_database_url(api_servers(), "postgres"));
	pthread_t thread;

	assert_int_equal(PQstatus(db), CONNECTION_OK);
	run(db, "BEGIN");
	run(db, first);
	assert_int_equal(pthread_create(&thread, NULL, ask, asking), 0);
	assert_true(servers_await(something_waits, NULL));
	run(db, second);
	run(db, "COMMIT");
	assert_int_equal(pthread_join(thread, NULL), 0);
	PQfinish(db);
	return asking->status;
}

static void
nothing_is_made_while_the_key_is_revoked(UNUSED void **state)
{
	struct key key = make_key();
	struct key refresh = make_with(key.text, "jwt_refresh");
	struct asking askings[] = {
		{ "POST", TOKENS, "{\"name\":\"late\",\"scopes\":[\"logs:read\"]}", 0 },
		{ "POST", TOKENS "/refresh", api_text("{\"refresh_token\":\"%s\"}", refresh.text),
		    0 },
	};

	for (size_t i = 0; i < COUNT(askings); i++) {
		api_use_key(i == 0 ? key.text : own);
		assert_int_equal(
		    ask_meanwhile(
			api_text("SELECT FROM auth_tokens WHERE id = '%s' FOR UPDATE", key.id),
			api_text(
			    "UPDATE auth_tokens SET is_active = false WHERE id = '%s'", key.id),
			&askings[i]),
		    401);
	}
	api_use_key(own);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM auth_tokens WHERE maker_id = '%s'", key.id), "1");
}

/* The two that are added are what two requests with these keys had begun to make. */
static void
what_is_being_made_ends_too(UNUSED void **state)
{
	static const char add[] =
	    "INSERT INTO auth_tokens (client_id, id, public_id, token_hash, name, maker_id)"
	    " SELECT client_id, gen_random_uuid(), substr(md5(id::text), 1, 16), token_hash,"
	    " 'late', id FROM auth_tokens WHERE id = '%s'";
	static const char hold[] = "SELECT FROM auth_tokens WHERE id = '%s' FOR KEY SHARE";
	struct key key = make_key();
	const char *held[] = { key.id, make_with(key.text, "api_key").id };

	for (size_t i = COUNT(held); i-- > 0;) {
		struct asking revoke = { "DELETE", api_text(TOKENS "/%s", key.id), NULL, 0 };

		api_use_key(own);
		assert_int_equal(
		    ask_meanwhile(api_text(hold, held[i]), api_text(add, held[i]), &revoke), 204);
		assert_string_equal(api_sql("SELECT bool_or(is_active) FROM auth_tokens"
					    " WHERE maker_id = '%s' AND name = 'late'",
					held[i]),
		    "f");
	}
}

/* Else whoever revokes the maker, or deletes the user, would wait for it and it for them. */
static void
a_rotation_waits_before_it_locks_the_key(UNUSED void **state)
{
	static const char hold_maker[] = "SELECT FROM auth_tokens WHERE id = '%s' FOR UPDATE";
	static const char hold_user[] = "SELECT FROM users WHERE id = '%s' FOR UPDATE";
	struct key maker = make_key();
	const char *made = make_with(maker.text, "api_key").id;
	const char *whose = api_add(
	    TOKENS, api_text("{\"name\":\"t\",\"scopes\":[\"users\"],\"user_id\":\"%s\"}", user));
	const struct {
		const char *hold, *key;
	} cases[] = {
		{ api_text(hold_maker, maker.id), made },
		{ api_text(hold_user, user), whose },
	};

	api_use_key(operator);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct asking rotate = { "POST",
			api_text("/v1/clients/%s/api-keys/%s/rotate", client, cases[i].key), "{}",
			0 };

		assert_int_equal(
		    ask_meanwhile(cases[i].hold,
			api_text("SELECT FROM auth_tokens WHERE id = '%s' FOR UPDATE NOWAIT",
			    cases[i].key),
			&rotate),
		    201);
	}
	api_use_key(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_key_has_made_ends_with_it),
		cmocka_unit_test(what_is_refreshed_is_still_of_its_maker),
		cmocka_unit_test(a_rotation_ends_nothing),
		cmocka_unit_test(a_key_that_was_purged_has_ended_nothing),
		cmocka_unit_test(the_maker_is_shown_and_never_given),
		cmocka_unit_test(nothing_is_made_while_the_key_is_revoked),
		cmocka_unit_test(what_is_being_made_ends_too),
		cmocka_unit_test(a_rotation_waits_before_it_locks_the_key),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
