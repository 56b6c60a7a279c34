#include "tests/torture/load.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/process.h"
#include "tests/torture/postings.h"

#define INSIST_MS 90000

struct load {
	struct caller callers[LOAD_CALLERS_MAX];
	pthread_t threads[LOAD_CALLERS_MAX];
	int count;
	void (*act)(struct caller *caller);
	pthread_mutex_t lock; /* of the four below */
	pthread_cond_t changed;
	bool paused, stopped;
	int busy;
	atomic_long requests, successes, failures;
};

/* False when the load ends. */
static bool
begin(struct load *load)
{
	bool go;

	pthread_mutex_lock(&load->lock);
	while (load->paused && !load->stopped)
		pthread_cond_wait(&load->changed, &load->lock);
	go = !load->stopped;
	load->busy += go;
	pthread_mutex_unlock(&load->lock);
	return go;
}

static void
end(struct load *load)
{
	pthread_mutex_lock(&load->lock);
	load->busy--;
	pthread_cond_broadcast(&load->changed);
	pthread_mutex_unlock(&load->lock);
}

void
load_mix(struct caller *caller)
{
	bool asks = caller->torture->authorizes;

	caller->client = dice_roll(&caller->dice, asks ? TORTURE_CLIENTS : TORTURE_STRICT);
	if (caller->client < TORTURE_STRICT)
		calls_do(caller);
	else if (caller->client < TORTURE_PAYERS)
		holds_do(caller);
	else
		credits_do(caller);
}

void
load_post(struct caller *caller)
{
	caller->client =
	    TORTURE_PAYERS + dice_roll(&caller->dice, TORTURE_CLIENTS - TORTURE_PAYERS);
	postings_do(caller);
}

static void *
call(void *argument)
{
	struct caller *caller = argument;
	struct load *load = caller->torture->load;

	while (begin(load)) {
		load->act(caller);
		end(load);
	}
	return NULL;
}

void
load_start(
    struct torture *torture, struct dice *dice, int count, void (*act)(struct caller *caller))
{
	struct load *load = calloc(1, sizeof(*load));

	if (load == NULL)
		abort();
	pthread_mutex_init(&load->lock, NULL);
	pthread_cond_init(&load->changed, NULL);
	torture->load = load;
	load->count = count;
	load->act = act;
	for (int i = 0; i < count; i++) {
		load->callers[i] =
		    (struct caller){ .torture = torture, .dice = dice_split(dice), .number = i };
		if (pthread_create(&load->threads[i], NULL, call, &load->callers[i]) != 0)
			abort();
	}
}

void
load_pause(struct load *load)
{
	pthread_mutex_lock(&load->lock);
	load->paused = true;
	while (load->busy > 0)
		pthread_cond_wait(&load->changed, &load->lock);
	pthread_mutex_unlock(&load->lock);
}

void
load_resume(struct load *load)
{
	pthread_mutex_lock(&load->lock);
	load->paused = false;
	pthread_cond_broadcast(&load->changed);
	pthread_mutex_unlock(&load->lock);
}

void
load_stop(struct load *load)
{
	pthread_mutex_lock(&load->lock);
	load->stopped = true;
	pthread_cond_broadcast(&load->changed);
	pthread_mutex_unlock(&load->lock);
	for (int i = 0; i < load->count; i++)
		pthread_join(load->threads[i], NULL);
	pthread_cond_destroy(&load->changed);
	pthread_mutex_destroy(&load->lock);
	free(load);
}

long
load_requests(const struct load *load)
{
	return atomic_load(&load->requests);
}

long
load_successes(const struct load *load)
{
	return atomic_load(&load->successes);
}

long
load_failures(const struct load *load)
{
	return atomic_load(&load->failures);
}

/* I5: marks and names begin with the number of the client whose they are. */
static void
look_for_others(const struct caller *caller, const char *path, const struct http_answer *answer)
{
	char mark[16];

	for (int i = 0; i < TORTURE_CLIENTS; i++) {
		(void)snprintf(mark, sizeof(mark), "\"c%d-", i);
		if (i != caller->client && strstr(answer->body, mark) != NULL)
			journal_complain(caller->torture->journal,
			    "crossed: client %d sees client %d in the answer of %s: %s",
			    caller->client, i, path, answer->body);
	}
}

bool
load_is_open(const struct http_answer *answer)
{
	return answer->status == 0 || answer->status >= 500 || answer->status == 409;
}

enum journal_state
load_state(const struct http_answer *answer)
{
	if (answer->status == 200 || answer->status == 201)
		return JOURNAL_ACKNOWLEDGED;
	return load_is_open(answer) ? JOURNAL_UNKNOWN : JOURNAL_REFUSED;
}

void
load_complain(const struct caller *caller, const char *what, const struct http_answer *answer)
{
	journal_complain(
	    caller->torture->journal, "%s: %ld: %s", what, answer->status, answer->body);
}

struct http_answer
load_send(struct caller *caller, const char *method, const char *path, const char *const *headers,
    const char *body)
{
	struct torture *torture = caller->torture;
	struct http http = { .url = servers_http_url(torture->servers),
		.key = torture->clients[caller->client].key };
	struct http_answer answer = http_send(&http, method, path, headers, body);

	atomic_fetch_add(&torture->load->requests, 1);
	if (answer.status >= 200 && answer.status < 300)
		atomic_fetch_add(&torture->load->successes, 1);
	else if (load_is_open(&answer))
		atomic_fetch_add(&torture->load->failures, 1);
	if (answer.status == 500)
		journal_complain(
		    torture->journal, "500: %s %s %s: %s", method, path, body, answer.body);
	look_for_others(caller, path, &answer);
	return answer;
}

struct http_answer
load_insist(struct caller *caller, const char *path, const char *const *headers, const char *body)
{
	long long until = process_clock() + INSIST_MS;
	struct http_answer answer = load_send(caller, "POST", path, headers, body);

	while (load_is_open(&answer) && process_clock() < until) {
		http_free(&answer);
		process_breathe();
		answer = load_send(caller, "POST", path, headers, body);
	}
	return answer;
}
