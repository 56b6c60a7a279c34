/* HTTP for tests, by libcurl. */
#ifndef TESTS_HTTP_H
#define TESTS_HTTP_H

#include <stddef.h>

struct http {
	const char *url; /* of the server, without the path */
	const char *key; /* sent as Authorization: Bearer; NULL: none */
};

struct http_answer {
	long status; /* 0: no answer */
	char *body; /* terminated */
	size_t len;
	char *headers; /* all of them, lower-case names, a line each */
};

/* headers: lines "Name: value", NULL behind the last, or NULL. body NULL: none. Content-Type is
 * application/json unless given. Free with http_free(). */
struct http_answer http_send(const struct http *http, const char *method, const char *path,
    const char *const *headers, const char *body);
struct http_answer http_send_n(const struct http *http, const char *method, const char *path,
    const char *const *headers, const void *body, size_t len);
void http_free(struct http_answer *answer);

/* Value of a response header, or NULL; name in lower case. Lives until the next call in this
 * thread. */
const char *http_header(const struct http_answer *answer, const char *name);

/*
 * A member of a JSON answer by path ("data.0.id"), as text: strings without quotes, numbers as they
 * stand, "true", "null"; NULL when there is none. Lives until the next call with the same slot (0
 * to 7) in this thread.
 */
const char *http_json(const struct http_answer *answer, const char *path, int slot);

#endif
