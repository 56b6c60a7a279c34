#include <string.h>

#include "lib/json_private.h"
#include "lib/utf8.h"

/* Value of four hex digits, or -1. */
static int
hex4(const char *at, const char *end)
{
	int value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

size_t
json_find_bad_escape(struct text body, size_t from)
{
	const char *end = body.at + body.len;
	const char *at = body.at + from;

	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL && end - at >= 2) {
		int code = at[1] == 'u' ? hex4(at + 2, end) : -1;

		if (code == 0 || (code >= 0xdc00 && code <= 0xdfff))
			return (size_t)(at - body.at);
		if (code >= 0xd800 && code <= 0xdbff) {
			int low =
			    end - at >= 8 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8, end) : -1;

			if (low < 0xdc00 || low > 0xdfff)
				return (size_t)(at - body.at);
			at += 12;
		} else {
			at += 2;
		}
	}
	return SIZE_MAX;
}

const char *
json_safe_name(struct task *task, struct text name)
{
	const size_t max = (size_t)JSON_NAME_SHOWN_MAX * 4;
	char *out = arena_alloc(task->arena, (name.len < max ? name.len : max) + 1);
	size_t used = 0, chars = 0;

	while (name.len > 0 && chars < JSON_NAME_SHOWN_MAX) {
		size_t len = utf8_char(name);
		unsigned char c = (unsigned char)*name.at;

		if (len == 0 || c < 0x20 || c == 0x7f) {
			out[used++] = '?';
			len = 1;
		} else {
			memcpy(out + used, name.at, len);
			used += len;
		}
		name.at += len;
		name.len -= len;
		chars++;
	}
	out[used] = '\0';
	return out;
}
