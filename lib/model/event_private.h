/* What lib/model/event*.c share. */
#ifndef LIB_MODEL_EVENT_PRIVATE_H
#define LIB_MODEL_EVENT_PRIVATE_H

#include "lib/model/event.h"

/* How long a type counts as heard, and a stream stays, once nobody says so again. */
#define EVENT_HEARD_S (EVENT_WINDOW_S + 2 * EVENT_HEAR_AGAIN_S)

/* The client's stream. */
const char *event_key(struct task *task, struct id client);

#endif
