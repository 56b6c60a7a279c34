/*
 * Histograms of durations in slots that are the same for everybody, so that two can be added: one
 * for each millisecond below 16, then eight to each power of two. A value stands for those of its
 * slot with an error of at most 1/16. Pure.
 */
#ifndef LIB_CORE_HISTOGRAM_H
#define LIB_CORE_HISTOGRAM_H

#include "lib/base.h"

/* Up to 2^31 ms, about 25 days; what lasts longer counts in the last slot. */
#define HISTOGRAM_SLOTS 232

struct histogram {
	int64_t calls[HISTOGRAM_SLOTS];
	int64_t total;
};

/* The least duration of a slot, in milliseconds. */
int64_t histogram_bound(size_t slot);
/* In which slot a duration, not negative, falls. */
size_t histogram_slot(int64_t ms);
/* A slot beyond the last counts in the last; a sum beyond INT64_MAX stays there. */
void histogram_add(struct histogram *histogram, size_t slot, int64_t calls);
/*
 * The duration that this share of the calls did not exceed, in milliseconds: the middle of the slot
 * in which the one of rank ceil(share * total) lies. -1 where there are none. permille: 1 to 1000.
 */
int64_t histogram_quantile(const struct histogram *histogram, int permille);

#endif
