/* No key gives a token more than it has, neither when it makes it nor by a change. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "tests/api.h"

#define TOKENS "/v1/auth-tokens"

static int
start(void **state)
{
	api_start(state);
	api_use_new_client("granting");
	return 0;
}

/* The calls from here on use a token with these members beside its name. */
static void
use_token(const char *members)
{
	api_add(TOKENS, api_text("{\"name\":\"t\",%s}", members));
	api_use_key(api_keep("token"));
}

/* What the granting key has, what it gives, and the field that is refused; NULL: it may. */
static const struct {
	const char *sentence;
	const char *own;
	const char *given;
	const char *field;
} grants[] = {
	{ "its own scopes", "\"scopes\":[\"users\",\"agents\"]", "\"scopes\":[\"agents\"]", NULL },
	{ "a scope that it lacks", "\"scopes\":[\"users\"]", "\"scopes\":[\"users\",\"agents\"]",
	    "scopes" },
	{ "all scopes, having admin", "\"scopes\":[\"users\",\"admin\"]",
	    "\"scopes\":[\"credits\"]", "scopes" },
	{ "an earlier end", "\"scopes\":[\"users\"],\"expires_at\":\"2099-01-01T00:00:00Z\"",
	    "\"scopes\":[\"users\"],\"expires_at\":\"2098-01-01T00:00:00Z\"", NULL },
	{ "a later end", "\"scopes\":[\"users\"],\"expires_at\":\"2099-01-01T00:00:00Z\"",
	    "\"scopes\":[\"users\"],\"expires_at\":\"2099-01-01T00:00:01Z\"", "expires_at" },
	{ "no end", "\"scopes\":[\"users\"],\"expires_at\":\"2099-01-01T00:00:00Z\"",
	    "\"scopes\":[\"users\"]", "expires_at" },
	{ "a part of its ranges", "\"scopes\":[\"users\"],\"allowed_addresses\":[\"127.0.0.0/8\"]",
	    "\"scopes\":[\"users\"],\"allowed_addresses\":[\"127.0.0.1\"]", NULL },
	{ "more than its ranges", "\"scopes\":[\"users\"],\"allowed_addresses\":[\"127.0.0.0/8\"]",
	    "\"scopes\":[\"users\"],\"allowed_addresses\":[\"127.0.0.1\",\"::/0\"]",
	    "allowed_addresses" },
	{ "everywhere", "\"scopes\":[\"users\"],\"allowed_addresses\":[\"127.0.0.0/8\"]",
	    "\"scopes\":[\"users\"]", "allowed_addresses" },
	{ "its rate", "\"scopes\":[\"users\"],\"rate_limit_per_hour\":100",
	    "\"scopes\":[\"users\"],\"rate_limit_per_hour\":100", NULL },
	{ "more than its rate", "\"scopes\":[\"users\"],\"rate_limit_per_hour\":100",
	    "\"scopes\":[\"users\"],\"rate_limit_per_hour\":101", "rate_limit_per_hour" },
	{ "no rate", "\"scopes\":[\"users\"],\"rate_limit_per_hour\":100", "\"scopes\":[\"users\"]",
	    "rate_limit_per_hour" },
};

static void
no_key_gives_more_than_it_has(UNUSED void **state)
{
	const char *own = api_key();

	for (size_t i = 0; i < COUNT(grants); i++) {
		use_token(grants[i].own);
		api_send("POST", TOKENS, NULL, api_text("{\"name\":\"t\",%s}", grants[i].given));
		if (grants[i].field != NULL)
			api_expect_field(grants[i].sentence, grants[i].field);
		else if (api_answer()->status != 201)
			fail_msg("%s: %s", grants[i].sentence, api_answer()->body);
		api_use_key(own);
	}
}

/* A change of a token like the granting key, and the field that is refused. */
static const struct {
	const char *own;
	const char *change;
	const char *field;
} changes[] = {
	{ "\"scopes\":[\"users\"]", "{\"scopes\":[\"agents\"]}", "scopes" },
	{ "\"scopes\":[\"users\"],\"expires_at\":\"2099-01-01T00:00:00Z\"", "{\"expires_at\":null}",
	    "expires_at" },
	{ "\"scopes\":[\"users\"],\"expires_at\":\"2099-01-01T00:00:00Z\"",
	    "{\"expires_at\":\"2099-01-02T00:00:00Z\"}", "expires_at" },
	{ "\"scopes\":[\"users\"],\"allowed_addresses\":[\"127.0.0.0/8\"]",
	    "{\"allowed_addresses\":null}", "allowed_addresses" },
	{ "\"scopes\":[\"users\"],\"allowed_addresses\":[\"127.0.0.0/8\"]",
	    "{\"allowed_addresses\":[\"126.0.0.0/7\"]}", "allowed_addresses" },
	{ "\"scopes\":[\"users\"],\"rate_limit_per_hour\":100", "{\"rate_limit_per_hour\":null}",
	    "rate_limit_per_hour" },
	{ "\"scopes\":[\"users\"],\"rate_limit_per_hour\":100", "{\"rate_limit_per_hour\":101}",
	    "rate_limit_per_hour" },
};

static void
nor_by_a_change(UNUSED void **state)
{
	const char *own = api_key();

	for (size_t i = 0; i < COUNT(changes); i++) {
		const char *path;

		use_token(changes[i].own);
		path = api_text(
		    TOKENS "/%s", api_add(TOKENS, api_text("{\"name\":\"t\",%s}", changes[i].own)));
		api_expect(200, "PATCH", path, "{\"name\":\"u\"}");
		api_send("PATCH", path, NULL, changes[i].change);
		api_expect_field(changes[i].change, changes[i].field);
		api_use_key(own);
	}
}

/* It could make a thief's token live on, or open it to other addresses. */
static void
a_key_that_may_do_more_is_revoked_but_not_changed(UNUSED void **state)
{
	const char *own = api_key();
	const char *wide = api_text(TOKENS "/%s",
	    api_add(TOKENS, "{\"name\":\"wide\",\"scopes\":[\"users\",\"credits\"]}"));

	use_token("\"scopes\":[\"users\"]");
	api_expect(403, "PATCH", wide, "{\"expires_at\":\"2099-01-01T00:00:00Z\"}");
	api_expect(403, "PATCH", wide, "{\"name\":\"narrow\"}");
	api_expect(204, "DELETE", wide, NULL);
	api_use_key(own);
	api_expect(200, "GET", wide, NULL);
	api_expect_json("active", "false");
	api_expect_json("name", "wide");
}

/* What the asking key has, and what a token has that may be used beyond it. */
static const struct {
	const char *sentence;
	const char *own;
	const char *wider;
} wider[] = {
	{ "from everywhere", "\"allowed_addresses\":[\"127.0.0.0/8\"]", "\"name\":\"w\"" },
	{ "from other ranges", "\"allowed_addresses\":[\"127.0.0.0/8\"]",
	    "\"name\":\"w\",\"allowed_addresses\":[\"127.0.0.1\",\"192.0.2.0/24\"]" },
	{ "for good", "\"expires_at\":\"2099-01-01T00:00:00Z\"", "\"name\":\"w\"" },
	{ "for longer", "\"expires_at\":\"2099-01-01T00:00:00Z\"",
	    "\"name\":\"w\",\"expires_at\":\"2099-01-01T00:00:01Z\"" },
	{ "at any rate", "\"rate_limit_per_hour\":100", "\"name\":\"w\"" },
	{ "at a higher rate", "\"rate_limit_per_hour\":100",
	    "\"name\":\"w\",\"rate_limit_per_hour\":101" },
};

/* Else a thief who has both would be given in one what the other does not reach. */
static void
nor_is_one_given_scopes_that_may_be_used_beyond_the_asking_key(UNUSED void **state)
{
	const char *own = api_key();

	for (size_t i = 0; i < COUNT(wider); i++) {
		const char *path = api_text(TOKENS "/%s",
		    api_add(TOKENS, api_text("{%s,\"scopes\":[\"agents\"]}", wider[i].wider)));

		use_token(api_text("\"scopes\":[\"users\",\"agents\"],%s", wider[i].own));
		if (api_send("PATCH", path, NULL, "{\"scopes\":[\"users\",\"agents\"]}") != 403)
			fail_msg("%s: %s", wider[i].sentence, api_answer()->body);
		api_expect(204, "DELETE", path, NULL);
		api_use_key(own);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_key_gives_more_than_it_has),
		cmocka_unit_test(nor_by_a_change),
		cmocka_unit_test(a_key_that_may_do_more_is_revoked_but_not_changed),
		cmocka_unit_test(nor_is_one_given_scopes_that_may_be_used_beyond_the_asking_key),
	};

	return cmocka_run_group_tests(tests, start, api_stop);
}
