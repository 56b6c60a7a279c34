/*
 * Takes secrets out of JSON before it is kept: the value of each member with one of these names, at
 * any depth, becomes "[redacted]". Pure.
 */
#ifndef LIB_CORE_REDACT_H
#define LIB_CORE_REDACT_H

#include "lib/base.h"

#define REDACTED "\"[redacted]\""

/*
 * json is valid; names has commas or blanks between them. Letters' case, hyphens and underscores
 * make no difference: api_key names apiKey and API-Key, too. Gives the bytes of the result, which
 * are written to out unless that is NULL.
 */
size_t redact_json(struct text json, const char *names, char *out);

#endif
