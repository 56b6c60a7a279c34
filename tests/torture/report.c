#include "tests/torture/report.h"

#include <inttypes.h>
#include <stdlib.h>

#define SLOW_MS 5000
/* What tallyd may open more than it had: its pool and Redis for each thread, nginx's connections.
 */
#define DESCRIPTORS_MAX 120
#define KIB_MAX (64L * 1024)

static int
compare(const void *a, const void *b)
{
	const long long *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void
write_kinds(const struct report *report, FILE *out)
{
	fprintf(out, "%-26s %6s %9s %9s %9s %9s %5s\n", "fault", "times", "requests", "failed",
	    "p50 ms", "max ms", ">5 s");
	for (int i = 0; i < fault_count; i++) {
		struct report_fault *kind = &report->kinds[i];
		int slow = 0, kept = kind->times < REPORT_RECOVERIES_MAX ? kind->times
									 : REPORT_RECOVERIES_MAX;

		if (kept == 0)
			continue;
		qsort(kind->recoveries_ms, (size_t)kept, sizeof(kind->recoveries_ms[0]), compare);
		for (int j = 0; j < kept; j++)
			slow += kind->recoveries_ms[j] > SLOW_MS;
		fprintf(out, "%-26s %6d %9ld %9ld %9lld %9lld %5d\n", faults[i].name, kind->times,
		    kind->requests, kind->failures, kind->recoveries_ms[kept / 2],
		    kind->recoveries_ms[kept - 1], slow);
	}
}

static bool
leaks(const struct watch_life *life)
{
	return life->last.descriptors > life->first.descriptors + DESCRIPTORS_MAX ||
	       life->last.kib > 2 * life->first.kib + KIB_MAX;
}

void
report_write(const struct report *report, FILE *out)
{
	const struct watch_life *grown = &report->grown;

	write_kinds(report, out);
	fprintf(out,
	    "\nseed %" PRIu64 ", %d faults, %d checks, authorizations %s\n"
	    "requests %ld, records acknowledged %ld, unknown %ld, stored %ld\n"
	    "credits posted by hand %ld, unknown %ld, refused %ld, sent again %ld\n"
	    "transactions: %s\n",
	    report->seed, report->faults, report->checks, report->authorizes ? "on" : "MISSING",
	    report->requests, report->acknowledged, report->unknown, report->findings.stored,
	    report->posted, report->posted_unknown, report->posted_refused, report->repeated,
	    report->types);
	if (report->milliseconds > 0)
		fprintf(out, "posted in %.1f s, kills and all: %.0f in a second\n",
		    (double)report->milliseconds / 1000,
		    (double)report->posted * 1000 / (double)report->milliseconds);
	for (int i = 0; i < FINDINGS; i++)
		fprintf(out, "%s %ld%s", checker_names[i], report->findings.counts[i],
		    i + 1 < FINDINGS ? ", " : "\n");
	fprintf(out,
	    "drift that reconcile found and healed %ld, wrong answers %ld\n"
	    "budgets read meanwhile %ld, beyond the limit for a moment %ld, overspent %ld\n"
	    "jobs %ld, killed %ld\n"
	    "tallyd that grew most: descriptors %ld to %ld, memory %ld to %ld KiB%s\n",
	    report->findings.healed, report->complaints, report->statuses, report->moments,
	    report->overspent, report->jobs, report->jobs_killed, grown->first.descriptors,
	    grown->last.descriptors, grown->first.kib, grown->last.kib,
	    leaks(grown) ? " LEAK" : "");
}

bool
report_is_fine(const struct report *report)
{
	return findings_are_none(&report->findings) && report->complaints == 0 &&
	       report->overspent == 0 && !leaks(&report->grown);
}
