/*
 * Statements that put so many rows of two clients into every big table that an index is worth more
 * than a scan; the last one analyzes all of them.
 */
#ifndef TESTS_MANY_ROWS_H
#define TESTS_MANY_ROWS_H

extern const char *const many_rows[]; /* in this order; NULL behind the last */

#endif
