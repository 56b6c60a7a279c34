#include "app/url.h"

#include <string.h>

#include "lib/utf8.h"

/* -1 where it is no digit. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* -1 for a broken escape. */
static int
unescape(struct text text)
{
	if (text.len < 3)
		return -1;
	int high = hex_digit(text.at[1]), low = hex_digit(text.at[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool
url_decode(struct arena *arena, struct text text, enum url_part part, struct text *ret)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		int c = (unsigned char)text.at[i];
		if (c == '%') {
			c = unescape((struct text){ text.at + i, text.len - i });
			i += 2;
		} else if (c == '+' && part == URL_QUERY) {
			c = ' ';
		}
		if (c <= 0)
			return false;
		out[len++] = (char)c;
	}
	if (!utf8_valid((struct text){ out, len }))
		return false;
	*ret = (struct text){ out, len };
	return true;
}

struct text
url_cut(struct text *rest, char mark)
{
	const char *found = rest->len > 0 ? memchr(rest->at, mark, rest->len) : NULL;
	struct text before = *rest;

	if (found == NULL) {
		*rest = (struct text){ NULL, 0 };
		return before;
	}
	before.len = (size_t)(found - rest->at);
	*rest = (struct text){ found + 1, rest->len - before.len - 1 };
	return before;
}
