/*
 * Integrations for tests: servers and a receiver (tests/receiver.h) that stands for what is
 * integrated, and may be called though it is on the machine itself.
 */
#ifndef TESTS_INTEGRATING_H
#define TESTS_INTEGRATING_H

#define INTEGRATING_OK "HTTP/1.1 200 OK\r\nContent-Length: 0"
#define INTEGRATING_KEY "only for tests: 0123456789abcdef"

/* Of the group, and before each test: a new client, and a receiver that answers well. */
int integrating_start(void **state);
int integrating_stop(void **state);
int integrating_begin(void **state);
/* With another value of a setting. */
void integrating_restart_tallyd(const char *setting, const char *value);

/* The path of a new integration of the receiver, or of one at a URL in which RECEIVER is its port;
 * members: more of it as JSON, each behind a comma. */
const char *integrating_add(const char *members);
const char *integrating_add_at(const char *url, const char *members);
const char *integrating_add_endpoint(const char *integration, const char *members);
/* tally alerts. */
void integrating_run(void);
/* Asks for a test and has it done; the last answer shows what came of it. */
void integrating_test(const char *path);

#endif
