#include "tests/torture/watch.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/process.h"

#define STRICT (TORTURE_CLIENTS - TORTURE_STRICT)
#define LIVES 2
#define READS 50 /* of a status that is too high */

struct watch {
	struct torture *torture;
	pthread_t thread;
	atomic_bool stopped;
	atomic_long statuses, moments, overspent;
	struct watch_life lives[LIVES], grown;
};

/* Whether it was read. */
static bool
fits(const struct http *http, const char *path, bool *ret_fits, char **ret_body)
{
	struct http_answer answer = http_send(http, "GET", path, NULL, NULL);
	bool read = answer.status == 200;

	if (read)
		*ret_fits = checker_fits(&answer);
	free(*ret_body);
	*ret_body = strdup(answer.body);
	http_free(&answer);
	return read;
}

/*
 * While a record settles its authorization, both are counted: what is shown may be too high for
 * that moment, never too low. What stays too high was overspent.
 */
static void
read_status(struct watch *watch, const struct http *http, const char *id)
{
	char path[80], *body = NULL;
	bool fine = false;
	int reads = 0;

	(void)snprintf(path, sizeof(path), "/v1/budgets/%s/status", id);
	while (!fine && reads < READS && fits(http, path, &fine, &body)) {
		reads++;
		if (!fine)
			process_breathe();
	}
	atomic_fetch_add(&watch->statuses, reads);
	atomic_fetch_add(&watch->moments, fine && reads > 1);
	/* The first tells enough: what is overspent stays so. */
	if (reads == READS && !fine && atomic_fetch_add(&watch->overspent, 1) == 0)
		journal_complain(watch->torture->journal, "overspent meanwhile: %s", body);
	free(body);
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
