/*
 * What the tests of erasures share: a client, users, the receipt of tally erase, and whether a text
 * is left anywhere.
 */
#ifndef TESTS_ERASING_H
#define TESTS_ERASING_H

/* For cmocka_run_group_tests(), with api_stop(). */
int erasing_start(void **state);
/* A new client: the calls are its; its id. */
const char *erasing_use_client(const char *name);
/* A user of that name, address and account; its id. */
const char *erasing_add_user(const char *mark);
/* Runs tally erase with the option for the client made last; what it prints, kept until the program
 * ends. */
const char *erasing_run(const char *option, const char *value);
/* Fails the test if the text stands in any row of any table. */
void erasing_expect_nowhere(const char *text);

#endif
