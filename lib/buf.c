#include "lib/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CAPACITY_MIN 256
#define INT64_DIGITS 20 /* with the sign */

static void __attribute__((noinline)) grow(struct buf *buf, size_t needed)
{
	size_t capacity = buf->capacity * 2;
	char *at;

	if (capacity < CAPACITY_MIN)
		capacity = CAPACITY_MIN;
	if (capacity < needed)
		capacity = needed;
	at = arena_alloc(buf->arena, capacity);
	if (buf->len > 0)
		memcpy(at, buf->at, buf->len);
	buf->at = at;
	buf->capacity = capacity;
}

char *
buf_room(struct buf *buf, size_t len)
{
	size_t needed = buf->len + len + 1;

	assert(needed > len && needed <= SIZE_MAX / 2);
	if (needed > buf->capacity)
		grow(buf, needed);
	return buf->at + buf->len;
}

void
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *at = buf_room(buf, len);

	if (len > 0)
		memcpy(at, bytes, len);
	at[len] = '\0';
	buf->len += len;
}

void
buf_puts(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void
buf_putc(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void
buf_int(struct buf *buf, int64_t value)
{
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[INT64_DIGITS], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + rest % 10);
	} while ((rest /= 10) != 0);
	if (value < 0)
		*--at = '-';
	buf_add(buf, at, (size_t)(digits + sizeof(digits) - at));
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	size_t room = buf->capacity - buf->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(room > 0 ? buf->at + buf->len : NULL, room, format, args);
	va_end(args);
	assert(len >= 0);
	if ((size_t)len >= room) {
		char *at = buf_room(buf, (size_t)len);

		va_start(args, format);
		vsnprintf(at, (size_t)len + 1, format, args);
		va_end(args);
	}
	buf->len += (size_t)len;
}

struct text
buf_text(const struct buf *buf)
{
	return (struct text){ .at = buf->at, .len = buf->len };
}
