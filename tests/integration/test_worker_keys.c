/* tally key create: where a key may be used, and whose it is. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"

static const struct {
	const char *sentence;
	const char *allow;
	int status;
	const char *prints;
} cases[] = {
	{ "a range", "--allow=192.0.2.0/24", EX_OK, "\"allowed_addresses\":[\"192.0.2.0/24\"]" },
	{ "two ranges", "--allow=192.0.2.0/24,2001:db8::/32", EX_OK,
	    "[\"192.0.2.0/24\",\"2001:db8::/32\"]" },
	{ "an address", "--allow=192.0.2.7", EX_OK, "[\"192.0.2.7/32\"]" },
	{ "everywhere", "--name=n", EX_OK, "\"allowed_addresses\":null" },
	{ "bits behind the length", "--allow=192.0.2.1/24", EX_USAGE, "must hold ranges like" },
	{ "nothing", "--allow=", EX_USAGE, "allow" },
	{ "seventeen",
	    "--allow=::1,::2,::3,::4,::5,::6,::7,::8,::9,::a,::b,::c,::d,::e,::f,::10,::11",
	    EX_USAGE, "allow" },
};

static void
a_key_is_held_to_its_ranges(UNUSED void **state)
{
	struct servers *servers = api_servers();

	EXPECT_TALLY(EX_OK, NULL, "client", "create", "--name=ranges");
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *output;
		int status = servers_tally(servers, &output, "key", "create", "--client=ranges",
		    cases[i].allow, "--json", NULL);

		if (status != cases[i].status || strstr(output, cases[i].prints) == NULL)
			fail_msg("%s: %d %s", cases[i].sentence, status, output);
		free(output);
	}
	EXPECT_TALLY(EX_OK, "192.0.2.0/24", "key", "list", "--client=ranges");
}

static void
an_operators_key_too(UNUSED void **state)
{
	struct servers *servers = api_servers();
	char *output, *key;

	assert_int_equal(servers_tally(servers, &output, "key", "create", "--client=operator",
			     "--allow=10.0.0.0/8", "--json", NULL),
	    EX_OK);
	key = strstr(output, "\"key\":\"") + strlen("\"key\":\"");
	key[strcspn(key, "\"")] = '\0';
	api_use_key(api_text("%s", key));
	free(output);
	api_expect(403, "GET", "/v1/clients", NULL);
	api_expect_json("detail", "The key may not be used from this address.");
}

static const struct {
	const char *sentence;
	const char *user; /* of the client; NULL: as given */
	const char *given;
	int status;
	const char *prints;
} users[] = {
	{ "of another client", "theirs", NULL, EX_USAGE, "user_id: must be the id of a user" },
	{ "a deleted one", "gone", NULL, EX_USAGE, "user_id: must be the id of a user" },
	{ "of nobody", NULL, "0193d7a0-0000-7000-8000-000000000001", EX_USAGE,
	    "user_id: must be the id of a user" },
	{ "no id", NULL, "ann", EX_USAGE, "--user takes an id" },
	{ "nothing", NULL, "", EX_USAGE, "--user takes an id" },
};

static const char *
user_named(const char *name)
{
	return api_sql("SELECT id FROM users WHERE external_id = '%s'", name);
}

/* The key of the client named "bound" that is bound to the user. */
static void
use_bound_key(const char *user)
{
	char *output, *key;

	assert_int_equal(servers_tally(api_servers(), &output, "key", "create", "--client=bound",
			     "--scopes=logs:read,users", "--user", user, "--json", NULL),
	    EX_OK);
	assert_non_null(strstr(output, api_text("\"user_id\":\"%s\"", user)));
	key = strstr(output, "\"key\":\"") + strlen("\"key\":\"");
	key[strcspn(key, "\"")] = '\0';
	api_use_key(api_text("%s", key));
	free(output);
}

static void
a_key_is_bound_to_its_user(UNUSED void **state)
{
	struct servers *servers = api_servers();
	const char *ann, *bob, *gone;

	api_use_new_client("not bound");
	api_add("/v1/users", "{\"external_id\":\"theirs\"}");
	api_use_new_client("bound");
	ann = api_add("/v1/users", "{\"external_id\":\"ann\"}");
	bob = api_add("/v1/users", "{\"external_id\":\"bob\"}");
	gone = api_add("/v1/users", "{\"external_id\":\"gone\"}");
	api_expect(204, "DELETE", api_text("/v1/users/%s", gone), NULL);

	use_bound_key(ann);
	EXPECT_TALLY(EX_OK, ann, "key", "list", "--client=bound");
	api_expect(200, "GET", api_text("/v1/users/%s", ann), NULL);
	api_expect(404, "GET", api_text("/v1/users/%s", bob), NULL);
	for (size_t i = 0; i < COUNT(users); i++) {
		char *output;
		const char *id = users[i].user != NULL ? user_named(users[i].user) : users[i].given;
		int status = servers_tally(servers, &output, "key", "create", "--client=bound",
		    api_text("--user=%s", id), NULL);

		if (status != users[i].status || strstr(output, users[i].prints) == NULL)
			fail_msg("%s: %d %s", users[i].sentence, status, output);
		free(output);
	}
	EXPECT_TALLY(EX_USAGE, "--scopes: x is no scope", "key", "create", "--client=bound",
	    "--scopes=users,x");
	EXPECT_TALLY(EX_USAGE, "must be the id of a user", "key", "create", "--client=operator",
	    "--user", ann);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_held_to_its_ranges),
		cmocka_unit_test(an_operators_key_too),
		cmocka_unit_test(a_key_is_bound_to_its_user),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
