/*
 * Internet addresses as text.
 */
#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include "lib/base.h"

#define ADDRESS_TEXT_SIZE 46 /* with the terminator */

/* IPv4 or IPv6 without a zone, as PostgreSQL's inet takes it. */
bool address_valid(const char *text);

/*
 * The network that one subscriber has: all of an IPv4 address, also of one inside IPv6, or the
 * first 64 bits of an IPv6 address. False, and ret untouched, where the text is no address.
 */
#define ADDRESS_NETWORK_SIZE 8
NODISCARD bool address_network(const char *text, uint8_t ret[ADDRESS_NETWORK_SIZE]);

/*
 * A range as CIDR writes it (RFC 4632, RFC 4291): "192.0.2.0/24", "2001:db8::/32", or one address.
 * Ranges of IPv4 are kept as those inside IPv6 (::ffff:192.0.2.0/120), which are the same; no other
 * range of IPv6 holds an address of IPv4.
 */
#define ADDRESS_RANGE_TEXT_MAX 49
struct address_range {
	uint8_t bytes[16];
	int bits;
};
/* False, and ret untouched, where the text is no range, or has bits behind its length. */
NODISCARD bool address_range_parse(const char *text, struct address_range *ret);
/* Whether all of inner lies in one of the ranges. */
bool address_range_in(
    const struct address_range *inner, const struct address_range *ranges, size_t count);

/*
 * Whether an IPv4 or IPv6 address (struct sockaddr_in, sockaddr_in6) lies in the public internet:
 * in none of the blocks that the IANA registries of special-purpose addresses (RFC 6890) and of
 * multicast keep for something else. An IPv4 address inside an IPv6 one is judged as itself.
 */
struct sockaddr;
bool address_public(const struct sockaddr *address);

#endif
