/*
 * What a batch adds to each bucket of a client.
 */
#ifndef APP_INGEST_SUMS_H
#define APP_INGEST_SUMS_H

#include "lib/model/counter.h"

struct sums;

/* Nothing yet; lives as long as the task's arena. */
struct sums *sums_new(struct task *task);
/* Adds to the bucket of this name; the name must live as long as the sums. */
void sums_add(struct sums *sums, const struct counter_sum *more);
struct counter_sums sums_get(const struct sums *sums);

#endif
