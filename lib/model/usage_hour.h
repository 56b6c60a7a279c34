/*
 * The rollups as a table: a row for each hour of a client's day and each feature, agent type,
 * provider and model.
 */
#ifndef LIB_MODEL_USAGE_HOUR_H
#define LIB_MODEL_USAGE_HOUR_H

#include "lib/model/usage.h"
#include "lib/row.h"

/* By these the usage is grouped. */
extern const enum usage_dimension usage_hour_dimensions[USAGE_KEYS_MAX];

void usage_hour_write(
    struct row *row, struct id client, struct span hour, const struct usage_group *group);

#endif
