/*
 * Percent-encoding (RFC 3986) in paths and query strings.
 */
#ifndef APP_URL_H
#define APP_URL_H

#include "lib/arena.h"

enum url_part { URL_PATH, URL_QUERY }; /* in a query a plus is a space */

/* Terminated. False for a broken escape, a NUL and what is not UTF-8 then. */
NODISCARD bool url_decode(
    struct arena *arena, struct text text, enum url_part part, struct text *ret);

/* What stands before the next mark; *rest then begins behind it, with at NULL when there was none.
 */
struct text url_cut(struct text *rest, char mark);

#endif
