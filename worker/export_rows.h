/*
 * What an export writes of a client's day, and what tells whether that has changed. All in one
 * transaction of one snapshot.
 */
#ifndef WORKER_EXPORT_ROWS_H
#define WORKER_EXPORT_ROWS_H

#include "worker/export_book.h"
#include "worker/tenants.h"

/* The first date from this one on that may have rows. *ret_any false: there is none. */
NODISCARD bool export_rows_next(struct task *task, const struct tenant *tenant,
    enum export_what what, int32_t from, bool *ret_any, int32_t *ret_date);

struct export_source {
	struct export_sums sums;
	bool gone; /* records: the log may have lost some of this day */
	int64_t calls_booked; /* records: what daily_costs says of the day */
};
NODISCARD bool export_rows_sum(struct task *task, const struct tenant *tenant,
    enum export_what what, int32_t date, struct export_source *ret);

/* What was written into the file. */
struct export_written {
	int64_t rows;
	int64_t cost_nanos;
};
NODISCARD bool export_rows_write(struct task *task, const struct tenant *tenant,
    const struct export_form *form, int32_t date, struct export_file *file,
    struct export_written *ret);

#endif
