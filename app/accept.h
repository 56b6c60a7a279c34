/*
 * The format of an answer, from the Accept header (RFC 9110, 12.5.1): the first media type of ours
 * that it names. Weights are not read: nobody who asks for CSV weighs it against JSON.
 */
#ifndef APP_ACCEPT_H
#define APP_ACCEPT_H

#include <stdbool.h>

enum accept { ACCEPT_JSON, ACCEPT_CSV, ACCEPT_NDJSON };

/* JSON where header is NULL or names nothing of ours. */
enum accept accept_choose(const char *header);
/* Whether this is the first media type that it names; header may be NULL. */
bool accept_begins(const char *header, const char *type);
/* The media type of an answer in this format. */
const char *accept_media_type(enum accept accept);

#endif
