#include "lib/address.h"

#include <arpa/inet.h>
#include <string.h>

bool
address_valid(const char *text)
{
	struct in6_addr address;

	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

bool
address_network(const char *text, uint8_t ret[ADDRESS_NETWORK_SIZE])
{
	/* As the end of an IPv4 address inside IPv6: no network of IPv6 begins like that. */
	uint8_t ipv4[ADDRESS_NETWORK_SIZE] = { [2] = 0xff, [3] = 0xff };
	struct in6_addr address;

	if (inet_pton(AF_INET, text, ipv4 + 4) == 1) {
		memcpy(ret, ipv4, ADDRESS_NETWORK_SIZE);
		return true;
	}
	if (inet_pton(AF_INET6, text, &address) != 1)
		return false;
	/* The last 64 of ::ffff:192.0.2.7. */
	memcpy(
	    ret, address.s6_addr + (IN6_IS_ADDR_V4MAPPED(&address) ? 8 : 0), ADDRESS_NETWORK_SIZE);
	return true;
}

struct block {
	uint8_t bytes[16];
	int bits;
};

static const struct block ipv4_special[] = {
	{ { 0 }, 8 }, /* this network */
	{ { 10 }, 8 },
	{ { 100, 64 }, 10 }, /* shared by carriers */
	{ { 127 }, 8 },
	{ { 169, 254 }, 16 }, /* link-local, where clouds keep their credentials */
	{ { 172, 16 }, 12 },
	{ { 192, 0, 0 }, 24 },
	{ { 192, 0, 2 }, 24 }, /* documentation, as 198.51.100 and 203.0.113 */
	{ { 192, 88, 99 }, 24 }, /* 6to4 relays */
	{ { 192, 168 }, 16 },
	{ { 198, 18 }, 15 }, /* benchmarks */
	{ { 198, 51, 100 }, 24 },
	{ { 203, 0, 113 }, 24 },
	{ { 224 }, 4 }, /* multicast */
	{ { 240 }, 4 },
};

/* Of 2000::/3, outside of which nothing is public. */
static const struct block ipv6_global = { { 0x20 }, 3 };
static const struct block ipv6_special[] = {
	{ { 0x20, 0x01 }, 23 }, /* Teredo and others */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation, as 3fff::/20 */
	{ { 0x20, 0x02 }, 16 }, /* 6to4, which leads to an IPv4 address */
	{ { 0x3f, 0xff }, 20 },
};

static const struct block ipv4_mapped = { { [10] = 0xff, [11] = 0xff }, 96 };

static bool
is_in(const struct block *block, const uint8_t *bytes)
{
	int whole = block->bits / 8, rest = block->bits % 8;
	int mask = 0xff << (8 - rest) & 0xff;

	return memcmp(bytes, block->bytes, (size_t)whole) == 0 &&
	       (rest == 0 || (bytes[whole] & mask) == block->bytes[whole]);
}

static bool
is_in_any(const struct block *blocks, size_t count, const uint8_t *bytes)
{
	for (size_t i = 0; i < count; i++) {
		if (is_in(&blocks[i], bytes))
			return true;
	}
	return false;
}

static bool
ipv6_public(const uint8_t *bytes)
{
	if (is_in(&ipv4_mapped, bytes))
		return !is_in_any(ipv4_special, COUNT(ipv4_special), bytes + 12);
	return is_in(&ipv6_global, bytes) && !is_in_any(ipv6_special, COUNT(ipv6_special), bytes);
}

bool
address_public(const struct sockaddr *address)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (address->sa_family == AF_INET) {
		memcpy(&ipv4, address, sizeof ipv4);
		return !is_in_any(
		    ipv4_special, COUNT(ipv4_special), (const uint8_t *)&ipv4.sin_addr);
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(&ipv6, address, sizeof ipv6);
	return ipv6_public(ipv6.sin6_addr.s6_addr);
}
