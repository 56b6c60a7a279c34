/* Every SQL constant of the program, by the file that owns it. */
#ifndef TESTS_STATEMENTS_H
#define TESTS_STATEMENTS_H

#include <stddef.h>

struct statement_list {
	const char *name;
	const char *const *statements; /* NULL behind the last */
	const char *role; /* who runs them */
};

/* All of them; they live as long as the program. */
size_t statement_lists(const struct statement_list **ret);
/* Those of a resource; NULL behind the last. */
struct resource;
const char *const *statements_of(const struct resource *resource);

#endif
