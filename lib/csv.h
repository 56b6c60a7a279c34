/*
 * Writing CSV by RFC 4180.
 */
#ifndef LIB_CSV_H
#define LIB_CSV_H

#include "lib/buf.h"

/*
 * One field: quoted, and its quotes doubled, where it has a quote, a comma or a line end. A text
 * that a spreadsheet would take for a formula stays as it is: who reads the file must find what was
 * stored, and a spreadsheet can be told that the column is text.
 */
void csv_add(struct buf *buf, struct text text);

#endif
