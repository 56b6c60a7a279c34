/*
 * Text that grows, in an arena. at is always terminated once something was added.
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include "lib/arena.h"

struct buf {
	struct arena *arena;
	char *at;
	size_t len;
	size_t capacity;
};

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_int(struct buf *buf, int64_t value); /* decimal */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF(2, 3);
/* Makes room for len more bytes and returns where they go; the caller then adds what it wrote to
 * buf->len. */
char *buf_room(struct buf *buf, size_t len);
struct text buf_text(const struct buf *buf);

#endif
