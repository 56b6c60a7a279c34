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

static const struct address_range ipv4_special[] = {
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
static const struct address_range ipv6_global = { { 0x20 }, 3 };
static const struct address_range ipv6_special[] = {
	{ { 0x20, 0x01 }, 23 }, /* Teredo and others */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation, as 3fff::/20 */
	{ { 0x20, 0x02 }, 16 }, /* 6to4, which leads to an IPv4 address */
	{ { 0x3f, 0xff }, 20 },
};

static const struct address_range ipv4_mapped = { { [10] = 0xff, [11] = 0xff }, 96 };

static bool
is_in(const struct address_range *block, const uint8_t *bytes)
{
	int whole = block->bits / 8, rest = block->bits % 8;
	int mask = 0xff << (8 - rest) & 0xff;

	return memcmp(bytes, block->bytes, (size_t)whole) == 0 &&
	       (rest == 0 || (bytes[whole] & mask) == block->bytes[whole]);
}

static bool
is_in_any(const struct address_range *blocks, size_t count, const uint8_t *bytes)
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

/* 1 to 3 digits, none of them a zero in front. */
static bool
parse_bits(const char *text, int max, int *ret)
{
	int bits = 0;

	if (text[0] == '0' && text[1] != '\0')
		return false;
	for (size_t i = 0; i == 0 || text[i] != '\0'; i++) {
		if (text[i] < '0' || text[i] > '9' || i >= 3)
			return false;
		bits = bits * 10 + text[i] - '0';
	}
	*ret = bits;
	return bits <= max;
}

static bool
has_bits_behind(const struct address_range *range)
{
	for (int bit = range->bits; bit < 128; bit++)
		if (range->bytes[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

bool
address_range_parse(const char *text, struct address_range *ret)
{
	struct address_range range = ipv4_mapped;
	size_t len = strcspn(text, "/");
	char address[ADDRESS_TEXT_SIZE];
	int before = 96, bits;

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, range.bytes + 12) != 1) {
		if (inet_pton(AF_INET6, address, range.bytes) != 1)
			return false;
		before = 0;
	}
	bits = 128 - before;
	if (text[len] == '/' && !parse_bits(text + len + 1, bits, &bits))
		return false;
	range.bits = before + bits;
	if (has_bits_behind(&range))
		return false;
	*ret = range;
	return true;
}

static bool
is_ipv4(const struct address_range *range)
{
	return range->bits >= ipv4_mapped.bits && is_in(&ipv4_mapped, range->bytes);
}

bool
address_range_in(
    const struct address_range *inner, const struct address_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (inner->bits >= ranges[i].bits && is_ipv4(inner) == is_ipv4(&ranges[i]) &&
		    is_in(&ranges[i], inner->bytes))
			return true;
	return false;
}
