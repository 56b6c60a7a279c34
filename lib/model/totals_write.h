/*
 * Sums as the service answers them.
 */
#ifndef LIB_MODEL_TOTALS_WRITE_H
#define LIB_MODEL_TOTALS_WRITE_H

#include "lib/core/totals.h"
#include "lib/json_write.h"

/* Cost, calls and tokens, within an object that is open. */
void totals_write(struct json_out *out, const struct totals *totals);

#endif
