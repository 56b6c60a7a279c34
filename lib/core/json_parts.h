/*
 * The parts of JSON that is known to be valid (lib/json_read.h has read it), as they stand: for
 * what decides by the form of a value. Pure.
 */
#ifndef LIB_CORE_JSON_PARTS_H
#define LIB_CORE_JSON_PARTS_H

#include "lib/base.h"

/* The value that begins the text, behind white space. */
struct text json_parts_value(struct text text);
/*
 * Walks the members of an object, or the elements of an array: rest is the value itself at first.
 * The name stands without its quotes, its escapes in it. False behind the last.
 */
NODISCARD bool json_parts_member(struct text *rest, struct text *ret_name, struct text *ret_value);
NODISCARD bool json_parts_element(struct text *rest, struct text *ret_value);

/*
 * The next character of a text without its quotes, from *at on, which moves behind it: a byte of
 * UTF-8, or the UTF-16 unit of an escape. -1 at the end.
 */
int json_parts_letter(struct text text, size_t *at);
/* Whether a text without its quotes says this, which is ASCII. */
NODISCARD bool json_parts_is(struct text text, const char *word);

#endif
