/*
 * Reading /v1/audit-log: by page in JSON, CSV or NDJSON.
 */
#ifndef APP_API_AUDIT_H
#define APP_API_AUDIT_H

#include "app/request.h"
#include "lib/json_read.h"

/* A page in CSV or NDJSON may be longer than one in JSON; it ends early at so many bytes. */
#define AUDIT_EXPORT_ROWS_MAX 10000
#define AUDIT_EXPORT_BYTES_MAX (8 << 20)

extern const struct json_field audit_list_fields[10];

bool audit_entries_list(struct request *req, struct reply *reply);

#endif
