/*
 * Unpacking gzip (RFC 1952). The only door to zlib.
 */
#ifndef LIB_GZIP_H
#define LIB_GZIP_H

#include "lib/task.h"

/* All members of packed, one behind the other. ERR_TOO_LARGE beyond max bytes, ERR_SYNTAX when it
 * is broken or cut. */
NODISCARD bool gzip_unpack(struct task *task, struct text packed, size_t max, struct text *ret);

#endif
