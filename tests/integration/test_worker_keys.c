/* tally key create --allow: where a key may be used. */
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_held_to_its_ranges),
		cmocka_unit_test(an_operators_key_too),
	};

	return cmocka_run_group_tests(tests, api_start, api_stop);
}
