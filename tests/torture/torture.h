/*
 * One run of the torture: servers, clients, load, workers, faults. What its parts share.
 */
#ifndef TESTS_TORTURE_TORTURE_H
#define TESTS_TORTURE_TORTURE_H

#include <stdatomic.h>

#include "tests/torture/checker.h"
#include "tests/torture/dice.h"

#define TORTURE_CLIENTS 7
#define TORTURE_STRICT 2 /* clients from this number on ask before each call */
#define TORTURE_PAYERS 4 /* clients from this number on pay from credits, strict or not */
#define TORTURE_ACCOUNTS_MAX 1000
#define TORTURE_USERS 5 /* of each client */
#define TORTURE_STRICT_USERS 12 /* of each strict client in each round */

struct load;
struct workers;
struct watch;

struct torture_plan {
	uint64_t seed;
	int faults;
	/* Where it is not 0: 64 callers post so many by hand, and the faults are kill -9 of a
	 * tallyd and of the postmaster in turn. Else six callers mix, and faults of all kinds. */
	long postings;
};

struct torture {
	struct torture_plan plan;
	struct servers *servers;
	struct journal *journal;
	struct checker checker;
	struct checker_client clients[TORTURE_CLIENTS];
	struct torture_budgets {
		char *all; /* id of the one over the whole client */
		int64_t limit_cents; /* of that one */
	} budgets[TORTURE_CLIENTS];
	char (*accounts)[40]; /* of the payers, one after the other */
	atomic_long posted, repeated; /* by hand and acknowledged; sent again and known */
	atomic_int round; /* checks so far */
	struct load *load;
	struct workers *workers;
	struct watch *watch;
	struct dice dice; /* of the faults */
	int *deck, left; /* of faults, shuffled: each comes before any comes again */
	bool authorizes; /* POST /v1/authorizations is there */
};

/* Once a program: servers_*() start the programs that have places to die at from then on. */
void torture_use_programs(void);

/* How many accounts a payer has, and how one's path names it: its users', or its own. */
int torture_accounts(int client);
const char *torture_account(const struct torture *torture, int client, int user);

/* Users whose buckets are not full yet: others in each round. */
int torture_strict_user(struct torture *torture, struct dice *dice);

/* Whether every invariant held. Prints a table on standard output. */
bool torture_run(const struct torture_plan *plan);

#endif
