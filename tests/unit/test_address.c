#include "tests/test.h"

#include <string.h>

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

static const struct {
	const char *sentence;
	const char *text;
	uint8_t network[ADDRESS_NETWORK_SIZE];
} networks[] = {
	{ "all of an IPv4 address", "192.0.2.7", { 0, 0, 0xff, 0xff, 192, 0, 2, 7 } },
	{ "the same inside IPv6", "::ffff:192.0.2.7", { 0, 0, 0xff, 0xff, 192, 0, 2, 7 } },
	{ "half of an IPv6 address", "2001:db8:1:2:3:4:5:6", { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2 } },
	{ "loopback", "::1", { 0 } },
};

static void
test_network(void **state)
{
	uint8_t network[ADDRESS_NETWORK_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(networks); i++) {
		if (!address_network(networks[i].text, network) ||
		    memcmp(network, networks[i].network, sizeof(network)) != 0)
			fail_msg("%s", networks[i].sentence);
	}
	memset(network, 9, sizeof(network));
	assert_false(address_network("unix:", network));
	assert_false(address_network("192.0.2", network));
	for (size_t i = 0; i < sizeof(network); i++)
		assert_int_equal(network[i], 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
