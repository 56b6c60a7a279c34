/*
 * The hours or days of a zone that an answer is divided into.
 */
#ifndef APP_API_ANALYTICS_BUCKETS_H
#define APP_API_ANALYTICS_BUCKETS_H

#include "lib/core/span.h"
#include "lib/zone.h"

enum analytics_bucket { ANALYTICS_HOUR, ANALYTICS_DAY };
extern const char *const analytics_bucket_names[]; /* NULL behind the last */

/*
 * Those that the range touches, in order and without a gap. An hour begins where the clock of the
 * zone shows one; next to a change of the clock by less than an hour it may be shorter. False: more
 * than ANALYTICS_BUCKETS_MAX.
 */
NODISCARD bool analytics_find_buckets(struct task *task, enum analytics_bucket kind,
    const struct zone *zone, struct span range, const struct span **ret, size_t *ret_count);

#endif
