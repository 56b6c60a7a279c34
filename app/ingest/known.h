/*
 * Which users, sessions and agent sessions are there, kept in the process: the write path asks
 * PostgreSQL only for those that it has not met for a while. One that has been removed meanwhile is
 * refused by its foreign key; known_forget() then makes the next try ask again.
 */
#ifndef APP_INGEST_KNOWN_H
#define APP_INGEST_KNOWN_H

#include "lib/model/reference.h"

#define KNOWN_MAX 32768 /* of all of them kept; the next push out those kept longest */

struct known;

/* Keeps nothing before the first known_hear(). */
struct known *known_new(void);
void known_free(struct known *known);

/* Sets found, tier and root of each, in a transaction of its own where something must be asked. */
NODISCARD bool known_find(
    struct task *task, struct known *known, struct reference *list, size_t count);

/* Forgets all, as a user's tier has changed; keep: changes will be told from now on, so what is
 * read may be kept. */
void known_hear(struct known *known, bool keep);
/* Forgets all. */
void known_forget(struct known *known);

#endif
