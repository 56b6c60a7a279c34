/*
 * Between the files of the billing: days that may have to be read again.
 */
#ifndef LIB_MODEL_BILLING_PRIVATE_H
#define LIB_MODEL_BILLING_PRIVATE_H

#include "lib/model/billing.h"

/* Where the client begins, and in the first column the days that daily_costs may not have yet. */
NODISCARD bool billing_read_first(struct task *task, const struct zone *zone,
    struct billing_days *ret, struct db_rows **ret_stale);
/* The days of which there is room, from days->since on. */
NODISCARD bool billing_read_days(struct task *task, const struct zone *zone, const char *timezone,
    const struct db_rows *stale, struct billing_days *days);

#endif
