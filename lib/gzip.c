#include "lib/gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define STEP 65536
#define GZIP_ONLY (16 + MAX_WBITS)
#define MEMORY_LEVEL 8 /* zlib's own */

/* zlib writes through next_in nowhere, yet its type is not const. */
static Bytef *
input(struct text packed)
{
	union {
		const char *in;
		Bytef *out;
	} at = { .in = packed.at };

	return at.out;
}

/* One step of output. Z_OK: there is more to come. */
static int
unpack_some(z_stream *stream, struct buf *out, size_t max)
{
	/* One byte beyond max tells a body that is exactly as large from a larger one. */
	size_t room = max + 1 - out->len < STEP ? max + 1 - out->len : STEP;

	stream->next_out = (Bytef *)buf_room(out, room);
	stream->avail_out = (uInt)room;
	int result = inflate(stream, Z_NO_FLUSH);
	out->len += room - stream->avail_out;
	if (result == Z_STREAM_END && stream->avail_in > 0)
		return inflateReset(stream);
	return result;
}

bool
gzip_unpack(struct task *task, struct text packed, size_t max, struct text *ret)
{
	struct buf out = { .arena = task->arena };
	z_stream stream = { .next_in = input(packed), .avail_in = (uInt)packed.len };
	int result;

	if (packed.len > UINT_MAX || inflateInit2(&stream, GZIP_ONLY) != Z_OK)
		return task_fail(task, ERR_TOO_LARGE, "The gzip body is too large.");
	do
		result = unpack_some(&stream, &out, max);
	while (result == Z_OK && out.len <= max);
	inflateEnd(&stream);
	if (out.len > max)
		return task_fail(
		    task, ERR_TOO_LARGE, "The unpacked body is larger than %zu bytes.", max);
	if (result != Z_STREAM_END)
		return task_fail(task, ERR_SYNTAX, "The body is not readable as gzip.");
	*ret = buf_text(&out);
	return true;
}

struct gzip {
	z_stream stream;
};

static void
end_stream(void *object)
{
	struct gzip *gzip = object;

	deflateEnd(&gzip->stream);
}

struct gzip *
gzip_pack_begin(struct arena *arena)
{
	struct gzip *gzip = arena_alloc(arena, sizeof(*gzip));

	if (deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_ONLY, MEMORY_LEVEL,
		Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	arena_defer(arena, end_stream, gzip);
	return gzip;
}

/* deflate() fails only when it is called wrongly. */
static void
pack_some(struct gzip *gzip, int flush, struct buf *out)
{
	z_stream *stream = &gzip->stream;
	int result;

	do {
		stream->next_out = (Bytef *)buf_room(out, STEP);
		stream->avail_out = STEP;
		result = deflate(stream, flush);
		if (result == Z_STREAM_ERROR)
			abort();
		out->len += STEP - stream->avail_out;
	} while (stream->avail_out == 0 && result != Z_STREAM_END);
}

void
gzip_pack(struct gzip *gzip, struct text plain, struct buf *out)
{
	while (plain.len > 0) {
		size_t step = plain.len < UINT_MAX ? plain.len : UINT_MAX;

		gzip->stream.next_in = input(plain);
		gzip->stream.avail_in = (uInt)step;
		pack_some(gzip, Z_NO_FLUSH, out);
		plain.at += step;
		plain.len -= step;
	}
}

void
gzip_pack_end(struct gzip *gzip, struct buf *out)
{
	pack_some(gzip, Z_FINISH, out);
}

uint32_t
gzip_checksum(struct text plain)
{
	return (uint32_t)crc32_z(0, (const Bytef *)plain.at, plain.len);
}
