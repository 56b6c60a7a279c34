/* Authorizations in the database, as tally_app sees them: every call, and another tenant's. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/model/chat_log.h"
#include "tests/held.h"

static void
what_is_stored_is_found(void **state)
{
	static const char *const tags[] = { "a", "quote\" and \\", "{,}" };
	struct authorization full = held_make(task.now), bare = held_make(task.now), found;

	(void)state;
	full.scope = (struct budget_scope){
		.user_id = id_new(task.now),
		.user_tier = USER_PREMIUM,
		.has_user_tier = true,
		.api_key_id = id_new(task.now),
		.session_id = id_new(task.now),
		.agent_session_id = id_new(task.now),
		.feature = "chat",
		.provider = "openai",
		.model = "gpt",
	};
	full.tags = (struct json_texts){ tags, COUNT(tags) };
	full.held_nanos = AUTHORIZATION_COST_MAX - 1;
	full.held_tokens = 12;
	full.model_pricing_id = id_new(task.now);
	bare.held_nanos = CHAT_LOG_NONE;
	held_store_rows((const struct authorization_row[]){ { held_own, &full, NULL },
			    { held_own, &bare, NULL } },
	    2);

	found = held_find(full.id);
	assert_int_equal(found.tags.count, COUNT(tags));
	for (size_t i = 0; i < COUNT(tags); i++)
		assert_string_equal(found.tags.at[i], tags[i]);
	assert_string_equal(found.scope.feature, "chat");
	assert_string_equal(found.scope.provider, "openai");
	assert_string_equal(found.scope.model, "gpt");
	assert_true(found.scope.has_user_tier);
	assert_int_equal(found.scope.user_tier, USER_PREMIUM);
	assert_true(id_equal(found.scope.user_id, full.scope.user_id));
	assert_true(id_equal(found.scope.api_key_id, full.scope.api_key_id));
	assert_true(id_equal(found.scope.session_id, full.scope.session_id));
	assert_true(id_equal(found.scope.agent_session_id, full.scope.agent_session_id));
	assert_true(id_equal(found.model_pricing_id, full.model_pricing_id));
	assert_int_equal(found.held_nanos, AUTHORIZATION_COST_MAX - 1);
	assert_int_equal(found.held_tokens, 12);
	assert_int_equal(found.created_at, full.created_at);
	assert_int_equal(found.expires_at, full.expires_at);

	/* Nothing that was not given is given. */
	found = held_find(bare.id);
	found.id = bare.id;
	assert_memory_equal(&found, &bare, sizeof found);
}

static void
another_tenants_are_not_there(void **state)
{
	struct authorization own_one = held_make(task.now), others = held_make(task.now), found;
	struct authorizations held;

	(void)state;
	held_store_rows((const struct authorization_row[]){ { held_other, &others, NULL },
			    { held_own, &own_one, NULL } },
	    2);
	held_fails(authorization_find(&task, others.id, &found), ERR_NOT_FOUND);
	held_fails(authorization_void(&task, others.id, &found), ERR_NOT_FOUND);
	/* Nor is one whose id has no time. */
	held_fails(authorization_find(&task, id_hash(held_own, (struct text){ "x", 1 }), &found),
	    ERR_NOT_FOUND);
	held_fails(authorization_void(&task, id_hash(held_own, (struct text){ "x", 1 }), &found),
	    ERR_NOT_FOUND);
	task.client = held_other;
	assert_int_equal(held_find(others.id).voided_at, 0);
	fine(authorization_list_held(&task, (struct id){ 0 }, 10, &held));
	fine(db_commit(&task));
	assert_int_equal(held.count, 1);
	/* A record settles what is its own client's only. */
	assert_int_equal(
	    held_settle(held_other, own_one.id, held_record(held_other, own_one.id, "1")), 0);
	assert_int_equal(
	    held_settle(held_own, own_one.id, held_record(held_other, own_one.id, "1")), 0);
}

static void
a_void_counts_once(void **state)
{
	struct authorization one = held_stored(task.now),
			     late = held_stored(task.now - 11 * MINUTE), found;
	struct authorization done = held_stored(task.now);
	int64_t now = task.now;

	(void)state;
	fine(authorization_void(&task, one.id, &found));
	assert_int_equal(found.voided_at, now);
	fine(db_commit(&task));
	task.now += MINUTE;
	fine(authorization_void(&task, one.id, &found));
	assert_int_equal(found.voided_at, now);
	fine(authorization_void(&task, late.id, &found));
	assert_int_equal(found.voided_at, 0);
	fine(db_commit(&task));
	assert_int_equal(held_settle(held_own, done.id, held_record(held_own, done.id, "1")), 1);
	held_fails(authorization_void(&task, done.id, &found), ERR_CONFLICT);
	assert_int_equal(held_find(done.id).voided_at, 0);
}

/* By the clock of PostgreSQL. */
static void
end_life(const char *condition)
{
	free(servers_sql(
	    servers, arena_printf(task.arena,
			 "UPDATE authorizations SET granted_at = now() - (expires_at - created_at)"
			 " WHERE %s RETURNING 1",
			 condition)));
}

static void
those_that_are_held_are_listed(void **state)
{
	struct authorization gone[3], held[3], found;
	struct authorization_sum sum;
	struct authorizations list;

	(void)state;
	end_life("true"); /* of those of the tests before this one */
	gone[0] = held_stored(task.now - 3 * MINUTE);
	gone[1] = held_stored(task.now - 3 * MINUTE);
	gone[2] = held_stored(task.now - MINUTE); /* over just now */
	end_life(arena_printf(task.arena, "id = '%s'", held_text(gone[2].id)));
	for (size_t i = 0; i < COUNT(held); i++) {
		held[i] = held_make(
		    task.now - AUTHORIZATION_SECONDS_MAX * CLOCK_SECOND + (int64_t)(1 + i) * 1000);
		held[i].expires_at = held[i].created_at + AUTHORIZATION_SECONDS_MAX * CLOCK_SECOND;
		held_store(held_own, &held[i]);
	}
	held_store(held_other, &gone[2]);
	fine(authorization_void(&task, gone[0].id, &found));
	fine(db_commit(&task));
	assert_int_equal(
	    held_settle(held_own, gone[1].id, held_record(held_own, gone[1].id, "1")), 1);

	fine(authorization_sum_held(&task, &sum));
	assert_int_equal(sum.count, 3);
	assert_int_equal(sum.held_nanos, 3 * CENT);
	assert_int_equal(sum.oldest_at, held[0].created_at);
	fine(authorization_list_held(&task, (struct id){ 0 }, 2, &list));
	assert_int_equal(list.count, 2);
	assert_true(id_equal(list.at[0].id, held[0].id));
	assert_true(id_equal(list.at[1].id, held[1].id));
	assert_int_equal(list.at[1].held_nanos, CENT);
	fine(authorization_list_held(&task, list.at[1].id, 2, &list));
	assert_int_equal(list.count, 1);
	assert_true(id_equal(list.at[0].id, held[2].id));
	fine(authorization_list_held(&task, list.at[0].id, 2, &list));
	assert_int_equal(list.count, 0);
}

static const struct {
	const char *sentence;
	const char *user, *session; /* of the client that begins so; NULL: not given */
	bool made;
	const char *field; /* that is refused; NULL: none */
	int tier; /* -1: none */
} scopes[] = {
	{ "nobody's call", NULL, NULL, false, NULL, -1 },
	{ "a user's", "own", NULL, false, NULL, USER_PREMIUM },
	{ "a user's that may be missing", "own", NULL, true, NULL, USER_PREMIUM },
	{ "no user's", "none", NULL, false, "user_id", 0 },
	{ "a user's that is yet to be made", "none", NULL, true, NULL, USER_ANONYMOUS },
	{ "another tenant's user's", "other", NULL, false, "user_id", 0 },
	{ "a session's", NULL, "own", false, NULL, -1 },
	{ "no session's", NULL, "none", false, "session_id", -1 },
	{ "another tenant's session's", NULL, "other", false, "session_id", -1 },
	{ "both", "own", "own", false, NULL, USER_PREMIUM },
};

/* The id that the tests' users and sessions of a client have. */
static struct id
named(const char *client)
{
	return client == NULL ? (struct id){ 0 }
			      : id_hash(held_own, (struct text){ client, strlen(client) });
}

static void
add_user_and_session(struct id client, const char *name)
{
	free(servers_sql(
	    servers, arena_printf(task.arena,
			 "INSERT INTO users (client_id, id, tier) VALUES ('%s', '%s', 'premium')"
			 " RETURNING 1",
			 held_text(client), held_text(named(name)))));
	free(servers_sql(
	    servers, arena_printf(task.arena,
			 "INSERT INTO sessions (client_id, id, token_hash, expires_at) VALUES"
			 " ('%s', '%s', sha256('%s'), now()) RETURNING 1",
			 held_text(client), held_text(named(name)), name)));
}

static void
a_scope_names_what_is_there(void **state)
{
	(void)state;
	add_user_and_session(held_own, "own");
	add_user_and_session(held_other, "other");
	for (size_t i = 0; i < COUNT(scopes); i++) {
		struct budget_scope scope = { .user_id = named(scopes[i].user),
			.session_id = named(scopes[i].session) };
		bool good = authorization_check_scope(&task, scopes[i].made, &scope);

		if (good != (scopes[i].field == NULL) ||
		    (!good && strcmp(task.err.fields[0].field, scopes[i].field) != 0) ||
		    (good && scope.has_user_tier != (scopes[i].tier >= 0)) ||
		    (good && scope.has_user_tier && scope.user_tier != scopes[i].tier))
			fail_msg("%s", scopes[i].sentence);
		assert_null(task.db);
		task_clear_error(&task);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		HELD_TEST(what_is_stored_is_found),
		HELD_TEST(another_tenants_are_not_there),
		HELD_TEST(a_void_counts_once),
		HELD_TEST(those_that_are_held_are_listed),
		HELD_TEST(a_scope_names_what_is_there),
	};

	return cmocka_run_group_tests(tests, held_start, stop_postgres);
}
