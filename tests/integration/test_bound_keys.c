/*
 * A key that is bound to a user sees and writes that user's rows, whatever it asks for, and of its
 * client nothing else. A route answers such keys only where its row says so.
 */
#include "tests/test.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/router.h"
#include "tests/api.h"
#include "tests/bound.h"

static struct bound_person own = { .mark = "only-for-one", .cost = "0" };
/* Whatever sums up the client's calls holds this. */
static struct bound_person other = { .mark = "only-for-two", .cost = "471147.1147" };
static const char *client, *free_key, *bound_key;

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("house");
	free_key = api_key();
	client = api_sql("SELECT id FROM clients WHERE name = 'house'");
	bound_make_person(&own);
	bound_make_person(&other);
	bound_key = bound_make_key(client, own.user);
	return 0;
}

static void
assert_nothing_of_the_other(const char *what)
{
	const char *secrets[] = { other.mark, other.user, other.session, other.record,
		other.authorization, other.budget, "471147" };
	const char *body = api_answer()->body;

	for (size_t i = 0; body && i < COUNT(secrets); i++) {
		if (strstr(body, secrets[i]))
			fail_msg("%s shows %s: %s", what, secrets[i], body);
	}
}

/* Every {...} becomes this. */
static const char *
fill_path(const char *path, const char *value)
{
	char filled[300] = "";
	FILE *to = fmemopen(filled, sizeof filled, "w");

	for (const char *at = path; *at != '\0'; at++) {
		if (*at != '{') {
			fputc(*at, to);
			continue;
		}
		fputs(strncmp(at, "{date}", 6) == 0 ? "2026-01-01" : value, to);
		at += strcspn(at, "}");
	}
	fclose(to);
	return api_text("%s", filled);
}

/* A body that the route takes, so that a refusal is not about the body. */
static const char *
body_of(const struct route *route)
{
	static const struct {
		const char *path;
		const char *body;
	} bodies[] = {
		{ "/v1/chat-logs", "{\"input_tokens\":1}" },
		{ "/v1/authorizations", "{\"max_cost_cents\":0.1}" },
		{ "/v1/authorizations/{id}/settle", "{\"input_tokens\":1}" },
		{ "/v1/sessions/{id}/extend", "{\"expires_in_s\":3600}" },
		{ "/v1/conversations/{id}/versions", "{\"html\":\"n\"}" },
		{ "/v1/conversations/{id}/messages", "{\"role\":\"user\",\"content\":\"n\"}" },
	};

	if (strcmp(route->method, "POST") != 0 && strcmp(route->method, "PATCH") != 0)
		return NULL;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		if (strcmp(bodies[i].path, route->path) == 0)
			return bodies[i].body;
	}
	return "{}";
}

static const char *
lower(const char *method)
{
	char name[16] = "";

	for (size_t i = 0; method[i] != '\0' && i < sizeof name - 1; i++)
		name[i] = (char)tolower((unsigned char)method[i]);
	return api_text("%s", name);
}

static void
a_route_that_does_not_say_so_refuses_bound_keys(UNUSED void **state)
{
	int open = 0;

	api_use_key(bound_key);
	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		const char *path = fill_path(route->path, own.record);

		if (route->scope >= SCOPE_CLIENT_COUNT)
			continue;
		api_send(route->method, path, NULL, body_of(route));
		open += route->bound;
		if (route->bound) {
			if (api_answer()->status == 403 || api_answer()->status >= 500)
				fail_msg("%s %s: %ld", route->method, path, api_answer()->status);
		} else if (api_answer()->status != 403 ||
			   strstr(api_json("detail"), "bound to a user") == NULL) {
			fail_msg("%s %s: %s", route->method, path, api_answer()->body);
		}
		assert_nothing_of_the_other(path);
	}
	assert_in_range(open, 15, 100);
}

static void
the_document_says_which_routes_bound_keys_may_call(UNUSED void **state)
{
	api_expect(200, "GET", "/v1/openapi.json", NULL);
	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);

		if (route->scope != SCOPE_NONE)
			api_expect_json(
			    api_text("paths.%s.%s.x-bound-keys", route->path, lower(route->method)),
			    route->bound ? "true" : "false");
	}
}

static const char *
rows_of_the_other(void)
{
	return api_sql(
	    "SELECT md5(concat((SELECT users FROM users WHERE id = '%s'),"
	    " (SELECT string_agg(s::text, '' ORDER BY id) FROM sessions s WHERE user_id = '%s'),"
	    " (SELECT string_agg(l::text, '' ORDER BY id) FROM chat_logs l WHERE user_id = '%s'),"
	    " (SELECT string_agg(c::text, '') FROM conversations c WHERE user_id = '%s'),"
	    " (SELECT string_agg(m::text, '' ORDER BY id) FROM messages m WHERE user_id = '%s'),"
	    " (SELECT string_agg(v::text, '' ORDER BY id) FROM versions v WHERE user_id = '%s'),"
	    " (SELECT string_agg(a::text, '' ORDER BY id) FROM authorizations a"
	    " WHERE user_id = '%s'),"
	    " (SELECT string_agg(a::text, '' ORDER BY id) FROM agent_sessions a"
	    " WHERE user_id = '%s')))",
	    other.user, other.user, other.user, other.user, other.user, other.user, other.user,
	    other.user);
}

static void
no_path_leads_to_another_users_rows(UNUSED void **state)
{
	const char *ids[] = { other.user, other.session, other.record, other.authorization,
		other.budget, other.conversation, other.agent };
	const char *before = rows_of_the_other();

	api_use_key(bound_key);
	for (size_t i = 0; route_at(i) != NULL; i++) {
		if (!route_at(i)->bound || !strchr(route_at(i)->path, '{'))
			continue;
		for (size_t j = 0; j < COUNT(ids); j++) {
			const char *path = fill_path(route_at(i)->path, ids[j]);

			api_expect(404, route_at(i)->method, path, body_of(route_at(i)));
			assert_nothing_of_the_other(path);
		}
	}
	assert_string_equal(rows_of_the_other(), before);
}

static void
ask(const char *path, const char *name, const char *value)
{
	const char *url = api_text("%s?%s=%s", path, name, value);

	if (api_send("GET", url, NULL, NULL) >= 500)
		fail_msg("%s: %ld", url, api_answer()->status);
	assert_nothing_of_the_other(url);
}

static void
ask_for_the_other(const struct route *route, const char *path)
{
	const char *ids[] = { other.user, other.session, other.record, other.authorization,
		other.budget, other.conversation, other.agent };
	struct route_fields query = router_query(route);

	for (size_t i = 0; i < query.count; i++) {
		for (size_t j = 0; query.at[i].type == JSON_ID && j < COUNT(ids); j++)
			ask(path, query.at[i].name, ids[j]);
		if (query.at[i].type == JSON_TEXT)
			ask(path, query.at[i].name, other.mark);
	}
}

static void
no_list_shows_another_users_rows(UNUSED void **state)
{
	const char *const forms[] = { "application/x-ndjson", "text/csv" };
	int shown = 0;

	api_use_key(bound_key);
	for (size_t i = 0; route_at(i) != NULL; i++) {
		const struct route *route = route_at(i);
		const char *path = fill_path(route->path, own.user);

		if (!route->bound || strcmp(route->method, "GET") != 0)
			continue;
		api_send("GET", path, NULL, NULL);
		shown += strstr(api_answer()->body, own.mark) != NULL;
		assert_nothing_of_the_other(path);
		ask_for_the_other(route, path);
	}
	/* The user, its sessions, its records in two places. */
	assert_in_range(shown, 4, 100);
	for (size_t i = 0; i < COUNT(forms); i++) {
		const char *const headers[] = { api_text("Accept: %s", forms[i]), NULL };

		assert_int_equal(api_send("GET", "/v1/chat-logs", headers, NULL), 200);
		assert_non_null(strstr(api_answer()->body, own.mark));
		assert_nothing_of_the_other(forms[i]);
	}
}

static void
the_next_request_of_another_key_is_not_bound(UNUSED void **state)
{
	/* On all connections that the service has. */
	for (int i = 0; i < 20; i++) {
		api_use_key(bound_key);
		api_expect(200, "GET", "/v1/chat-logs", NULL);
		assert_nothing_of_the_other("GET /v1/chat-logs");
		api_use_key(free_key);
		api_expect(200, "GET", "/v1/chat-logs", NULL);
		assert_non_null(strstr(api_answer()->body, other.mark));
	}
}

static void
the_token_of_another_users_session_opens_nothing(UNUSED void **state)
{
	const char *const headers[] = { api_text("X-Session-Token: %s", other.token), NULL };
	const char *const own_headers[] = { api_text("X-Session-Token: %s", own.token), NULL };

	api_use_key(bound_key);
	assert_int_equal(api_send("GET", "/v1/sessions/current", headers, NULL), 401);
	assert_int_equal(api_send("GET", "/v1/sessions/current", own_headers, NULL), 200);
}

/* Fields that any id fits: there is no table that they would name a row of. */
static bool
names_no_row(const char *field)
{
	return strcmp(field, "conversation_id") == 0;
}

/* How many of the fields could name what is the other's. */
static int
name_in_body(const struct route *route, const char *path, const char *field)
{
	const char *ids[] = { other.user, other.session, other.record, other.authorization,
		other.budget, other.conversation, other.agent };
	const char *body = body_of(route);

	for (size_t i = 0; i < COUNT(ids); i++) {
		const char *named = api_text("{\"%s\":\"%s\"%s%s", field, ids[i],
		    strcmp(body, "{}") == 0 ? "" : ",", body + 1);

		if (api_send(route->method, path, NULL, named) != 422)
			fail_msg("%s %s: %s", route->path, named, api_answer()->body);
	}
	return 1;
}

static void
no_body_may_name_another_users_rows(UNUSED void **state)
{
	const char *before = rows_of_the_other();
	int named = 0;

	api_use_key(bound_key);
	for (size_t i = 0; route_at(i) != NULL; i++) {
		struct route_fields body = router_body(route_at(i));
		const char *path = fill_path(route_at(i)->path, own.authorization);

		for (size_t j = 0; route_at(i)->bound && j < body.count; j++) {
			if (body.at[j].type == JSON_ID && !names_no_row(body.at[j].name))
				named += name_in_body(route_at(i), path, body.at[j].name);
		}
	}
	/* Of a record three, of a settle and an authorization two each, of a session one. */
	assert_in_range(named, 8, 100);
	assert_string_equal(rows_of_the_other(), before);
}

/* As the role of the service, in a transaction of the user: all that its policies let it read. */
#define READ_ALL \
	"SET ROLE tally_app;\n" \
	"SELECT set_config('app.client_id', '%s', false), set_config('app.user_id', '%s', false);\n" \
	"SELECT string_agg(query_to_xml(format('SELECT * FROM %%I', relname), true, false,\n" \
	"'')::text, '')\n" \
	"FROM pg_class\n" \
	"WHERE relkind IN ('r', 'p') AND NOT relispartition\n" \
	"AND relnamespace = 'public'::regnamespace\n" \
	"AND has_table_privilege('tally_app', oid, 'SELECT')"

static void
the_database_itself_shows_a_user_no_others(UNUSED void **state)
{
	const char *rows = api_sql(READ_ALL, client, own.user);
	const char *all = api_sql(READ_ALL, client, "");
	const char *secrets[] = { other.mark, other.session, other.record, other.authorization,
		other.budget, other.conversation, "471147" };

	assert_non_null(strstr(rows, own.mark));
	for (size_t i = 0; i < COUNT(secrets); i++) {
		if (strstr(rows, secrets[i]))
			fail_msg("a user's transaction shows %s", secrets[i]);
	}
	assert_non_null(strstr(all, other.mark));
	assert_non_null(strstr(all, "471147"));
}

/* What became of a statement of the service in a transaction of the user. */
static const char *
try_as(const char *user, const char *session_of)
{
	return api_sql(
	    "SELECT try_as_user('%s', '%s', $$INSERT INTO sessions (client_id, id, user_id,"
	    " token_hash, expires_at) SELECT '%s', gen_random_uuid(), %s,"
	    " sha256(gen_random_uuid()::text::bytea), now()$$)",
	    client, user, client, session_of);
}

static void
the_database_itself_takes_no_rows_of_others_from_a_user(UNUSED void **state)
{
	const char *mine = api_text("'%s'", own.user), *others = api_text("'%s'", other.user);

	api_sql("CREATE FUNCTION try_as_user(client text, bound text, statement text) RETURNS text"
		" LANGUAGE plpgsql AS $$ BEGIN"
		" PERFORM set_config('app.client_id', client, true),"
		" set_config('app.user_id', bound, true);"
		" SET LOCAL ROLE tally_app;"
		" EXECUTE statement;"
		" RETURN 'done';"
		" EXCEPTION WHEN insufficient_privilege THEN RETURN 'refused';"
		" END $$");
	assert_string_equal(try_as(own.user, mine), "done");
	assert_string_equal(try_as(own.user, others), "refused");
	assert_string_equal(try_as(own.user, "NULL"), "refused");
	assert_string_equal(try_as("", others), "done");
	assert_string_equal(try_as("", "NULL"), "done");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_that_does_not_say_so_refuses_bound_keys),
		cmocka_unit_test(the_document_says_which_routes_bound_keys_may_call),
		cmocka_unit_test(no_path_leads_to_another_users_rows),
		cmocka_unit_test(no_list_shows_another_users_rows),
		cmocka_unit_test(the_next_request_of_another_key_is_not_bound),
		cmocka_unit_test(the_token_of_another_users_session_opens_nothing),
		cmocka_unit_test(no_body_may_name_another_users_rows),
		cmocka_unit_test(the_database_itself_shows_a_user_no_others),
		cmocka_unit_test(the_database_itself_takes_no_rows_of_others_from_a_user),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
