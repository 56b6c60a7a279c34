/*
 * Reading JSON objects into structs by a table of fields. The same tables validate query strings
 * and describe the API in the OpenAPI document. The only door to yajl's parser.
 *
 * Strict: unknown fields, duplicate keys, wrong types, values out of range, NUL characters and
 * invalid UTF-8 are refused; every bad field is named at once (task->err.fields). null means: not
 * given.
 */
#ifndef LIB_JSON_READ_H
#define LIB_JSON_READ_H

#include "lib/task.h"

#define JSON_DEPTH_MAX 32
#define JSON_SKIPPED_DEPTH_MAX 512 /* of what json_read_some() skips */

enum json_type {
	JSON_TEXT, /* const char *: min and max count characters (code points) */
	JSON_LONG, /* struct text: min to max bytes, inside the body, which is written over */
	JSON_INT, /* int64_t: whole numbers, min to max */
	JSON_BOOL, /* bool */
	JSON_CENTS, /* int64_t nano-dollars, as min and max: cents with at most 7 decimals */
	JSON_RATE, /* int64_t pico-dollars a token: read as dollars per 1,000,000 tokens with at
		      most 6 decimals; min and max in pico-dollars */
	JSON_CREDITS, /* int64_t nano-dollars: read as credits, which are dollars, with at most 4
			 decimals; min and max in nano-dollars */
	JSON_MILLIONTHS, /* int64_t: read as a number with at most 6 decimals, kept times 10^6 */
	JSON_TIME, /* int64_t microseconds */
	JSON_DATE, /* int32_t days since 1970 */
	JSON_ID, /* struct id; never nil */
	JSON_CHOICE, /* int: index into choices */
	JSON_TEXTS, /* struct json_texts: min to max texts; each 1 to max_item characters */
	JSON_INTS, /* struct json_ints: array of min to max whole numbers; each 1 to max_item */
	JSON_REALS, /* struct json_reals: array of min to max numbers that a float holds */
	JSON_GROUP, /* an object with fields of its own, the table inside: their values are members
		       of the same struct */
	JSON_OBJECT /* struct text: the object as it was sent, inside the body, at most max bytes;
		       contents PostgreSQL's jsonb accepts, numbers with exponents to 350 */
};

struct json_texts {
	const char *const *at;
	size_t count;
};

struct json_ints {
	const int64_t *at;
	size_t count;
};

struct json_reals {
	const float *at;
	size_t count;
};

struct json_field {
	const char *name;
	enum json_type type;
	size_t offset; /* of the value in the struct */
	size_t given; /* offset of a bool that says whether it was given; 0 or JSON_ALWAYS where
			 none is kept */
	bool required;
	int64_t min, max;
	int64_t max_item; /* JSON_TEXTS: characters of an element; JSON_INTS: its value */
	const char *const *choices; /* JSON_CHOICE: in an enum's order, NULL behind the last */
	const struct json_field *inside; /* JSON_GROUP: its fields; in errors "group.field" */
	size_t inside_count;
	size_t nulled; /* offset of a bool that says whether null was sent; 0: not kept */
	const char *with; /* the field that must be given, or nulled, with it; in bodies only */
	const char *about; /* one sentence for the OpenAPI document; may be NULL */
};

#define JSON_ALWAYS SIZE_MAX

/*
 * ret starts as the caller made it: what is not given stays. Texts live as long as the task. At
 * most 64 fields. ERR_SYNTAX: not a JSON object, or nested deeper than JSON_DEPTH_MAX. ERR_INVALID:
 * fields; ret then holds those that were good.
 */
NODISCARD bool json_read(
    struct task *task, struct text body, const struct json_field *fields, size_t count, void *ret);

/* The same for what others define: fields that the table does not have are skipped. */
NODISCARD bool json_read_some(
    struct task *task, struct text body, const struct json_field *fields, size_t count, void *ret);

/* One value of a query parameter or path by the same rules, given as text ("true", "12", "a,b" for
 * JSON_TEXTS). */
NODISCARD bool json_read_value(
    struct task *task, const struct json_field *field, struct text value, void *ret);

/*
 * Walks the elements of a JSON array without reading them. Begin with items.rest = the whole body;
 * each call gives the next element's text. False at the end or on an error (task->err.code tells).
 */
struct json_items {
	struct text rest;
	bool begun;
};
NODISCARD bool json_next_item(struct task *task, struct json_items *items, struct text *ret);

/*
 * Walks the members of a JSON object the same way: the name without its escapes, the value as it
 * stands. The object must be one that json_read_some() has read. ERR_SYNTAX: a name is no text of
 * ours (a NUL, half a surrogate).
 */
NODISCARD bool json_next_member(
    struct task *task, struct json_items *items, struct text *ret_name, struct text *ret_value);

/*
 * The characters of a JSON text as it stands in quotes, terminated. False where the value is none,
 * or one that no text of ours may be (a NUL, half a surrogate): no error then.
 */
NODISCARD bool json_text_value(struct task *task, struct text value, struct text *ret);

/* Whether the first character that is not white space opens an array. */
bool json_is_array(struct text body);

#endif
