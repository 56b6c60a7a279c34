/*
 * LiteLLM's StandardLoggingPayload (litellm/types/utils.py) as a record of the log.
 */
#ifndef APP_INGEST_LITELLM_H
#define APP_INGEST_LITELLM_H

#include "app/ingest/record.h"

/* Characters of a payload's id; those of LiteLLM's responses API are long. */
#define LITELLM_ID_MAX 1024

/* ERR_SYNTAX, ERR_INVALID with all that is wrong. The record's id follows from the client, the
 * payload's id and its startTime. Neither messages nor the response are kept. */
NODISCARD bool litellm_make_record(struct task *task, struct cache *cache,
    const struct identity *identity, struct text json, struct record *ret);

#endif
