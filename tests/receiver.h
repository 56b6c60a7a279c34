/*
 * A webhook's end for tests: a thread that speaks HTTP on a loopback port, keeps what it is sent
 * and answers as it is told.
 */
#ifndef TESTS_RECEIVER_H
#define TESTS_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>

struct receiver_request {
	char *head; /* request line and headers */
	char *body;
};

/* Once a program. */
void receiver_start(void);
void receiver_stop(void);
int receiver_port(void);

/* The status line and headers of each answer from here on, without the empty line behind them;
 * NULL: none, and the connection stays open until the peer closes it. */
void receiver_answer(const char *head);
/* Closes the connection that stays open, once there is one; the answers from here on are these. */
void receiver_drop(const char *head);
/* Forgets what was sent so far. */
void receiver_forget(void);
size_t receiver_count(void);
/* Waits until so many requests have come, at most 30 s. */
void receiver_await(size_t count);
/* The i-th; lives until receiver_forget(). */
struct receiver_request receiver_request(size_t i);
/* Value of a header of the i-th; free it. */
char *receiver_header(size_t i, const char *name);

#endif
