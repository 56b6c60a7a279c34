#include "lib/csv.h"

#include <string.h>

void
csv_add(struct buf *buf, struct text text)
{
	if (memchr(text.at, '"', text.len) == NULL && memchr(text.at, ',', text.len) == NULL &&
	    memchr(text.at, '\n', text.len) == NULL && memchr(text.at, '\r', text.len) == NULL) {
		buf_add(buf, text.at, text.len);
		return;
	}
	buf_putc(buf, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '"')
			buf_putc(buf, '"');
		buf_putc(buf, text.at[i]);
	}
	buf_putc(buf, '"');
}
