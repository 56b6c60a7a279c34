/*
 * What the JSON files share: one value of a field's type, and the texts that JSON may hold.
 */
#ifndef LIB_JSON_PRIVATE_H
#define LIB_JSON_PRIVATE_H

#include "lib/json_read.h"

#define JSON_NAME_SHOWN_MAX 80 /* characters of an unknown field's name in an error */

/*
 * Each puts the value into the struct base by the field's row and returns NULL, or says what is
 * wrong with it; the struct is untouched then, and the message lives as long as the task.
 */
const char *json_take_text(
    struct task *task, const struct json_field *field, struct text value, void *base);
const char *json_take_number(
    struct task *task, const struct json_field *field, struct text value, void *base);
const char *json_take_bool(
    struct task *task, const struct json_field *field, bool value, void *base);

/* Elements of a JSON_TEXTS, JSON_INTS or JSON_REALS, collected one by one. */
struct json_list {
	const char **at;
	size_t count;
	size_t capacity;
	const char *trouble; /* the first; later elements are ignored */
};
void json_list_add(
    struct task *task, const struct json_field *field, struct text element, struct json_list *list);
const char *json_take_list(
    struct task *task, const struct json_field *field, struct json_list *list, void *base);

/* What the field wants, for a value of another type: "must be a text". */
const char *json_wants(struct task *task, const struct json_field *field);

/* Marks the value as given, where the row keeps that. */
void json_mark_given(const struct json_field *field, void *base);

/*
 * A JSON number that jsonb keeps exactly: at most 131072 digits before the point, 16383 behind it.
 * The exponent is limited to what doubles have, or else a few bytes would become 131072 digits each
 * time PostgreSQL writes them out.
 */
#define JSON_EXPONENT_MAX 350
bool json_number_fits(struct text number);

/*
 * Offset of the first escape from here on that stands for no character of ours: NUL, or half of a
 * surrogate pair; SIZE_MAX when there is none. yajl turns the latter into other text without a
 * word, and jsonb refuses both.
 */
size_t json_find_bad_escape(struct text body, size_t from);

/* The name as it may go into an error: characters of UTF-8 that show, not too many. */
const char *json_safe_name(struct task *task, struct text name);

#endif
