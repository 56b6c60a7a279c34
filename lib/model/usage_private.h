/*
 * Between the files of the usage: how the time of a question is divided.
 */
#ifndef LIB_MODEL_USAGE_PRIVATE_H
#define LIB_MODEL_USAGE_PRIVATE_H

#include "lib/model/usage.h"

struct usage_changed {
	struct span *at;
	size_t count;
	int64_t whole_from; /* before this the log may have lost records: it is not asked */
	int64_t days_until; /* there are rows by day of the client's zone up to then */
};

/* Leaves what lies in the range: tidy, of whole quarter-hours. */
void usage_clip(struct usage_changed *changed, struct span range);

struct usage_part {
	enum usage_grain grain;
	struct span span;
};

struct usage_parts {
	struct usage_part *at;
	size_t count, room;
};

/* What has not changed, in parts of the coarsest grain that fits the buckets. */
void usage_divide(struct task *task, const struct usage_query *query,
    const struct usage_changed *changed, struct usage_parts *ret);

#endif
