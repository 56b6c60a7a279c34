/* Records and days of a client in the database, for tests of the jobs. */
#ifndef TESTS_BOOKS_H
#define TESTS_BOOKS_H

#include "tests/servers.h"

/* The client's day now, in its own zone. */
#define BOOKS_TODAY(name) \
	"(SELECT (now() AT TIME ZONE timezone)::date FROM clients WHERE name = '" name "')"

/*
 * Records straight into the log, as if they had been counted: so many on the client's day that is
 * days_ago, each of 0.25 cents and 10 tokens.
 */
void books_insert(struct servers *servers, const char *client, int days_ago, int count);

/* Fails unless the SQL's one value is as expected. */
void books_expect(struct servers *servers, const char *sql, const char *expected);
/* Client-days whose row differs from the log in any member; those without a row count. */
void books_expect_differences(struct servers *servers, const char *expected);
/* Runs tally; fails unless it ends so and prints this (NULL: whatever). */
void books_expect_tally(
    struct servers *servers, int status, const char *prints, const char *const *arguments);
#define EXPECT_TALLY(status, prints, ...) \
	books_expect_tally(servers, status, prints, (const char *const[9]){ __VA_ARGS__ })

#endif
