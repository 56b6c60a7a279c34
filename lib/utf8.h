/*
 * UTF-8 (RFC 3629) as PostgreSQL takes it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include "lib/base.h"

/* NUL counts as a character: who refuses it looks for it. */
bool utf8_valid(struct text text);
/* Bytes of the character at the start of text: 1 to 4, or 0 where none begins there or text is
 * empty. */
size_t utf8_char(struct text text);
/* Characters (code points) of a valid text. */
size_t utf8_count(struct text text);

#endif
