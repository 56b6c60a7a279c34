/*
 * Thresholds of a limit, in percent. Pure. The unit is the caller's: nano-dollars, requests or
 * tokens.
 */
#ifndef LIB_CORE_THRESHOLD_H
#define LIB_CORE_THRESHOLD_H

#include "lib/base.h"

/*
 * The least amount that is percent or more of the limit, which is not DECIDE_NO_LIMIT: at least 1,
 * for where nothing was spent nothing was crossed; at most INT64_MAX. Both 0 or more.
 */
int64_t threshold_amount(int64_t limit, int64_t percent);

#endif
