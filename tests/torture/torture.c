#include "tests/torture/torture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/process.h"
#include "tests/torture/faults.h"
#include "tests/torture/load.h"
#include "tests/torture/report.h"
#include "tests/torture/stage.h"
#include "tests/torture/watch.h"
#include "tests/torture/workers.h"

#define CHECK_EVERY 5 /* faults */
#define WARM 300 /* requests */
#define BETWEEN 60 /* requests between two faults */
#define IN_A_ROW 5 /* acknowledged records that say that service is back */
#define RECOVERY_MAX_MS 60000
#define CALLERS 6
#define POSTERS 64

static bool
has_authorizations(const struct torture *torture)
{
	struct http http = { .url = servers_http_url(torture->servers),
		.key = torture->clients[TORTURE_STRICT].key };
	struct http_answer answer = http_send(&http, "POST", "/v1/authorizations", NULL, "{}");
	bool there = answer.status != 404;

	http_free(&answer);
	return there;
}

static void
start(struct torture *torture, const struct torture_plan *plan)
{
	*torture =
	    (struct torture){ .plan = *plan, .dice.state = plan->seed, .journal = journal_new() };
	torture->deck = calloc((size_t)fault_count, sizeof(int));
	stage_start(torture);
	torture->authorizes = has_authorizations(torture);
	torture->checker = (struct checker){ torture->servers, torture->journal, torture->clients,
		TORTURE_CLIENTS };
	if (plan->postings > 0)
		load_start(torture, &torture->dice, POSTERS, load_post);
	else
		load_start(torture, &torture->dice, CALLERS, load_mix);
	torture->workers = workers_start(torture, &torture->dice);
	torture->watch = watch_start(torture);
}

/* The threads' parents of processes end before the servers do. */
static void
stop(struct torture *torture, bool fine)
{
	const char *folder = servers_folder(torture->servers);
	char *path;

	watch_stop(torture->watch);
	workers_stop(torture->workers);
	load_stop(torture->load);
	if (!fine) {
		if (asprintf(&path, "%s/journal", folder) < 0)
			abort();
		journal_write(torture->journal, path);
		free(path);
		stage_keep(torture);
		fprintf(stderr, "SEED=%" PRIu64 " failed\n", torture->plan.seed);
		setenv("TALLY_TEST_KEEP", "1", 1);
	}
	stage_stop(torture);
	journal_free(torture->journal);
	free(torture->deck);
}

/* A record of one client, and a question of another. */
static bool
probe(struct caller *caller)
{
	caller->client = 0;
	if (!calls_probe(caller))
		return false;
	caller->client = TORTURE_STRICT;
	return !caller->torture->authorizes || holds_probe(caller);
}

/* Milliseconds from now until the first of a row of records is acknowledged. */
static long long
recover(struct torture *torture)
{
	struct caller caller = { .torture = torture, .dice = dice_split(&torture->dice) };
	long long began = process_clock(), first = began;

	for (int row = 0; row < IN_A_ROW; row++) {
		if (!probe(&caller))
			row = -1;
		else if (row == 0)
			first = process_clock();
		if (process_clock() - began > RECOVERY_MAX_MS) {
			journal_complain(torture->journal, "service did not return");
			return RECOVERY_MAX_MS;
		}
	}
	return first - began;
}

/* FAULT in the environment: only those whose name has it. */
static bool
may_be(const struct torture *torture, const struct fault *fault)
{
	const char *only = getenv("FAULT");

	return (!fault->needs_small_disk || servers_disk_is_small(torture->servers)) &&
	       (only == NULL || strstr(fault->name, only) != NULL);
}

/* A card of the deck; a new deck where there is none left. */
static int
draw(struct torture *torture)
{
	int at, card;

	if (torture->left == 0) {
		for (; torture->left < fault_count; torture->left++)
			torture->deck[torture->left] = torture->left;
	}
	at = dice_roll(&torture->dice, torture->left);
	card = torture->deck[at];
	torture->deck[at] = torture->deck[--torture->left];
	return card;
}

static int
choose(struct torture *torture)
{
	int chosen;

	do
		chosen = draw(torture);
	while (!may_be(torture, &faults[chosen]));
	return chosen;
}

static void
do_fault(struct torture *torture, struct report *report, int chosen)
{
	long requests = load_requests(torture->load), failures = load_failures(torture->load);
	struct report_fault *kind;
	long long recovery;

	fprintf(stderr, "%d: %s\n", report->faults + 1, faults[chosen].name);
	faults[chosen].apply(torture);
	recovery = recover(torture);
	kind = &report->kinds[chosen];
	if (kind->times < REPORT_RECOVERIES_MAX)
		kind->recoveries_ms[kind->times] = recovery;
	kind->times++;
	kind->requests += load_requests(torture->load) - requests;
	kind->failures += load_failures(torture->load) - failures;
	report->faults++;
}

static void
check(struct torture *torture, struct report *report)
{
	struct findings found;

	load_pause(torture->load);
	workers_pause(torture->workers);
	found = checker_run(&torture->checker);
	watch_look(torture->watch);
	for (int i = 0; i < FINDINGS; i++)
		report->findings.counts[i] += found.counts[i];
	report->findings.healed += found.healed;
	report->findings.stored = found.stored;
	report->checks++;
}

static void
resume(struct torture *torture)
{
	stage_raise(torture);
	workers_resume(torture->workers);
	load_resume(torture->load);
}

static void
sum_up(struct torture *torture, struct report *report)
{
	size_t count = journal_count(torture->journal);

	for (size_t i = 0; i < count; i++) {
		struct journal_entry entry = journal_find(torture->journal, i);

		if (entry.kind == JOURNAL_RECORD) {
			report->acknowledged += entry.state == JOURNAL_ACKNOWLEDGED;
			report->unknown += entry.state == JOURNAL_UNKNOWN;
		} else if (entry.kind == JOURNAL_POSTING) {
			report->posted += entry.state == JOURNAL_ACKNOWLEDGED;
			report->posted_unknown += entry.state == JOURNAL_UNKNOWN;
			report->posted_refused += entry.state == JOURNAL_REFUSED;
		}
	}
	report->seed = torture->plan.seed;
	report->repeated = atomic_load(&torture->repeated);
	report->authorizes = torture->authorizes;
	report->requests = load_requests(torture->load);
	report->grown = watch_grown(torture->watch);
	report->statuses = watch_statuses(torture->watch);
	report->moments = watch_moments(torture->watch);
	report->overspent = watch_overspent(torture->watch);
	report->jobs = workers_runs(torture->workers);
	report->jobs_killed = workers_killed(torture->workers);
	report->complaints = journal_complaints(torture->journal);
}

static void
mix(struct torture *torture, struct report *report)
{
	faults_await_requests(torture, WARM);
	check(torture, report);
	resume(torture);
	while (report->faults < torture->plan.faults && report_is_fine(report) &&
	       journal_complaints(torture->journal) == 0) {
		do_fault(torture, report, choose(torture));
		faults_await_requests(torture, BETWEEN);
		if (report->faults % CHECK_EVERY == 0 && report->faults < torture->plan.faults) {
			check(torture, report);
			resume(torture);
		}
	}
}

struct posting_goal {
	struct torture *torture;
	long until;
};

static bool
is_posted(void *context)
{
	const struct posting_goal *goal = context;

	return atomic_load(&goal->torture->posted) >= goal->until ||
	       journal_complaints(goal->torture->journal) > 0;
}

/* As long as it takes, unless nothing at all is acknowledged any more. */
static void
await_postings(struct torture *torture, long until)
{
	struct posting_goal goal = { torture, until };
	long before = -1;

	while (!servers_await(is_posted, &goal)) {
		long posted = atomic_load(&torture->posted);

		if (posted == before)
			journal_complain(torture->journal, "no posting is acknowledged any more");
		before = posted;
	}
}

static int
find_fault(const char *name)
{
	int i = 0;

	while (strcmp(faults[i].name, name) != 0)
		i++;
	return i;
}

/* The jobs rest: they would take the machine from the callers. One kill in each of so many equal
 * parts, at a posting that the dice choose. */
static void
post(struct torture *torture, struct report *report)
{
	const int kills[] = { find_fault("kill -9 of a tallyd"),
		find_fault("postmaster: kill -9") };
	const struct torture_plan *plan = &torture->plan;
	int first = dice_roll(&torture->dice, COUNT(kills));
	long part = plan->postings / (plan->faults + 1);
	long long began = process_clock();

	workers_pause(torture->workers);
	for (int i = 0; i < plan->faults && journal_complaints(torture->journal) == 0; i++) {
		await_postings(torture, part * i + dice_roll(&torture->dice, (int)part));
		fprintf(stderr, "%ld posted\n", atomic_load(&torture->posted));
		do_fault(torture, report, kills[(first + i) % (int)COUNT(kills)]);
	}
	await_postings(torture, plan->postings);
	load_pause(torture->load);
	report->milliseconds = process_clock() - began;
}

static const char types_sql[] =
    "SELECT coalesce(string_agg(line, '; '), 'none') FROM ("
    "SELECT concat(c.name, ' on ', count(DISTINCT t.account_id), ' accounts: ', count(*), ' (', "
    "(SELECT string_agg(concat_ws(' ', type, times), ', ' ORDER BY type) FROM ("
    "SELECT transaction_type AS type, count(*) AS times FROM credit_transactions o "
    "WHERE o.client_id = c.id GROUP BY 1) AS types), ')') AS line "
    "FROM credit_transactions t JOIN clients c ON c.id = t.client_id "
    "GROUP BY c.id, c.name ORDER BY c.name) AS lines";

bool
torture_run(const struct torture_plan *plan)
{
	struct torture torture;
	struct report report = { .kinds = calloc((size_t)fault_count, sizeof(*report.kinds)) };
	bool fine;

	start(&torture, plan);
	if (plan->postings > 0)
		post(&torture, &report);
	else
		mix(&torture, &report);
	check(&torture, &report);
	sum_up(&torture, &report);
	report.types = servers_sql(torture.servers, types_sql);
	report_write(&report, stdout);
	fine = report_is_fine(&report);
	stop(&torture, fine);
	free(report.types);
	free(report.kinds);
	return fine;
}
