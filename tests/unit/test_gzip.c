#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/gzip.h"

#define MAX 1000

/* A gzip member of len letters 'a', behind what is in out; the new length. */
static size_t
pack(unsigned char *out, size_t used, size_t size, size_t len)
{
	z_stream stream = { 0 };
	unsigned char *plain = malloc(len + 1);

	memset(plain, 'a', len + 1);
	assert_int_equal(
	    deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = plain;
	stream.avail_in = (uInt)len;
	stream.next_out = out + used;
	stream.avail_out = (uInt)(size - used);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	free(plain);
	return size - stream.avail_out;
}

static const struct packing {
	const char *sentence;
	size_t first, second; /* sizes of the members; second SIZE_MAX: none */
	size_t cut; /* bytes taken away at the end */
	const char *tail; /* bytes added there */
	enum err_code code;
} packings[] = {
	{ "a member", 7, SIZE_MAX, 0, "", ERR_NONE },
	{ "an empty one", 0, SIZE_MAX, 0, "", ERR_NONE },
	{ "exactly the limit", MAX, SIZE_MAX, 0, "", ERR_NONE },
	{ "one byte more", MAX + 1, SIZE_MAX, 0, "", ERR_TOO_LARGE },
	{ "a bomb", 100000000, SIZE_MAX, 0, "", ERR_TOO_LARGE },
	{ "two members", 7, 8, 0, "", ERR_NONE },
	{ "two members beyond the limit", MAX, 1, 0, "", ERR_TOO_LARGE },
	{ "the checksum is cut", 7, SIZE_MAX, 4, "", ERR_SYNTAX },
	{ "only the header", 7, SIZE_MAX, 18, "", ERR_SYNTAX },
	{ "something behind it", 7, SIZE_MAX, 0, "x", ERR_SYNTAX },
};

static void
test_unpack(void **state)
{
	static unsigned char packed[200000];

	(void)state;
	for (size_t i = 0; i < COUNT(packings); i++) {
		const struct packing *row = &packings[i];
		struct arena *arena = arena_new();
		struct task task;
		struct text plain;
		size_t len = pack(packed, 0, sizeof(packed), row->first);

		if (row->second != SIZE_MAX)
			len = pack(packed, len, sizeof(packed), row->second);
		len -= row->cut;
		memcpy(packed + len, row->tail, strlen(row->tail));
		len += strlen(row->tail);
		task_init(&task, arena);
		bool good = gzip_unpack(&task, (struct text){ (char *)packed, len }, MAX, &plain);
		if (good != (row->code == ERR_NONE) || task.err.code != row->code)
			fail_msg("%s: %s", row->sentence, err_name(task.err.code));
		size_t second = row->second != SIZE_MAX ? row->second : 0;
		if (good && plain.len != row->first + second)
			fail_msg("%s: %zu bytes", row->sentence, plain.len);
		arena_free(arena);
	}
}

static void
test_what_is_no_gzip(void **state)
{
	static const struct text bodies[] = { { "", 0 }, { "{}", 2 },
		{ "\x1f\x8b\xff garbage behind the mark", 27 } };

	(void)state;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct arena *arena = arena_new();
		struct task task;
		struct text plain;

		task_init(&task, arena);
		assert_false(gzip_unpack(&task, bodies[i], MAX, &plain));
		assert_int_equal(task.err.code, ERR_SYNTAX);
		arena_free(arena);
	}
}

/* So many calls of portions of so many bytes, of which no two are alike. */
static const struct packed_portions {
	const char *sentence;
	size_t portions, size;
} packed_portions[] = {
	{ "nothing at all", 0, 0 },
	{ "an empty text", 1, 0 },
	{ "a byte", 1, 1 },
	{ "many small texts", 10000, 7 },
	{ "more than a step of output", 3, 300000 },
};

static struct text
pack_portions(struct arena *arena, const struct packed_portions *row, struct buf *plain)
{
	struct gzip *gzip = gzip_pack_begin(arena);
	struct buf out = { .arena = arena };
	unsigned seed = 1;

	for (size_t i = 0; i < row->portions; i++) {
		size_t from = plain->len;

		for (size_t j = 0; j < row->size; j++)
			buf_putc(plain, (char)((seed = seed * 1103515245 + 12345) >> 16));
		gzip_pack(gzip, (struct text){ plain->at + from, row->size }, &out);
	}
	gzip_pack_end(gzip, &out);
	return buf_text(&out);
}

static void
test_pack(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(packed_portions); i++) {
		struct arena *arena = arena_new();
		struct buf plain = { .arena = arena }, again = { .arena = arena };
		struct text packed, second, unpacked;
		struct task task;

		buf_puts(&plain, "");
		buf_puts(&again, "");
		task_init(&task, arena);
		packed = pack_portions(arena, &packed_portions[i], &plain);
		second = pack_portions(arena, &packed_portions[i], &again);
		if (!gzip_unpack(&task, packed, plain.len, &unpacked) ||
		    unpacked.len != plain.len ||
		    (plain.len > 0 && memcmp(unpacked.at, plain.at, plain.len) != 0))
			fail_msg("%s: %s", packed_portions[i].sentence, task.err.text);
		/* No time is in it. */
		assert_int_equal(packed.len, second.len);
		assert_memory_equal(packed.at, second.at, packed.len);
		arena_free(arena);
	}
}

/* The check value that catalogues of CRCs give for CRC-32. */
static void
test_checksum(void **state)
{
	(void)state;
	assert_int_equal(gzip_checksum((struct text){ "123456789", 9 }), 0xcbf43926);
	assert_int_equal(gzip_checksum((struct text){ "", 0 }), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unpack),
		cmocka_unit_test(test_what_is_no_gzip),
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
