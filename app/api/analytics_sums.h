/*
 * What answers about usage have in common: the sums of a group.
 */
#ifndef APP_API_ANALYTICS_SUMS_H
#define APP_API_ANALYTICS_SUMS_H

#include "lib/json_write.h"
#include "lib/model/usage.h"

/* The members of a group, in the order of enum usage_dimension. */
extern const char *const analytics_key_names[USAGE_DIMENSIONS];

/* Cost, calls, tokens, success rate and durations, within an object that is open. */
void analytics_write_sums(struct json_out *out, const struct usage_group *group);
/* In percent; null where there are no calls. */
void analytics_write_success_rate(struct json_out *out, const struct totals *totals);

#endif
