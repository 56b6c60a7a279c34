/*
 * Conversations beyond what follows from their table.
 */
#ifndef APP_API_CONVERSATIONS_H
#define APP_API_CONVERSATIONS_H

#include "app/request.h"

/* A key that is bound to a user adds conversations of that user only. */
void conversations_fill(struct request *req, void *object);
bool conversations_end(struct request *req, struct reply *reply);
bool conversations_erase(struct request *req, struct reply *reply);

#endif
