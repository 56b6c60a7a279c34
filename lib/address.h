/*
 * Internet addresses as text.
 */
#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include "lib/base.h"

/* IPv4 or IPv6 without a zone, as PostgreSQL's inet takes it. */
bool address_valid(const char *text);

#endif
