#include "lib/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

static bool
is_tail(const char *at)
{
	return ((unsigned char)*at & 0xc0) == 0x80;
}

size_t
utf8_char(struct text text)
{
	unsigned char first, second;

	if (text.len == 0)
		return 0;
	first = (unsigned char)text.at[0];
	if (first < 0x80)
		return 1;
	if (text.len < 2 || first < 0xc2 || !is_tail(text.at + 1))
		return 0;
	if (first < 0xe0)
		return 2;
	second = (unsigned char)text.at[1];
	if (text.len < 3 || !is_tail(text.at + 2))
		return 0;
	if (first < 0xf0) /* E0: shorter forms exist; ED: from A0 on, surrogates */
		return (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ? 0
											     : 3;
	if (text.len < 4 || !is_tail(text.at + 3) || first > 0xf4)
		return 0;
	return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90) ? 0 : 4;
}

bool
utf8_valid(struct text text)
{
	uint64_t word;
	size_t len;

	while (text.len > 0) {
		if (text.len >= sizeof(word)) {
			memcpy(&word, text.at, sizeof(word));
			if ((word & HIGH_BITS) == 0) {
				text.at += sizeof(word);
				text.len -= sizeof(word);
				continue;
			}
		}
		len = utf8_char(text);
		if (len == 0)
			return false;
		text.at += len;
		text.len -= len;
	}
	return true;
}

size_t
utf8_count(struct text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += !is_tail(text.at + i);
	return count;
}
