#include "app/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/events.h"
#include "app/ingest/ingest.h"
#include "app/server.h"
#include "lib/clock.h"
#include "lib/model/usage_memory.h"
#include "lib/money.h"

#define STATUS_CLASSES 5

#define AUTHORIZATIONS \
	"tally_authorizations_total", "Authorizations allowed, and refused by reason."

static const struct metric_row {
	const char *name;
	const char *help;
} rows[] = {
	[METRIC_RECORDS_ACCEPTED] = { "tally_records_accepted_total", "Records stored." },
	[METRIC_RECORDS_DUPLICATE] = { "tally_records_duplicate_total",
	    "Records that were stored before." },
	[METRIC_RECORDS_REJECTED] = { "tally_records_rejected_total",
	    "Records refused for what they hold." },
	[METRIC_RECORDS_UNPRICED] = { "tally_records_unpriced_total",
	    "Records stored without a cost, as their model has no price." },
	[METRIC_SPANS_IGNORED] = { "tally_spans_ignored_total",
	    "Spans of OTLP exports that are no model's, agent's or tool's." },
	[METRIC_BATCHES] = { "tally_batches_total", "Commits of the write path." },
	[METRIC_BATCH_FAILURES] = { "tally_batch_failures_total",
	    "Commits of the write path that failed." },
	[METRIC_COUNTER_EPOCHS] = { "tally_redis_epochs_total",
	    "Times the counters in Redis were begun anew." },
	[METRIC_COUNTER_FALLBACKS] = { "tally_redis_fallbacks_total",
	    "Totals read from PostgreSQL as Redis could not tell them." },
	[METRIC_OVERLOADS] = { "tally_overloads_total", "Requests refused as too much waited." },
	[METRIC_KEY_FAILURES] = { "tally_key_failures_total", "Wrong API keys presented." },
	[METRIC_KEY_MISTYPED] = { "tally_key_mistyped_total",
	    "API keys presented with wrong check digits, which no table was asked for." },
	[METRIC_KEY_REFUSALS] = { "tally_key_refusals_total",
	    "Requests refused as too many wrong API keys came from their address." },
	[METRIC_KEY_ADDRESS_REFUSALS] = { "tally_key_address_refusals_total",
	    "Requests refused as their key may not be used from their address." },
	[METRIC_RATE_REFUSALS] = { "tally_rate_refusals_total",
	    "Requests refused as the hourly rate of their key was used up." },
	[METRIC_RATE_UNCOUNTED] = { "tally_rate_uncounted_total",
	    "Requests of keys with an hourly rate let pass uncounted, as Redis was away." },
	[METRIC_REDIS_FAILURES] = { "tally_redis_failures_total", "Failed exchanges with Redis." },
	[METRIC_DATABASE_FAILURES] = { "tally_database_failures_total",
	    "Failed exchanges with PostgreSQL." },
	[METRIC_AUTHORIZATIONS_ALLOWED] = { AUTHORIZATIONS },
	[METRIC_AUTHORIZATIONS_COST] = { AUTHORIZATIONS },
	[METRIC_AUTHORIZATIONS_REQUESTS] = { AUTHORIZATIONS },
	[METRIC_AUTHORIZATIONS_TOKENS] = { AUTHORIZATIONS },
	[METRIC_AUTHORIZATIONS_UNPRICED] = { AUTHORIZATIONS },
	[METRIC_AUTHORIZATIONS_AWAY] = { AUTHORIZATIONS },
	[METRIC_AUTHORIZATIONS_CREDITS] = { AUTHORIZATIONS },
	[METRIC_OVER_AUTHORIZED] = { "tally_over_authorized_total",
	    "Calls that cost more than was authorized for them." },
	[METRIC_LISTENERS_CUT] = { "tally_event_listeners_cut_total",
	    "Listeners to events that did not read what they were sent." },
};
_Static_assert(COUNT(rows) == METRIC_COUNT, "every metric has a name");

/* The label of those that have one; rows of one name follow each other. */
static const char *const results[METRIC_COUNT] = {
	[METRIC_AUTHORIZATIONS_ALLOWED] = "allowed",
	[METRIC_AUTHORIZATIONS_COST] = "cost",
	[METRIC_AUTHORIZATIONS_REQUESTS] = "requests",
	[METRIC_AUTHORIZATIONS_TOKENS] = "tokens",
	[METRIC_AUTHORIZATIONS_UNPRICED] = "unpriced",
	[METRIC_AUTHORIZATIONS_AWAY] = "away",
	[METRIC_AUTHORIZATIONS_CREDITS] = "credits",
};

/* Upper ends in microseconds, and the same in seconds as Prometheus shows them. */
static const struct bucket {
	int64_t usec;
	const char *seconds;
} buckets[] = {
	{ 250, "0.00025" },
	{ 500, "0.0005" },
	{ 1000, "0.001" },
	{ 2500, "0.0025" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 25000, "0.025" },
	{ 50000, "0.05" },
	{ 100000, "0.1" },
	{ 250000, "0.25" },
	{ 500000, "0.5" },
	{ 1000000, "1" },
	{ 2500000, "2.5" },
	{ 5000000, "5" },
	{ 10000000, "10" },
	{ INT64_MAX, "+Inf" },
};

static _Atomic int64_t counters[METRIC_COUNT];
static _Atomic int64_t requests[STATUS_CLASSES];
static _Atomic int64_t durations[COUNT(buckets)];
static _Atomic int64_t duration_usec;

static void
add(_Atomic int64_t *counter, int64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static int64_t
read_counter(_Atomic int64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void
metrics_add(enum metric metric, int64_t n)
{
	add(&counters[metric], n);
}

void
metrics_request(int status, int64_t usec)
{
	size_t i = 0;

	assert(status >= 100 && status < 100 * (STATUS_CLASSES + 1));
	add(&requests[status / 100 - 1], 1);
	while (usec > buckets[i].usec)
		i++;
	add(&durations[i], 1);
	add(&duration_usec, usec);
}

static void
describe(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
write_value(struct buf *out, const char *name, const char *type, const char *help, int64_t value)
{
	describe(out, name, type, help);
	buf_printf(out, "%s %" PRId64 "\n", name, value);
}

static void
write_rows(struct buf *out)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0)
			describe(out, rows[i].name, "counter", rows[i].help);
		buf_puts(out, rows[i].name);
		if (results[i] != NULL)
			buf_printf(out, "{result=\"%s\"}", results[i]);
		buf_printf(out, " %" PRId64 "\n", read_counter(&counters[i]));
	}
}

static void
write_requests(struct buf *out)
{
	int64_t sum = 0;

	describe(out, "tally_requests_total", "counter", "Requests answered, by class of status.");
	for (int i = 0; i < STATUS_CLASSES; i++)
		buf_printf(out, "tally_requests_total{status=\"%dxx\"} %" PRId64 "\n", i + 1,
		    read_counter(&requests[i]));
	describe(out, "tally_request_duration_seconds", "histogram",
	    "Time from the first byte of a request to its answer.");
	for (size_t i = 0; i < COUNT(buckets); i++) {
		sum += read_counter(&durations[i]);
		buf_printf(out, "tally_request_duration_seconds_bucket{le=\"%s\"} %" PRId64 "\n",
		    buckets[i].seconds, sum);
	}
	char seconds[MONEY_TEXT_SIZE];
	money_format_scaled(read_counter(&duration_usec), 6, seconds);
	buf_printf(out,
	    "tally_request_duration_seconds_sum %s\n"
	    "tally_request_duration_seconds_count %" PRId64 "\n",
	    seconds, sum);
}

static void
write_parts(struct buf *out, struct app *app)
{
	int64_t connections, in_flight, open, used, opened;

	server_count(app->server, &connections, &in_flight);
	write_value(out, "tally_connections", "gauge", "FastCGI connections open.", connections);
	write_value(out, "tally_requests_in_flight", "gauge", "Requests read and not answered yet.",
	    in_flight);
	write_value(out, "tally_event_listeners", "gauge", "Who listens to events.",
	    events_count(app->events));
	write_value(out, "tally_records_waiting", "gauge", "Records that wait for a commit.",
	    ingest_waiting(app->ingest));
	db_pool_count(app->pool, &open, &used, &opened);
	write_value(
	    out, "tally_database_connections_open", "gauge", "Connections to PostgreSQL.", open);
	write_value(out, "tally_database_connections_used", "gauge",
	    "Connections to PostgreSQL inside a transaction.", used);
	write_value(out, "tally_database_connections_opened_total", "counter",
	    "Connections to PostgreSQL ever opened.", opened);
}

static void
write_usage_memory(struct buf *out, struct app *app)
{
	struct usage_memory_state state = { 0 };

	if (app->usage_memory != NULL)
		state = usage_memory_look(app->usage_memory);
	write_value(out, "tally_usage_memory_bytes", "gauge",
	    "Memory of what was read of the rollups.", (int64_t)state.bytes);
	write_value(out, "tally_usage_sums_found_total", "counter",
	    "Sums of the rollups that were kept when they were asked for.", state.found);
	write_value(out, "tally_usage_sums_missed_total", "counter",
	    "The same that had to be read.", state.missed);
}

static int64_t
resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	char line[128] = ""; /* seven numbers of pages: all, resident, ... */
	char *rest;

	if (file == NULL)
		return 0;
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	(void)strtol(line, &rest, 10);
	return (int64_t)strtol(rest, NULL, 10) * sysconf(_SC_PAGESIZE);
}

static int64_t
as_usec(struct timeval time)
{
	return (int64_t)time.tv_sec * CLOCK_SECOND + time.tv_usec;
}

static void
write_process(struct buf *out, const struct app *app)
{
	char seconds[MONEY_TEXT_SIZE];
	struct rusage usage;

	describe(out, "tally_build_info", "gauge", "Always 1; the version is the label.");
	buf_printf(out, "tally_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	getrusage(RUSAGE_SELF, &usage);
	describe(out, "process_cpu_seconds_total", "counter", "User and system time used.");
	buf_printf(out, "process_cpu_seconds_total %s\n",
	    money_format_scaled(as_usec(usage.ru_utime) + as_usec(usage.ru_stime), 6, seconds));
	write_value(
	    out, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes());
	describe(out, "process_start_time_seconds", "gauge", "When the process began.");
	buf_printf(out, "process_start_time_seconds %s\n",
	    money_format_scaled(app->started_at, 6, seconds));
}

static const char job_runs_sql[] = "SELECT job, succeeded_at, duration_ms, rows, drift_nanos, "
				   "(error IS NOT NULL)::int::bigint "
				   "FROM job_runs "
				   "ORDER BY job";

/* What the job expire measured. */
static const char figures_sql[] = "SELECT open_holds, held_nanos, oldest_hold_ms, spent_nanos "
				  "FROM job_runs "
				  "WHERE job = 'expire'";

const char *const metrics_statements[] = { job_runs_sql, figures_sql, NULL };

/* Columns of job_runs_sql behind the job. */
static const struct job_metric {
	const char *name;
	const char *help;
	int scale; /* decimals of the column's unit below the metric's */
} job_metrics[] = {
	{ "tally_job_last_success_timestamp_seconds", "When the job last succeeded.", 6 },
	{ "tally_job_duration_seconds", "How long its last run took.", 3 },
	{ "tally_job_rows", "Rows its last run wrote, removed or compared.", 0 },
	{ "tally_job_drift_cents", "Difference that its last run found.", 7 },
	{ "tally_job_failed", "1 when its last run failed.", 0 },
};

/* Columns of figures_sql; scale as above. */
static const struct job_metric figures[] = {
	{ "tally_open_holds", "Authorizations neither settled nor voided nor expired.", 0 },
	{ "tally_held_cents", "What they hold.", 7 },
	{ "tally_oldest_hold_seconds", "Age of the oldest hold; 0 when there is none.", 3 },
	{ "tally_spent_today_cents", "Spent in each client's day, as of the last flush.", 7 },
};

static void
write_job_metric(struct buf *out, const struct db_rows *jobs, int column)
{
	const struct job_metric *metric = &job_metrics[column - 1];
	char value[MONEY_TEXT_SIZE];

	describe(out, metric->name, "gauge", metric->help);
	for (int row = 0; row < db_count(jobs); row++) {
		if (db_null(jobs, row, column))
			continue;
		int64_t number =
		    column == 1 ? db_time(jobs, row, column) : db_int(jobs, row, column);
		buf_printf(out, "%s{job=\"%s\"} %s\n", metric->name, db_text(jobs, row, 0),
		    money_format_scaled(number, metric->scale, value));
	}
}

/* Once the job has run. */
static void
write_figures(struct buf *out, const struct db_rows *measured)
{
	char value[MONEY_TEXT_SIZE];

	for (int i = 0; db_count(measured) > 0 && i < (int)COUNT(figures); i++) {
		if (db_null(measured, 0, i))
			continue;
		describe(out, figures[i].name, "gauge", figures[i].help);
		buf_printf(out, "%s %s\n", figures[i].name,
		    money_format_scaled(db_int(measured, 0, i), figures[i].scale, value));
	}
}

static void
write_jobs(struct task *task, struct buf *out)
{
	struct db_rows *jobs;
	bool found = db_query(task, job_runs_sql, NULL, &jobs);

	write_value(out, "tally_database_up", "gauge", "1 when PostgreSQL answered.", found);
	for (int column = 1; found && column <= (int)COUNT(job_metrics); column++)
		write_job_metric(out, jobs, column);
	if (found && db_query(task, figures_sql, NULL, &jobs))
		write_figures(out, jobs);
	db_rollback(task);
	task_clear_error(task);
}

void
metrics_write(struct task *task, struct app *app, struct buf *out)
{
	write_process(out, app);
	write_requests(out);
	write_rows(out);
	write_parts(out, app);
	write_usage_memory(out, app);
	write_jobs(task, out);
}
