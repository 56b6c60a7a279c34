#include "tests/torture/watch.h"

#include <dirent.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/process.h"

#define STRICT (TORTURE_PAYERS - TORTURE_STRICT)
#define LIVES 2

/*
 * Users of strict clients for whom more is spent and held than their bucket may hold. What has
 * expired is judged while the rows are read: now() is older than the snapshot, by as long as the
 * query waited, and would see a hold beside the one that took its place.
 */
static const char overspent_sql[] =
    "SELECT client_id, used.user_id, sum(cents) FROM ("
    "SELECT client_id, user_id, verified_cost_cents AS cents FROM chat_logs "
    "UNION ALL SELECT client_id, user_id, held_cents FROM authorizations "
    "WHERE settled_at IS NULL AND voided_at IS NULL AND expires_at > clock_timestamp()) AS used "
    "JOIN budgets b USING (client_id) WHERE b.mode = 'hard' AND b.each_by = 'user_id' "
    "GROUP BY client_id, used.user_id, b.limit_cents HAVING sum(cents) > b.limit_cents";

struct watch {
	struct torture *torture;
	pthread_t thread;
	atomic_bool stopped;
	atomic_long statuses, moments, overspent;
	struct watch_life lives[LIVES], grown;
};

/*
 * While a record settles its authorization, both are counted: what the API shows may be too high
 * until that is confirmed, never too low. So it is only counted how often that was to be seen.
 */
static void
read_status(struct watch *watch, const struct http *http, const char *id)
{
	struct http_answer answer;
	char path[80];

	(void)snprintf(path, sizeof(path), "/v1/budgets/%s/status", id);
	answer = http_send(http, "GET", path, NULL, NULL);
	if (answer.status == 200) {
		atomic_fetch_add(&watch->statuses, 1);
		atomic_fetch_add(&watch->moments, !checker_fits(&answer));
	}
	http_free(&answer);
}

/* I3 at this instant, which one snapshot of PostgreSQL is. */
static void
look_into_books(struct watch *watch)
{
	PGconn *conn = PQconnectdb(servers_database_url(watch->torture->servers, "postgres"));
	PGresult *result = PQexec(conn, overspent_sql);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	/* PostgreSQL may be away, but it must understand the question. */
	if (state != NULL && strncmp(state, "42", 2) == 0)
		journal_complain(watch->torture->journal, "%s", PQresultErrorMessage(result));
	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0 &&
	    atomic_fetch_add(&watch->overspent, PQntuples(result)) == 0)
		journal_complain(watch->torture->journal,
		    "overspent meanwhile: client %s user %s: %s", PQgetvalue(result, 0, 0),
		    PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2));
	PQclear(result);
	PQfinish(conn);
}

static void
read_budgets(struct watch *watch, const struct http *http)
{
	struct http_answer answer = http_send(http, "GET", "/v1/budgets", NULL, NULL);
	char path[32], id[40];
	const char *value;

	for (int i = 0;; i++) {
		(void)snprintf(path, sizeof(path), "data.%d.id", i);
		value = http_json(&answer, path, 0);
		if (value == NULL)
			break;
		(void)snprintf(id, sizeof(id), "%s", value);
		read_status(watch, http, id);
	}
	http_free(&answer);
}

static void *
sample(void *argument)
{
	struct watch *watch = argument;
	struct torture *torture = watch->torture;

	for (int i = 0; !atomic_load(&watch->stopped); i++) {
		struct http http = { .url = servers_http_url(torture->servers),
			.key = torture->clients[TORTURE_STRICT + i % STRICT].key };

		read_budgets(watch, &http);
		look_into_books(watch);
		process_breathe();
	}
	return NULL;
}

struct watch *
watch_start(struct torture *torture)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		abort();
	watch->torture = torture;
	if (pthread_create(&watch->thread, NULL, sample, watch) != 0)
		abort();
	return watch;
}

void
watch_stop(struct watch *watch)
{
	atomic_store(&watch->stopped, true);
	pthread_join(watch->thread, NULL);
	free(watch);
}

static struct watch_size
measure(pid_t pid)
{
	struct watch_size size = { 0 };
	const char *line;
	char path[64], *status;
	DIR *folder;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	while (folder != NULL && readdir(folder) != NULL)
		size.descriptors++;
	if (folder != NULL)
		closedir(folder);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = process_read_file(path);
	line = status == NULL ? NULL : strstr(status, "VmRSS:");
	if (line != NULL)
		size.kib = strtol(line + strlen("VmRSS:"), NULL, 10);
	free(status);
	return size;
}

static long
growth(const struct watch_life *life)
{
	return life->looks < 2 ? 0 : life->last.descriptors - life->first.descriptors;
}

void
watch_look(struct watch *watch)
{
	static const enum server_part parts[LIVES] = { SERVER_TALLYD, SERVER_TALLYD_2 };

	for (int i = 0; i < LIVES; i++) {
		pid_t pid = servers_pid(watch->torture->servers, parts[i]);
		struct watch_life *life = &watch->lives[i];

		if (life->pid != pid)
			*life = (struct watch_life){ .pid = pid, .first = measure(pid) };
		life->last = measure(pid);
		life->looks++;
		if (life->looks > 1 &&
		    (watch->grown.pid == 0 || growth(life) >= growth(&watch->grown)))
			watch->grown = *life;
	}
}

struct watch_life
watch_grown(const struct watch *watch)
{
	return watch->grown;
}

long
watch_statuses(const struct watch *watch)
{
	return atomic_load(&watch->statuses);
}

long
watch_overspent(const struct watch *watch)
{
	return atomic_load(&watch->overspent);
}

long
watch_moments(const struct watch *watch)
{
	return atomic_load(&watch->moments);
}
