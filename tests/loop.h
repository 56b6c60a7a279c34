/*
 * The server loop in the test's own process, with answers that a test of the loop needs: /echo the
 * body, /large a big one, /parts one in parts, /cut one without an end, /park one that waits for
 * loop_release(), every other path itself.
 */
#ifndef TESTS_LOOP_H
#define TESTS_LOOP_H

#include <stddef.h>
#include <stdint.h>

#define LOOP_THREADS 4
#define LOOP_BODY_MAX 100000
#define LOOP_LARGE (3 << 20)
#define LOOP_STOP_MS 30000

extern struct server *loop_server; /* NULL: none runs */

/* Once a program, before and after the tests. */
void loop_prepare(void);
void loop_clean(void);
const char *loop_folder(void);
const char *loop_address(void);

void loop_start(int64_t io_timeout_ms, int connections_max);
/* Fails the test when a request does not end. */
void loop_stop(void);
/* Frees it where server_stop() has succeeded. */
void loop_free(void);

/* Waits until so many requests for /park are there; the second also answers them, on this thread.
 */
void loop_await_parked(size_t count);
void loop_release(size_t count);

/* Setups: a patient server, one that gives up soon, one for two connections; and their teardown. */
int loop_setup(void **state);
int loop_setup_impatient(void **state);
int loop_setup_narrow(void **state);
int loop_teardown(void **state);

/* A request that has no body yet; length NULL: none is announced. */
void loop_begin(int fd, const char *path, const char *length);
/* The body of an answer, which is freed. */
void loop_assert_answer(char *answer, const char *body);

#endif
