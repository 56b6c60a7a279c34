/*
 * Other people's names of providers and models, and those of the price list: a call must not go
 * unpriced because OpenTelemetry says gcp.gemini where the list says gemini.
 */
#ifndef APP_INGEST_PROVIDER_H
#define APP_INGEST_PROVIDER_H

#include "app/ingest/record.h"

/* In lower case and as the price list calls it, where it is one that we know; terminated. */
const char *provider_name(struct task *task, struct text said);

/*
 * Sets provider, model and priced_as: the first of the models that has a price at log.created_at,
 * else the first at all. models: NULL where there is none. False when PostgreSQL was asked for the
 * prices and is away.
 */
NODISCARD bool provider_choose_model(struct task *task, struct cache *cache, const char *provider,
    const char *const *models, size_t count, struct record_input *input);

#endif
