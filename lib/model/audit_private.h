/*
 * Between the files that read the audit log.
 */
#ifndef LIB_MODEL_AUDIT_PRIVATE_H
#define LIB_MODEL_AUDIT_PRIVATE_H

#include "lib/model/audit.h"

#define AUDIT_NIL "'00000000-0000-0000-0000-000000000000'::uuid"
#define AUDIT_COLUMNS \
	"id, nullif(client_id, " AUDIT_NIL "), created_at, action, " \
	"entity, entity_id, api_key_id, user_id, host(ip_address), request_id, before::text, " \
	"after::text"

/* Rows of these columns. */
void audit_read_rows(struct task *task, const struct db_rows *rows, struct audit_entries *ret);

#endif
