/* The table at the end of a run. */
#ifndef TESTS_TORTURE_REPORT_H
#define TESTS_TORTURE_REPORT_H

#include <stdio.h>

#include "tests/torture/faults.h"
#include "tests/torture/watch.h"

#define REPORT_RECOVERIES_MAX 1000

/* Of one kind of fault. */
struct report_fault {
	int times;
	long requests, failures; /* while it lasted, and until service was back */
	long long recoveries_ms[REPORT_RECOVERIES_MAX];
};

struct report {
	uint64_t seed;
	int faults, checks;
	long requests, acknowledged, unknown; /* records */
	long posted, posted_unknown, posted_refused, repeated; /* credits, by hand */
	long long milliseconds; /* until so many were posted; 0: that was not the plan */
	char *types; /* how often each type stands in the ledger */
	struct findings findings; /* summed over the checks but for .stored, which is the last */
	struct report_fault *kinds; /* as many as there are faults */
	struct watch_life grown;
	long statuses, moments, overspent;
	long jobs, jobs_killed, complaints;
	bool authorizes;
};

void report_write(const struct report *report, FILE *out);
/* Whether all of it is as it should be. */
bool report_is_fine(const struct report *report);

#endif
