/*
 * Packing and unpacking gzip (RFC 1952). The only door to zlib.
 */
#ifndef LIB_GZIP_H
#define LIB_GZIP_H

#include "lib/buf.h"
#include "lib/task.h"

/* All members of packed, one behind the other. ERR_TOO_LARGE beyond max bytes, ERR_SYNTAX when it
 * is broken or cut. */
NODISCARD bool gzip_unpack(struct task *task, struct text packed, size_t max, struct text *ret);

/*
 * One member, packed as it comes: each call appends to out what is ready. The same texts always
 * give the same bytes: no name and no time is in them. Lives as long as the arena.
 */
struct gzip;
struct gzip *gzip_pack_begin(struct arena *arena);
void gzip_pack(struct gzip *gzip, struct text plain, struct buf *out);
/* What was held back; nothing may follow. */
void gzip_pack_end(struct gzip *gzip, struct buf *out);

/* The CRC-32 that ends a member. */
uint32_t gzip_checksum(struct text plain);

#endif
