/* What the files of the checker share. */
#ifndef TESTS_TORTURE_CHECKER_PRIVATE_H
#define TESTS_TORTURE_CHECKER_PRIVATE_H

#include "tests/torture/checker.h"

#define CHECKER_NAMES_SIZE 400
#define CHECKER_JOB_FOUND 1 /* exit status of reconcile and verify */

/* Counts a finding, and says on standard error what it is. */
void checker_tell(struct findings *findings, enum finding finding, long count, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
/* The clients' names, for an array of PostgreSQL. */
void checker_list_names(const struct checker *checker, char *names, size_t size);
/* One value from SQL; free it. */
char *checker_ask(const struct checker *checker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Its exit status; what it prints is shown where that is not 0. */
int checker_run_job(const struct checker *checker, const char *job, struct findings *findings);

#endif
