/* Every SQL constant of the program, by the file that owns it. */
#ifndef TESTS_STATEMENTS_H
#define TESTS_STATEMENTS_H

#include <stddef.h>

struct statement_list {
	const char *name;
	const char *const *statements; /* NULL behind the last */
	const char *role; /* who runs them */
};

extern const struct statement_list statement_lists[];
extern const size_t statement_list_count;

#endif
