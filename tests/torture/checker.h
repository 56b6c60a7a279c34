/*
 * Holds PostgreSQL, Redis and the API against a journal: the invariants of Tally, as one call. The
 * load must be at rest: no request is on its way.
 *
 * Records carry their journal entry's mark as trace_id. All clients are the caller's own, and
 * nothing but what is in the journal was ever sent for them. Budgets have an empty scope.
 */
#ifndef TESTS_TORTURE_CHECKER_H
#define TESTS_TORTURE_CHECKER_H

#include "tests/http.h"
#include "tests/servers.h"
#include "tests/torture/journal.h"

struct checker_client {
	const char *name;
	const char *key; /* of all scopes */
	/* Every call of it was authorized and cost no more than was held for it: its hard budgets
	 * must hold. */
	bool strict;
};

struct checker {
	struct servers *servers;
	struct journal *journal;
	const struct checker_client *clients; /* in the order of the journal's numbers */
	size_t client_count;
};

enum finding {
	FINDING_LOST, /* acknowledged and not stored */
	FINDING_DOUBLED, /* stored more than once, or again after a replay */
	FINDING_STRAY, /* stored, and neither acknowledged nor unknown */
	FINDING_CHANGED, /* stored with another cost */
	FINDING_CROSSED, /* stored for, or shown to, another client */
	FINDING_DAYS, /* client-days after flush that are not the sum over the log */
	FINDING_DRIFT, /* counters or budgets after reconcile that are not the sum over the log */
	FINDING_OVERSPENT, /* hard budgets with spent + held beyond the limit */
	FINDING_CREDITS, /* accounts, transactions, holds that are not as they must be */
	FINDING_REFUSED, /* jobs and requests that failed although nothing stood in their way */
	FINDINGS
};
extern const char *const checker_names[FINDINGS];

struct findings {
	long counts[FINDINGS];
	long stored; /* records */
	long healed; /* times that reconcile found drift, and set it right */
};

/* Adds to *findings, and tells each finding on standard error. */
void checker_records(const struct checker *checker, struct findings *findings);
/* Accounts of credits. */
void checker_credits(const struct checker *checker, struct findings *findings);
/* Runs flush and compares the days. */
void checker_days(const struct checker *checker, struct findings *findings);
/* Compares counters and budgets as they are. */
void checker_counted(const struct checker *checker, struct findings *findings);
/* Runs reconcile first. */
void checker_counters(const struct checker *checker, struct findings *findings);
/* Records, credits, days, and counters. */
struct findings checker_run(const struct checker *checker);

/* Whether an answer of /v1/budgets/{id}/status has no hard budget or bucket with spent + held
 * beyond its limit. */
bool checker_fits(const struct http_answer *status);
bool findings_are_none(const struct findings *findings);

#endif
