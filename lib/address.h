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

#endif
