#include "lib/json_write.h"

#include <assert.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/money.h"

#define CREDITS_SCALE 9 /* nano-dollars to dollars */
#define RATE_SCALE 6 /* pico-dollars a token to dollars per 1,000,000 tokens */
#define DEPTH_MAX 64

/* A call at the wrong place is a mistake of ours: asserts know it by depth and objects. */
struct json_out {
	struct buf *buf;
	unsigned depth;
	uint64_t objects; /* a bit for each open level, the innermost lowest: an object, no array */
	bool comma; /* something stands before on this level */
};

struct json_out *
json_out_new(struct buf *buf)
{
	struct json_out *out = arena_alloc(buf->arena, sizeof(*out));

	out->buf = buf;
	return out;
}

/* RFC 8259, section 7. */
static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* The same of eight bytes at once; each line has the highest bit of a byte that is such a one. */
static bool
word_is_plain(const char *at)
{
	const uint64_t each = UINT64_MAX / 255;
	uint64_t word, quotes, backslashes;

	memcpy(&word, at, sizeof(word));
	quotes = word ^ each * '"';
	backslashes = word ^ each * '\\';
	return ((((word - each * 0x20) & ~word) | ((quotes - each) & ~quotes) |
		    ((backslashes - each) & ~backslashes)) &
		   each << 7) == 0;
}

static bool
all_plain(const char *at, size_t len)
{
	const size_t step = sizeof(uint64_t);
	const char *last;

	if (len < step) {
		while (len > 0 && is_plain((unsigned char)at[len - 1]))
			len--;
		return len == 0;
	}
	last = at + len - step;
	while (at < last && word_is_plain(at))
		at += step;
	/* The last word overlaps the one before it. */
	return at >= last && word_is_plain(last);
}

static void
put_escape(struct buf *buf, unsigned char c)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt",
			  hex[] = "0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(named, c);
	const char escape[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 0x0f] };

	if (at == NULL) {
		buf_add(buf, escape, sizeof(escape));
	} else {
		buf_putc(buf, '\\');
		buf_putc(buf, letters[at - named]);
	}
}

static void
put_escaped(struct buf *buf, const char *at, size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_plain((unsigned char)at[i]))
			continue;
		buf_add(buf, at + done, i - done);
		put_escape(buf, (unsigned char)at[i]);
		done = i + 1;
	}
	buf_add(buf, at + done, len - done);
}

static char *
put_quoted(char *to, const char *at, size_t len)
{
	*to++ = '"';
	memcpy(to, at, len);
	to += len;
	*to++ = '"';
	return to;
}

/* What comes before a value; returns where it goes, with room for so many bytes. end() must
 * follow. */
static char *
begin(struct json_out *out, const char *key, size_t room)
{
	size_t len = key == NULL ? 0 : strlen(key);
	struct buf *buf = out->buf;
	char *to;

	assert((key != NULL) == (out->objects & 1));
	assert(out->depth > 0 || !out->comma);
	if (out->comma)
		buf_putc(buf, ',');
	out->comma = true;
	if (!all_plain(key, len)) {
		buf_putc(buf, '"');
		put_escaped(buf, key, len);
		buf_add(buf, "\":", 2);
		return buf_room(buf, room);
	}
	to = buf_room(buf, len + sizeof("\"\":") + room);
	if (key == NULL)
		return to;
	to = put_quoted(to, key, len);
	*to++ = ':';
	return to;
}

static void
end(struct json_out *out, char *to)
{
	*to = '\0';
	out->buf->len = (size_t)(to - out->buf->at);
}

static void
put_raw(struct json_out *out, const char *key, const char *at, size_t len)
{
	char *to = begin(out, key, len);

	memcpy(to, at, len);
	end(out, to + len);
}

/* A text that is known to need no escapes. */
static void
put_plain(struct json_out *out, const char *key, const char *at)
{
	size_t len = strlen(at);

	end(out, put_quoted(begin(out, key, len + 2), at, len));
}

static void
open_level(struct json_out *out, const char *key, char bracket, bool object)
{
	assert(out->depth < DEPTH_MAX);
	put_raw(out, key, &bracket, 1);
	out->depth++;
	out->objects = out->objects << 1 | object;
	out->comma = false;
}

static void
close_level(struct json_out *out, char bracket, bool object)
{
	assert(out->depth > 0 && (out->objects & 1) == object);
	buf_putc(out->buf, bracket);
	out->depth--;
	out->objects >>= 1;
	out->comma = true;
}

void
json_open(struct json_out *out)
{
	json_open_at(out, NULL);
}

void
json_close(struct json_out *out)
{
	close_level(out, '}', true);
}

void
json_open_array(struct json_out *out)
{
	json_open_array_at(out, NULL);
}

void
json_close_array(struct json_out *out)
{
	close_level(out, ']', false);
}

void
json_open_at(struct json_out *out, const char *key)
{
	open_level(out, key, '{', true);
}

void
json_open_array_at(struct json_out *out, const char *key)
{
	open_level(out, key, '[', false);
}

void
json_text(struct json_out *out, const char *key, const char *value)
{
	json_text_n(
	    out, key, (struct text){ .at = value, .len = value == NULL ? 0 : strlen(value) });
}

void
json_text_n(struct json_out *out, const char *key, struct text value)
{
	if (value.at == NULL) {
		json_null(out, key);
	} else if (all_plain(value.at, value.len)) {
		end(out, put_quoted(begin(out, key, value.len + 2), value.at, value.len));
	} else {
		put_raw(out, key, "\"", 1);
		put_escaped(out->buf, value.at, value.len);
		buf_putc(out->buf, '"');
	}
}

void
json_add_part(struct buf *buf, struct text part)
{
	put_escaped(buf, part.at, part.len);
}

void
json_int(struct json_out *out, const char *key, int64_t value)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_scaled(value, 0, digits));
}

void
json_bool(struct json_out *out, const char *key, bool value)
{
	json_number(out, key, value ? "true" : "false");
}

void
json_null(struct json_out *out, const char *key)
{
	put_raw(out, key, "null", 4);
}

void
json_cents(struct json_out *out, const char *key, int64_t nanos)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_cents(nanos, digits));
}

void
json_credits(struct json_out *out, const char *key, int64_t nanos)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_scaled(nanos, CREDITS_SCALE, digits));
}

void
json_rate(struct json_out *out, const char *key, int64_t picos)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_scaled(picos, RATE_SCALE, digits));
}

void
json_millionths(struct json_out *out, const char *key, int64_t value)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_scaled(value, RATE_SCALE, digits));
}

void
json_time(struct json_out *out, const char *key, int64_t usec)
{
	char text[CLOCK_TEXT_SIZE];

	put_plain(out, key, clock_format(usec, text));
}

void
json_date(struct json_out *out, const char *key, int32_t date)
{
	char text[DATE_TEXT_SIZE];

	put_plain(out, key, date_format(date, text));
}

void
json_id(struct json_out *out, const char *key, struct id id)
{
	char text[ID_TEXT_SIZE];

	if (id_is_nil(id))
		json_null(out, key);
	else
		put_plain(out, key, id_format(id, text));
}

void
json_number(struct json_out *out, const char *key, const char *digits)
{
	json_raw(out, key, (struct text){ .at = digits, .len = strlen(digits) });
}

void
json_raw(struct json_out *out, const char *key, struct text json)
{
	if (json.at == NULL)
		json_null(out, key);
	else
		put_raw(out, key, json.at, json.len);
}

void
json_packed(struct json_out *out, const char *key, struct text json)
{
	char *packed = arena_alloc(out->buf->arena, json.len + 1);
	bool inside = false;
	size_t len = 0;

	for (size_t i = 0; i < json.len; i++) {
		char c = json.at[i];

		if (!inside && c == ' ')
			continue;
		packed[len++] = c;
		if (c == '"')
			inside = !inside;
		else if (c == '\\' && ++i < json.len)
			packed[len++] = json.at[i];
	}
	json_raw(out, key, (struct text){ packed, len });
}

void
json_texts(struct json_out *out, const char *key, struct json_texts texts)
{
	json_open_array_at(out, key);
	for (size_t i = 0; i < texts.count; i++)
		json_text(out, NULL, texts.at[i]);
	json_close_array(out);
}

void
json_ints(struct json_out *out, const char *key, struct json_ints ints)
{
	json_open_array_at(out, key);
	for (size_t i = 0; i < ints.count; i++)
		json_int(out, NULL, ints.at[i]);
	json_close_array(out);
}
