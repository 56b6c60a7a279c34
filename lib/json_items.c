/* The outside of JSON arrays and objects, and values that come as plain text. */
#include <assert.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_private.h"
#include "lib/utf8.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(struct text *rest)
{
	while (rest->len > 0 && is_space(*rest->at)) {
		rest->at++;
		rest->len--;
	}
}

/* Takes the character when it comes next. */
static bool
take(struct text *rest, char c)
{
	if (rest->len == 0 || *rest->at != c)
		return false;
	rest->at++;
	rest->len--;
	return true;
}

/* Offset behind the string that begins at, or text.len when it does not end. */
static size_t
skip_string(struct text text, size_t at)
{
	for (at++; at < text.len; at++) {
		if (text.at[at] == '\\')
			at++;
		else if (text.at[at] == '"')
			return at + 1;
	}
	return text.len;
}

/* Bytes of the element that begins the text; text.len when it does not end. */
static size_t
element_len(struct text text, char bracket)
{
	size_t depth = 0, at = 0;

	while (at < text.len) {
		char c = text.at[at];

		if (depth == 0 && (c == ',' || c == bracket || is_space(c)))
			return at;
		if (c == '"') {
			at = skip_string(text, at);
		} else {
			at++;
			if (c == '{' || c == '[')
				depth++;
			else if (depth > 0 && (c == '}' || c == ']'))
				depth--;
			else
				continue;
		}
		if (depth == 0)
			return at;
	}
	return text.len;
}

/* Behind an element: the next one's comma, or the end. */
static bool
expect_end(struct task *task, struct text *rest, char bracket)
{
	skip_space(rest);
	if (rest->len > 0 && (*rest->at == ',' || *rest->at == bracket))
		return true;
	return task_fail(task, ERR_SYNTAX, "A comma is expected between the elements.");
}

static bool
end_array(struct task *task, struct text *rest)
{
	skip_space(rest);
	if (rest->len == 0)
		return false;
	return task_fail(task, ERR_SYNTAX, "Something stands behind the JSON array.");
}

bool
json_next_item(struct task *task, struct json_items *items, struct text *ret)
{
	struct text *rest = &items->rest;
	struct text item;

	skip_space(rest);
	if (!items->begun) {
		items->begun = true;
		if (!take(rest, '['))
			return task_fail(task, ERR_SYNTAX, "A JSON array is expected.");
		skip_space(rest);
		if (take(rest, ']'))
			return end_array(task, rest);
	} else {
		if (rest->len == 0)
			return false;
		if (take(rest, ']'))
			return end_array(task, rest);
		(void)take(rest, ',');
		skip_space(rest);
	}
	item = (struct text){ .at = rest->at, .len = element_len(*rest, ']') };
	if (item.len == rest->len)
		return task_fail(task, ERR_SYNTAX, "The JSON array does not end.");
	rest->at += item.len;
	rest->len -= item.len;
	if (item.len == 0)
		return task_fail(task, ERR_SYNTAX, "An element of the JSON array is missing.");
	if (!expect_end(task, rest, ']'))
		return false;
	*ret = item;
	return true;
}

/* Escapes are read by the same rules as those of any text; most texts have none. */
bool
json_text_value(struct task *task, struct text value, struct text *ret)
{
	static const struct json_field field = {
		.name = "text", .type = JSON_TEXT, .given = JSON_ALWAYS, .max = INT64_MAX
	};
	struct buf buf = { .arena = task->arena };
	const char *text = NULL;

	if (value.len < 2 || value.at[0] != '"' || value.at[value.len - 1] != '"')
		return false;
	if (memchr(value.at, '\\', value.len) == NULL) {
		text = arena_strndup(task->arena, value.at + 1, value.len - 2);
		*ret = (struct text){ .at = text, .len = value.len - 2 };
		return true;
	}
	buf_puts(&buf, "{\"text\":");
	buf_add(&buf, value.at, value.len);
	buf_putc(&buf, '}');
	if (!json_read(task, buf_text(&buf), &field, 1, &text)) {
		task_clear_error(task);
		return false;
	}
	*ret = (struct text){ .at = text, .len = strlen(text) };
	return true;
}

static bool
read_name(struct task *task, struct text quoted, struct text *ret)
{
	return json_text_value(task, quoted, ret) ||
	       task_fail(task, ERR_SYNTAX, "A member's name holds what no text may.");
}

bool
json_next_member(
    struct task *task, struct json_items *items, struct text *ret_name, struct text *ret_value)
{
	struct text *rest = &items->rest;
	struct text name, value;

	skip_space(rest);
	if (!take(rest, items->begun ? ',' : '{'))
		return false;
	items->begun = true;
	skip_space(rest);
	if (rest->len == 0 || *rest->at != '"')
		return false;
	name = (struct text){ .at = rest->at, .len = skip_string(*rest, 0) };
	rest->at += name.len;
	rest->len -= name.len;
	skip_space(rest);
	if (!take(rest, ':') || !read_name(task, name, ret_name))
		return false;
	skip_space(rest);
	value = (struct text){ .at = rest->at, .len = element_len(*rest, '}') };
	rest->at += value.len;
	rest->len -= value.len;
	while (value.len > 0 && is_space(value.at[value.len - 1]))
		value.len--;
	*ret_value = value;
	return true;
}

bool
json_is_array(struct text body)
{
	skip_space(&body);
	return body.len > 0 && *body.at == '[';
}

static const char *
take_elements(struct task *task, const struct json_field *field, struct text value, void *base)
{
	struct json_list list = { 0 };
	const char *comma;

	do {
		size_t len;

		comma = memchr(value.at, ',', value.len);
		len = comma == NULL ? value.len : (size_t)(comma - value.at);
		json_list_add(task, field, (struct text){ .at = value.at, .len = len }, &list);
		value.at += len + 1;
		value.len -= comma == NULL ? len : len + 1;
	} while (comma != NULL);
	return json_take_list(task, field, &list, base);
}

static const char *
take_word(struct task *task, const struct json_field *field, struct text value, void *base)
{
	if (value.len == 4 && memcmp(value.at, "true", 4) == 0)
		return json_take_bool(task, field, true, base);
	if (value.len == 5 && memcmp(value.at, "false", 5) == 0)
		return json_take_bool(task, field, false, base);
	return json_wants(task, field);
}

static const char *
take_value(struct task *task, const struct json_field *field, struct text value, void *base)
{
	if (!utf8_valid(value) || memchr(value.at, '\0', value.len) != NULL)
		return "must be UTF-8 without NUL";
	switch (field->type) {
	case JSON_TEXT:
	case JSON_CHOICE:
	case JSON_TIME:
	case JSON_DATE:
	case JSON_ID:
		return json_take_text(task, field, value, base);
	case JSON_INT:
	case JSON_CENTS:
	case JSON_RATE:
	case JSON_CREDITS:
	case JSON_MILLIONTHS:
		return json_take_number(task, field, value, base);
	case JSON_BOOL:
		return take_word(task, field, value, base);
	case JSON_TEXTS:
	case JSON_INTS:
		return take_elements(task, field, value, base);
	case JSON_LONG:
	case JSON_REALS:
	case JSON_GROUP:
	case JSON_OBJECT:
		break;
	}
	return json_wants(task, field);
}

bool
json_read_value(struct task *task, const struct json_field *field, struct text value, void *ret)
{
	const char *trouble;

	if (value.at == NULL)
		value.at = "";
	trouble = take_value(task, field, value, ret);
	if (trouble != NULL)
		return task_fail_field(task, field->name, trouble);
	json_mark_given(field, ret);
	return true;
}
