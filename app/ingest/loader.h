/*
 * The thread that loads counters for the authorizations that need them, so that no leader of the
 * write path waits for it.
 */
#ifndef APP_INGEST_LOADER_H
#define APP_INGEST_LOADER_H

#include "app/ingest/ingest.h"

struct loader;

struct loader *loader_new(struct ingest *ingest, struct app *app);
/* Waits until it has given back all that it took. */
void loader_free(struct loader *loader);

/* Takes the submission over; it comes back into the queue once its client's counters are loaded, or
 * could not be. */
void loader_add(struct loader *loader, struct submission *submission);

#endif
