/*
 * What an export writes of the audit log on one day, as worker/export_rows.h has it. The nil
 * client's entries are those that operators made.
 */
#ifndef WORKER_EXPORT_AUDIT_H
#define WORKER_EXPORT_AUDIT_H

#include "lib/core/span.h"
#include "lib/row.h"
#include "worker/export_rows.h"

NODISCARD bool export_audit_next(
    struct task *task, const struct zone *zone, int32_t from, bool *ret_any, int32_t *ret_date);
NODISCARD bool export_audit_sum(struct task *task, struct span day, struct export_sums *ret);
/* The oldest first, in CSV behind a head. */
NODISCARD bool export_audit_write(struct task *task, struct span day, enum row_form form,
    struct export_file *file, int64_t *ret_rows);

#endif
