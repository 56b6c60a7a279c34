#include "lib/core/json_parts.h"

#include <string.h>

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip(struct text *rest, size_t len)
{
	rest->at += len;
	rest->len -= len;
}

static void
skip_space(struct text *rest)
{
	while (rest->len > 0 && is_space(*rest->at))
		skip(rest, 1);
}

/* Bytes of the text that begins here, with its quotes. */
static size_t
quoted_len(struct text text)
{
	size_t at = 1;

	while (at < text.len && text.at[at] != '"')
		at += text.at[at] == '\\' ? 2 : 1;
	return at < text.len ? at + 1 : text.len;
}

static size_t
value_len(struct text text)
{
	size_t at = 0, depth = 0;

	while (at < text.len) {
		char c = text.at[at];

		if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space(c)))
			return at;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		at += c == '"' ? quoted_len((struct text){ text.at + at, text.len - at }) : 1;
		if (depth == 0 && (c == '"' || c == '}' || c == ']'))
			return at;
	}
	return at;
}

struct text
json_parts_value(struct text text)
{
	skip_space(&text);
	return (struct text){ text.at, value_len(text) };
}

static void
take_value(struct text *rest, struct text *ret)
{
	*ret = json_parts_value(*rest);
	skip(rest, (size_t)(ret->at - rest->at) + ret->len);
	skip_space(rest);
}

/* Behind what opens or the comma; false where it closes. */
static bool
begin(struct text *rest)
{
	skip_space(rest);
	if (rest->len == 0 || *rest->at == '}' || *rest->at == ']')
		return false;
	skip(rest, 1);
	skip_space(rest);
	return rest->len > 0 && *rest->at != '}' && *rest->at != ']';
}

bool
json_parts_member(struct text *rest, struct text *ret_name, struct text *ret_value)
{
	if (!begin(rest))
		return false;
	take_value(rest, ret_name);
	*ret_name = (struct text){ ret_name->at + 1, ret_name->len - 2 };
	skip(rest, 1);
	take_value(rest, ret_value);
	return true;
}

bool
json_parts_element(struct text *rest, struct text *ret_value)
{
	if (!begin(rest))
		return false;
	take_value(rest, ret_value);
	return true;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = strchr(digits, c);

	return (int)(at - digits) % 16;
}

int
json_parts_letter(struct text text, size_t *at)
{
	static const char plain[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *named;
	char escaped;
	int unit = 0;

	if (*at >= text.len)
		return -1;
	if (text.at[*at] != '\\')
		return (unsigned char)text.at[(*at)++];
	(*at)++;
	escaped = text.at[(*at)++];
	if (escaped != 'u') {
		named = strchr(plain, escaped);
		return named == NULL ? escaped : meant[named - plain];
	}
	for (int i = 0; i < 4; i++)
		unit = unit * 16 + hex_digit(text.at[(*at)++]);
	return unit;
}

bool
json_parts_is(struct text text, const char *word)
{
	size_t at = 0;

	while (*word != '\0')
		if (json_parts_letter(text, &at) != (unsigned char)*word++)
			return false;
	return at == text.len;
}
