/*
 * Pages of rows by descending id: each begins below the last id of the page before.
 */
#ifndef LIB_MODEL_KEYSET_H
#define LIB_MODEL_KEYSET_H

#include "lib/id.h"

/* The bound of "id < $n": after itself, or above every id where after is nil (the first page). */
struct id keyset_below(struct id after);

#endif
