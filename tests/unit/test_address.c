#include "tests/test.h"

#include <arpa/inet.h>
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

static const struct {
	const char *text;
	bool is_public;
} kinds[] = {
	{ "1.1.1.1", true },
	{ "0.0.0.0", false },
	{ "0.255.255.255", false },
	{ "9.255.255.255", true },
	{ "10.0.0.0", false },
	{ "10.255.255.255", false },
	{ "11.0.0.0", true },
	{ "100.63.255.255", true },
	{ "100.64.0.0", false },
	{ "100.127.255.255", false },
	{ "100.128.0.0", true },
	{ "126.255.255.255", true },
	{ "127.0.0.1", false },
	{ "127.255.255.255", false },
	{ "128.0.0.0", true },
	{ "169.253.255.255", true },
	{ "169.254.169.254", false },
	{ "169.255.0.0", true },
	{ "172.15.255.255", true },
	{ "172.16.0.0", false },
	{ "172.31.255.255", false },
	{ "172.32.0.0", true },
	{ "192.0.0.8", false },
	{ "192.0.1.0", true },
	{ "192.0.2.7", false },
	{ "192.88.99.1", false },
	{ "192.167.255.255", true },
	{ "192.168.0.0", false },
	{ "192.169.0.0", true },
	{ "198.17.255.255", true },
	{ "198.18.0.0", false },
	{ "198.19.255.255", false },
	{ "198.20.0.0", true },
	{ "198.51.100.1", false },
	{ "203.0.113.1", false },
	{ "223.255.255.255", true },
	{ "224.0.0.1", false },
	{ "239.255.255.255", false },
	{ "240.0.0.1", false },
	{ "255.255.255.255", false },
	{ "::", false },
	{ "::1", false },
	{ "::ffff:1.1.1.1", true },
	{ "::ffff:10.0.0.1", false },
	{ "::ffff:169.254.169.254", false },
	{ "::1.1.1.1", false },
	{ "64:ff9b::10.0.0.1", false },
	{ "1fff::1", false },
	{ "2001::1", false },
	{ "2001:1ff::1", false },
	{ "2001:200::1", true },
	{ "2001:db8::1", false },
	{ "2001:db9::1", true },
	{ "2002:a00:1::", false },
	{ "2606:4700::1111", true },
	{ "3fff:fff::1", false },
	{ "3fff:1000::1", true },
	{ "4000::1", false },
	{ "fc00::1", false },
	{ "fd12::1", false },
	{ "fe80::1", false },
	{ "fec0::1", false },
	{ "ff02::1", false },
};

static struct sockaddr_storage
make_address(const char *text)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in ipv4 = { .sin_family = AF_INET };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
		memcpy(&storage, &ipv4, sizeof ipv4);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
		memcpy(&storage, &ipv6, sizeof ipv6);
	}
	return storage;
}

static void
test_public(UNUSED void **state)
{
	struct sockaddr_storage unix_socket = { .ss_family = AF_UNIX };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct sockaddr_storage address = make_address(kinds[i].text);

		if (address_public((const struct sockaddr *)&address) != kinds[i].is_public)
			fail_msg("%s", kinds[i].text);
	}
	assert_false(address_public((const struct sockaddr *)&unix_socket));
}

static const struct {
	const char *text;
	bool valid;
} ranges[] = {
	{ "192.0.2.0/24", true },
	{ "192.0.2.7", true },
	{ "192.0.2.7/32", true },
	{ "0.0.0.0/0", true },
	{ "2001:db8::/32", true },
	{ "2001:db8::7/128", true },
	{ "::/0", true },
	{ "::ffff:192.0.2.0/120", true },
	{ "", false },
	{ "/24", false },
	{ "192.0.2.0/", false },
	{ "192.0.2.0/33", false },
	{ "192.0.2.0/-1", false },
	{ "192.0.2.0/+24", false },
	{ "192.0.2.0/024", false },
	{ "192.0.2.0/00", false },
	{ "192.0.2.0/24 ", false },
	{ "192.0.2.0/24/24", false },
	{ "192.0.2.0/4294967320", false },
	{ "192.0.2.7/24", false },
	{ "192.0.2", false },
	{ "192.0.2/24", false },
	{ "2001:db8::/129", false },
	{ "2001:db8::1/32", false },
	{ "fe80::%eth0/64", false },
	{ "localhost", false },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/0", false },
};

static void
test_range_parse(UNUSED void **state)
{
	struct address_range range;

	for (size_t i = 0; i < COUNT(ranges); i++)
		if (address_range_parse(ranges[i].text, &range) != ranges[i].valid)
			fail_msg("%s", ranges[i].text);
	assert_true(
	    address_range_parse("0000:0000:0000:0000:0000:ffff:255.255.255.255/128", &range));
	assert_int_equal(
	    strlen("0000:0000:0000:0000:0000:ffff:255.255.255.255/128"), ADDRESS_RANGE_TEXT_MAX);
}

static const struct {
	const char *inner, *outer;
	bool in;
} pairs[] = {
	{ "192.0.2.7", "192.0.2.0/24", true },
	{ "192.0.2.255", "192.0.2.0/24", true },
	{ "192.0.3.0", "192.0.2.0/24", false },
	{ "192.0.2.8", "192.0.2.0/29", false },
	{ "192.0.2.7", "192.0.2.0/29", true },
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.6", false },
	{ "192.0.2.7", "0.0.0.0/0", true },
	{ "192.0.2.0/25", "192.0.2.0/24", true },
	{ "192.0.2.0/24", "192.0.2.0/25", false },
	{ "::ffff:192.0.2.7", "192.0.2.0/24", true },
	{ "192.0.2.7", "::ffff:192.0.2.0/120", true },
	{ "192.0.2.7", "::/0", false },
	{ "::ffff:192.0.2.7", "::/0", false },
	{ "0.0.0.0/0", "::/0", false },
	{ "2001:db8::7", "0.0.0.0/0", false },
	{ "2001:db8::7", "::/0", true },
	{ "2001:db8::7", "2001:db8::/32", true },
	{ "2001:db9::7", "2001:db8::/32", false },
	{ "2001:db8:8000::", "2001:db8::/33", false },
	{ "::/0", "2001:db8::/32", false },
};

static void
test_range_in(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct address_range inner, outer;

		assert_true(address_range_parse(pairs[i].inner, &inner));
		assert_true(address_range_parse(pairs[i].outer, &outer));
		if (address_range_in(&inner, &outer, 1) != pairs[i].in)
			fail_msg("%s in %s", pairs[i].inner, pairs[i].outer);
		assert_false(address_range_in(&inner, &outer, 0));
	}
}

static void
test_any_of_the_ranges_will_do(UNUSED void **state)
{
	struct address_range inner, outer[2];

	assert_true(address_range_parse("2001:db8::7", &inner));
	assert_true(address_range_parse("192.0.2.0/24", &outer[0]));
	assert_true(address_range_parse("2001:db8::/64", &outer[1]));
	assert_true(address_range_in(&inner, outer, 2));
	assert_false(address_range_in(&inner, outer, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_range_parse),
		cmocka_unit_test(test_range_in),
		cmocka_unit_test(test_any_of_the_ranges_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
