#include "lib/core/redact.h"

#include <string.h>

#include "lib/core/json_parts.h"

#define BETWEEN ", \t" /* the names of the list */
#define IGNORED "-_"

/* Small; -1: what makes no difference. */
static int
fold(int letter)
{
	if (letter > 0 && letter < 0x80 && strchr(IGNORED, letter) != NULL)
		return -1;
	return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

/* The next letter of a member's name that counts; -1 at the end. */
static int
next_letter(struct text name, size_t *at)
{
	int letter;

	while (*at < name.len)
		if ((letter = fold(json_parts_letter(name, at))) >= 0)
			return letter;
	return -1;
}

static bool
is_named(struct text name, const char *word, size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		int wanted = fold((unsigned char)word[i]);

		if (wanted >= 0 && next_letter(name, &at) != wanted)
			return false;
	}
	return next_letter(name, &at) < 0;
}

static bool
is_secret(struct text name, const char *names)
{
	size_t len;

	for (names += strspn(names, BETWEEN); *names != '\0'; names += strspn(names, BETWEEN)) {
		len = strcspn(names, BETWEEN);
		if (is_named(name, names, len))
			return true;
		names += len;
	}
	return false;
}

struct writer {
	char *out;
	size_t len;
};

static void
copy(struct writer *writer, const char *from, const char *to)
{
	size_t len = (size_t)(to - from);

	if (writer->out != NULL)
		memcpy(writer->out + writer->len, from, len);
	writer->len += len;
}

/* The next text of the JSON that is a member's name, with its value; false where there is none. */
static bool
next_member(struct text *rest, struct text *ret_name, struct text *ret_value)
{
	const char *end = rest->at + rest->len;

	for (const char *at; (at = memchr(rest->at, '"', (size_t)(end - rest->at))) != NULL;) {
		struct text quoted = json_parts_value((struct text){ at, (size_t)(end - at) });
		const char *behind = quoted.at + quoted.len;

		while (behind < end && strchr(" \t\r\n", *behind) != NULL)
			behind++;
		*rest = (struct text){ behind, (size_t)(end - behind) };
		if (behind == end || *behind != ':')
			continue;
		*ret_name = (struct text){ quoted.at + 1, quoted.len - 2 };
		*ret_value =
		    json_parts_value((struct text){ behind + 1, (size_t)(end - behind) - 1 });
		return true;
	}
	return false;
}

size_t
redact_json(struct text json, const char *names, char *out)
{
	static const char redacted[] = REDACTED;
	struct writer writer = { 0 };
	const char *end = json.at + json.len, *copied = json.at;
	struct text rest = json, name, value;

	writer.out = out;
	while (next_member(&rest, &name, &value)) {
		if (!is_secret(name, names))
			continue;
		copy(&writer, copied, value.at);
		copy(&writer, redacted, redacted + sizeof redacted - 1);
		copied = value.at + value.len;
		rest = (struct text){ copied, (size_t)(end - copied) };
	}
	copy(&writer, copied, end);
	return writer.len;
}
