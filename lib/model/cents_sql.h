/*
 * Sums of money in SQL: numeric cents there, int64_t nano-dollars here.
 */
#ifndef LIB_MODEL_CENTS_SQL_H
#define LIB_MODEL_CENTS_SQL_H

#include "lib/base.h"

/*
 * Where a sum ends, as in totals_add(). A cast that fails would make every answer about the day an
 * error, for good, and so would any caller whose records cost enough.
 */
#define SUM_NANOS_MAX "9223372036854775807"

#endif
