/*
 * Internet addresses as text.
 */
#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include "lib/base.h"

/* IPv4 or IPv6 without a zone, as PostgreSQL's inet takes it. */
bool address_valid(const char *text);

/*
 * The network that one subscriber has: all of an IPv4 address, also of one inside IPv6, or the
 * first 64 bits of an IPv6 address. False, and ret untouched, where the text is no address.
 */
#define ADDRESS_NETWORK_SIZE 8
NODISCARD bool address_network(const char *text, uint8_t ret[ADDRESS_NETWORK_SIZE]);

/*
 * Whether an IPv4 or IPv6 address (struct sockaddr_in, sockaddr_in6) lies in the public internet:
 * in none of the blocks that the IANA registries of special-purpose addresses (RFC 6890) and of
 * multicast keep for something else. An IPv4 address inside an IPv6 one is judged as itself.
 */
struct sockaddr;
bool address_public(const struct sockaddr *address);

#endif
