#include "tests/test.h"

#include "lib/address.h"

static const struct {
	const char *sentence;
	const char *text;
	bool valid;
} addresses[] = {
	{ "IPv4", "192.0.2.7", true },
	{ "IPv6", "2001:db8::7", true },
	{ "IPv4 inside IPv6", "::ffff:192.0.2.7", true },
	{ "nothing", "", false },
	{ "a Unix socket, as nginx names it", "unix:", false },
	{ "a network", "192.0.2.0/24", false },
	{ "three numbers", "192.0.2", false },
	{ "a number too large", "192.0.2.256", false },
	{ "a zone", "fe80::1%eth0", false },
	{ "a name", "localhost", false },
	{ "a blank behind it", "192.0.2.7 ", false },
};

static void
test_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		if (address_valid(addresses[i].text) != addresses[i].valid)
			fail_msg("%s", addresses[i].sentence);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_valid) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
