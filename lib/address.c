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
