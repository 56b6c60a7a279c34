/* A listener to Server-Sent Events, through nginx. */
#ifndef TESTS_LISTENING_H
#define TESTS_LISTENING_H

#include <stddef.h>

struct listening {
	int fd;
	char *text; /* all that came so far, headers and body; terminated */
	size_t len;
	enum { LISTENING_HEAD, LISTENING_SIZE, LISTENING_DATA, LISTENING_END } part;
	size_t left; /* of a chunk, and the line break behind it */
};

/* GET path by the key of tests/api.h, with the last id where it is not NULL; reads until the answer
 * has begun: fails the test unless it has this status. */
struct listening listening_ask(const char *path, const char *last_id, const char *status);
/* The same from now on, with 200. */
struct listening listening_to(const char *path);
/* The same without reading anything, with a receive buffer as small as may be. */
struct listening listening_deaf(const char *path, const char *last_id);
/* Posts a record of this feature; what an event of it holds. */
void listening_post(const char *feature);
const char *listening_feature(const char *feature);
/* Reads until the text has come; fails the test where the answer ends before, or after 30 s. */
void listening_await(struct listening *listening, const char *text);
/* Reads until the answer ends. */
void listening_await_end(struct listening *listening);
/* How often the text came. */
int listening_count(const struct listening *listening, const char *text);
/* The last "id: " that came; until the next call. */
const char *listening_last_id(const struct listening *listening);
void listening_close(struct listening *listening);

#endif
