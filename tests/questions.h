/* What can be asked about usage, in the ways that differ in how they are read. */
#ifndef TESTS_QUESTIONS_H
#define TESTS_QUESTIONS_H

#include "lib/model/usage.h"

#define QUESTIONS 11
#define QUESTION_DAYS 10 /* behind the asker's present; four times as many in one bucket */

struct question {
	const char *sentence, *zone; /* NULL: the client's */
	int64_t hours; /* of a bucket; 0: all is one */
	enum usage_dimension by;
	size_t by_count, groups_max;
	const char *only_model;
};
extern const struct question questions[QUESTIONS];

struct asker {
	struct db_pool *pool; /* as tally_app */
	struct id client, user; /* user nil: not bound to one */
	const char *timezone; /* the client's */
	int64_t now;
};

/* The answer as text, to be freed; with a memory or, where it is NULL, without one. */
char *question_ask(
    const struct question *question, const struct asker *asker, struct usage_memory *memory);

#endif
