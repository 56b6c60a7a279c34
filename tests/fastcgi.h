/*
 * A FastCGI client for tests: what nginx does to tallyd, and what it never does.
 */
#ifndef TESTS_FASTCGI_H
#define TESTS_FASTCGI_H

#include <stdbool.h>
#include <stddef.h>

/* A connection to unix:PATH, tried until somebody listens there, at most 30 s. */
int fastcgi_connect(const char *address);

/* Begins a request. params: names and values in turn, NULL behind the last. */
void fastcgi_begin(int fd, bool keep, const char *const *params);
/* A piece of the body, and its end. */
void fastcgi_send(int fd, const void *bytes, size_t len);
void fastcgi_end(int fd);

/* The answer's text, terminated, free it; NULL when the connection ended before the request did. */
char *fastcgi_read(int fd);
/* Whether what comes next, within 30 s, is the farewell of a peer that wants the connection closed:
 * an empty record of FCGI_STDERR. */
bool fastcgi_farewell(int fd);
/* Reads until the peer closes the connection, and waits for that at most 30 s; false: it has not.
 */
bool fastcgi_closed(int fd);

/* A whole request without a body, and its answer as above. */
char *fastcgi_get(int fd, bool keep, const char *path);

#endif
