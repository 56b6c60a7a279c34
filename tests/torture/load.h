/*
 * Callers who post records, ask for authorizations and read, each in a thread of its own. What they
 * do follows from their dice alone; each writes into the journal what it was told.
 */
#ifndef TESTS_TORTURE_LOAD_H
#define TESTS_TORTURE_LOAD_H

#include <pthread.h>

#include "tests/torture/torture.h"

/* A thread's view. */
struct caller {
	struct torture *torture;
	struct dice dice;
	int number; /* no two have the same */
	int client;
	char created_at[32]; /* of the last record that was written with an id */
};

#define LOAD_CALLERS_MAX 64

/* So many callers, each of whom does act again and again. */
void load_start(
    struct torture *torture, struct dice *dice, int count, void (*act)(struct caller *caller));
/* Acts: whatever a client's callers do, of all clients; postings by hand to all accounts. */
void load_mix(struct caller *caller);
void load_post(struct caller *caller);
/* No request is on its way when it returns. */
void load_pause(struct load *load);
void load_resume(struct load *load);
void load_stop(struct load *load);

/* Requests, and those of them that were answered well, or by nothing or a 5xx. */
long load_requests(const struct load *load);
long load_successes(const struct load *load);
long load_failures(const struct load *load);

/* Sends, counts, and looks whether another client's marks are in the answer. */
struct http_answer load_send(struct caller *caller, const char *method, const char *path,
    const char *const *headers, const char *body);
/* The same until there is an answer that says whether it was done: status below 500 and not 429
 * from the queue. After many tries the last answer, whatever it is. */
struct http_answer load_insist(
    struct caller *caller, const char *path, const char *const *headers, const char *body);
/* Whether the answer leaves open what was done. */
bool load_is_open(const struct http_answer *answer);
enum journal_state load_state(const struct http_answer *answer);
/* The journal keeps what should not have been answered. */
void load_complain(const struct caller *caller, const char *what, const struct http_answer *answer);

/* tests/torture/calls.c: one thing that a caller does. */
void calls_do(struct caller *caller);
/* One record, sent once. Whether it was acknowledged. */
bool calls_probe(struct caller *caller);
/* tests/torture/holds.c: the same for clients that ask before each call. */
void holds_do(struct caller *caller);
/* One authorization, asked for once. Whether it was granted, or refused by a budget. */
bool holds_probe(struct caller *caller);
/* tests/torture/credits.c: the same for clients that pay from credits. */
void credits_do(struct caller *caller);

#endif
