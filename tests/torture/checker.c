#include "tests/torture/checker_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_SIZE 2048

const char *const checker_names[FINDINGS] = {
	[FINDING_LOST] = "lost",
	[FINDING_DOUBLED] = "doubled",
	[FINDING_STRAY] = "stray",
	[FINDING_CHANGED] = "changed",
	[FINDING_CROSSED] = "crossed",
	[FINDING_DAYS] = "days",
	[FINDING_DRIFT] = "drift",
	[FINDING_OVERSPENT] = "overspent",
	[FINDING_CREDITS] = "credits",
	[FINDING_REFUSED] = "refused",
};

static const char stored_sql[] =
    "SELECT coalesce(string_agg(line, E'\\n'), '') FROM ("
    "SELECT concat_ws(' ', c.name, coalesce(l.trace_id, '-'), count(*), "
    "(min(coalesce(l.verified_cost_cents, -1)) * 10000000)::bigint, "
    "(max(coalesce(l.verified_cost_cents, -1)) * 10000000)::bigint) AS line "
    "FROM chat_logs l JOIN clients c ON c.id = l.client_id "
    "WHERE c.name = ANY ('{%s}') GROUP BY c.name, l.trace_id) AS lines";

/* What flush has written beside what the log holds; a closed day takes the rest as adjustments. */
static const char days_sql[] =
    "SELECT coalesce(string_agg(concat_ws(' ', name, date), ', '), '') FROM ("
    "SELECT c.name, (l.created_at AT TIME ZONE c.timezone)::date AS date, l.client_id, "
    "sum(coalesce(verified_cost_cents, estimated_cost_cents, 0)) AS cost, count(*) AS requests, "
    "sum(coalesce(tokens_used, 0)) AS tokens, count(DISTINCT user_id) AS users "
    "FROM chat_logs l JOIN clients c ON c.id = l.client_id "
    "WHERE c.name = ANY ('{%s}') GROUP BY 1, 2, 3) AS l "
    "LEFT JOIN daily_costs d USING (client_id, date) "
    "LEFT JOIN (SELECT client_id, date, sum(amount_cents) AS amount FROM cost_adjustments "
    "GROUP BY 1, 2) AS a USING (client_id, date) "
    "WHERE CASE WHEN d.closed_at IS NULL "
    "THEN (l.cost, l.requests, l.tokens, l.users) IS DISTINCT FROM "
    "(d.total_cost_cents, d.total_requests, d.total_tokens, d.unique_users) "
    "ELSE l.cost IS DISTINCT FROM d.total_cost_cents + coalesce(a.amount, 0) END";

void
checker_tell(struct findings *findings, enum finding finding, long count, const char *format, ...)
{
	va_list arguments;

	findings->counts[finding] += count;
	fprintf(stderr, "%s: ", checker_names[finding]);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

char *
checker_ask(const struct checker *checker, const char *format, ...)
{
	char sql[SQL_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(sql, sizeof(sql), format, arguments);
	va_end(arguments);
	return servers_sql(checker->servers, sql);
}

void
checker_list_names(const struct checker *checker, char *names, size_t size)
{
	FILE *out = fmemopen(names, size, "w");

	for (size_t i = 0; i < checker->client_count; i++)
		fprintf(out, "%s%s", i > 0 ? "," : "", checker->clients[i].name);
	fclose(out);
}

/* One mark in the log. */
struct stored {
	char name[80], mark[80];
	long count;
	int64_t least, most; /* nano-dollars */
};

static void
check_stored(const struct checker *checker, const struct stored *stored, char *seen, size_t count,
    struct findings *findings)
{
	struct journal_entry entry;
	size_t number;
	int client;

	findings->stored += stored->count;
	if (!journal_read_mark(stored->mark, &client, &number) || number >= count) {
		checker_tell(
		    findings, FINDING_STRAY, stored->count, "%s of %s", stored->mark, stored->name);
		return;
	}
	entry = journal_find(checker->journal, number);
	seen[number] = 1;
	if (entry.client != client || strcmp(checker->clients[client].name, stored->name) != 0)
		checker_tell(findings, FINDING_CROSSED, 1, "%s is stored for %s", stored->mark,
		    stored->name);
	if (entry.state == JOURNAL_REFUSED || entry.state == JOURNAL_SENT)
		checker_tell(
		    findings, FINDING_STRAY, 1, "%s was refused and is stored", stored->mark);
	if (stored->count > 1)
		checker_tell(findings, FINDING_DOUBLED, stored->count - 1, "%s is stored %ld times",
		    stored->mark, stored->count);
	if (stored->least != entry.nanos || stored->most != entry.nanos)
		checker_tell(findings, FINDING_CHANGED, 1,
		    "%s cost %" PRId64 " and is stored with %" PRId64, stored->mark, entry.nanos,
		    stored->most);
}

void
checker_records(const struct checker *checker, struct findings *findings)
{
	size_t count = journal_count(checker->journal);
	char *seen = calloc(count + 1, 1);
	char names[CHECKER_NAMES_SIZE], *lines, *rest, *line;

	checker_list_names(checker, names, sizeof(names));
	rest = lines = checker_ask(checker, stored_sql, names);
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct stored stored;

		if (sscanf(line, "%79s %79s %ld %" SCNd64 " %" SCNd64, stored.name, stored.mark,
			&stored.count, &stored.least, &stored.most) == 5)
			check_stored(checker, &stored, seen, count, findings);
		else if (*line != '\0')
			checker_tell(findings, FINDING_STRAY, 1, "not understood: %s", line);
	}
	for (size_t i = 0; i < count; i++) {
		struct journal_entry entry = journal_find(checker->journal, i);

		if (entry.kind == JOURNAL_RECORD && entry.state == JOURNAL_ACKNOWLEDGED && !seen[i])
			checker_tell(findings, FINDING_LOST, 1, "c%d-%zu", entry.client, i);
	}
	free(seen);
	free(lines);
}

struct job_run {
	const struct checker *checker;
	const char *job;
	char *output;
	int status;
};

static bool
has_run(void *context)
{
	struct job_run *run = context;

	free(run->output);
	run->status = servers_tally(run->checker->servers, &run->output, run->job, NULL);
	return strstr(run->output, "another instance is running") == NULL;
}

/* Its exit status. What it prints is shown where that was not expected. */
int
checker_run_job(const struct checker *checker, const char *job, struct findings *findings)
{
	struct job_run run = { .checker = checker, .job = job };

	/* One that was killed keeps the lock until PostgreSQL hears of it. */
	if (!servers_await(has_run, &run))
		checker_tell(findings, FINDING_REFUSED, 1, "tally %s never had its turn", job);
	if (run.status != 0)
		fprintf(stderr, "tally %s: %d\n%s", job, run.status, run.output);
	if (run.status != 0 && run.status != CHECKER_JOB_FOUND)
		checker_tell(
		    findings, FINDING_REFUSED, 1, "tally %s ended with %d", job, run.status);
	free(run.output);
	return run.status;
}

struct flushing {
	const struct checker *checker;
	struct findings *findings;
	char *days; /* that differ */
};

/* Whether Redis knows of no batch whose outcome is in doubt; one that is away does not say so. */
static bool
nothing_is_pending(const struct checker *checker)
{
	char *keys = servers_redis(checker->servers, "KEYS tally:*:pending");
	bool none = strspn(keys, "\n") == strlen(keys);

	free(keys);
	return none;
}

/* The days are equal, or another flush would not make them so. */
static bool
have_settled(void *context)
{
	struct flushing *flushing = context;
	bool settled = nothing_is_pending(flushing->checker);
	char names[CHECKER_NAMES_SIZE];

	settled = checker_run_job(flushing->checker, "flush", flushing->findings) == 0 && settled;
	checker_list_names(flushing->checker, names, sizeof(names));
	free(flushing->days);
	flushing->days = checker_ask(flushing->checker, days_sql, names);
	return settled || *flushing->days == '\0';
}

void
checker_days(const struct checker *checker, struct findings *findings)
{
	struct flushing flushing = { .checker = checker, .findings = findings };

	/* A batch of a process that was killed is in doubt until it is certainly not in flight. */
	(void)servers_await(have_settled, &flushing);
	if (*flushing.days != '\0')
		checker_tell(findings, FINDING_DAYS, 1, "%s", flushing.days);
	free(flushing.days);
}

struct findings
checker_run(const struct checker *checker)
{
	struct findings findings = { 0 };

	checker_records(checker, &findings);
	checker_credits(checker, &findings);
	checker_days(checker, &findings);
	checker_counters(checker, &findings);
	return findings;
}

bool
findings_are_none(const struct findings *findings)
{
	for (int i = 0; i < FINDINGS; i++) {
		if (findings->counts[i] != 0)
			return false;
	}
	return true;
}
