#include "app/page.h"

#include <string.h>

#include "lib/seal.h"

/* A cursor: the id and the first bytes of a hash, 21 bytes, which are 28 letters without padding.
 */
#define CHECK_SIZE 5
#define CURSOR_SIZE (sizeof(struct id) + CHECK_SIZE)
#define CURSOR_LETTERS (CURSOR_SIZE / 3 * 4)

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
add_check(uint8_t cursor[CURSOR_SIZE])
{
	uint8_t hash[SEAL_HASH_SIZE];

	seal_hash((struct text){ (const char *)cursor, sizeof(struct id) }, hash);
	memcpy(cursor + sizeof(struct id), hash, CHECK_SIZE);
}

static void
encode(const uint8_t cursor[CURSOR_SIZE], char out[CURSOR_LETTERS + 1])
{
	for (size_t i = 0; i < CURSOR_SIZE; i += 3) {
		uint32_t bits = (uint32_t)cursor[i] << 16 | (uint32_t)cursor[i + 1] << 8 |
				(uint32_t)cursor[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = letters[bits >> shift & 63];
	}
	*out = '\0';
}

static bool
decode(const char *text, uint8_t cursor[CURSOR_SIZE])
{
	if (strlen(text) != CURSOR_LETTERS)
		return false;
	for (size_t i = 0; i < CURSOR_SIZE; i += 3) {
		uint32_t bits = 0;

		for (int letter = 0; letter < 4; letter++) {
			const char *found = strchr(letters, *text++);

			if (!found)
				return false;
			bits = bits << 6 | (uint32_t)(found - letters);
		}
		cursor[i] = (uint8_t)(bits >> 16);
		cursor[i + 1] = (uint8_t)(bits >> 8);
		cursor[i + 2] = (uint8_t)bits;
	}
	return true;
}

static bool
read_cursor(const char *text, struct id *ret)
{
	uint8_t given[CURSOR_SIZE];
	uint8_t right[CURSOR_SIZE];

	if (!decode(text, given))
		return false;
	memcpy(right, given, sizeof right);
	add_check(right);
	if (memcmp(given, right, sizeof right) != 0)
		return false;
	memcpy(ret->bytes, given, sizeof ret->bytes);
	return true;
}

bool
page_read(struct task *task, const struct page *page, int64_t *ret_limit, struct id *ret_after)
{
	struct id after = { 0 };

	if (page->cursor && !read_cursor(page->cursor, &after))
		return task_fail_field(task, "cursor", "is not one that this service gave");
	*ret_limit = page->limit == 0 ? PAGE_LIMIT_DEFAULT : page->limit;
	*ret_after = after;
	return true;
}

struct json_out *
page_begin(struct reply *reply)
{
	struct json_out *out = json_out_new(&reply->body);

	json_open(out);
	json_open_array_at(out, "data");
	return out;
}

const char *
page_cursor(struct arena *arena, struct id last)
{
	uint8_t cursor[CURSOR_SIZE];
	char *text = arena_alloc(arena, CURSOR_LETTERS + 1);

	memcpy(cursor, last.bytes, sizeof last.bytes);
	add_check(cursor);
	encode(cursor, text);
	return text;
}

bool
page_end(struct reply *reply, struct json_out *out, bool more, struct id last)
{
	json_close_array(out);
	json_text(out, "next_cursor", more ? page_cursor(reply->body.arena, last) : NULL);
	json_close(out);
	return reply_done(reply, 200, "application/json");
}

bool
page_reply(struct reply *reply, const struct page_rows *rows, int64_t limit)
{
	bool more = rows->count > (size_t)limit;
	size_t shown = more ? (size_t)limit : rows->count;
	struct json_out *out = page_begin(reply);
	const char *row = rows->at;
	struct id last = { 0 };

	for (size_t i = 0; i < shown; i++, row += rows->size) {
		rows->write(out, row);
		memcpy(&last, row + rows->id, sizeof last);
	}
	return page_end(reply, out, more, last);
}
