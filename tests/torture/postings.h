/* Callers who post to credit accounts by hand. */
#ifndef TESTS_TORTURE_POSTINGS_H
#define TESTS_TORTURE_POSTINGS_H

#include "tests/torture/load.h"

/* One thing that a caller does; caller->client is one that pays from credits. */
void postings_do(struct caller *caller);

int postings_choose_user(struct caller *caller);
/* Complains unless the account did not have so much: nothing else may refuse what is right. */
void postings_check_refusal(const struct caller *caller, const struct http_answer *answer);

#endif
