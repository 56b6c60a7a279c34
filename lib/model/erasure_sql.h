/*
 * What the statements of erasures and exports are made of. $1 is the client, $2 the user, $3 how
 * many rows at most, or of an export the columns that are not shown.
 */
#ifndef LIB_MODEL_ERASURE_SQL_H
#define LIB_MODEL_ERASURE_SQL_H

#include "lib/model/erasure_tables.h"

#define OF_USER "client_id = $1 AND user_id = $2"
#define SESSIONS "SELECT id FROM sessions WHERE " OF_USER
#define KEYS "SELECT id FROM auth_tokens WHERE " OF_USER
#define IDS "SELECT $2::uuid UNION ALL " SESSIONS " UNION ALL " KEYS
/* Whether a text holds the id of the person or of something of theirs. */
#define NAMES(text) \
	"EXISTS (SELECT FROM (" IDS ") AS i (id) WHERE position(i.id::text IN " text ") > 0)"

#define DELETE_SOME(table, condition) \
	"DELETE FROM " table " WHERE client_id = $1 AND ctid = ANY (ARRAY(SELECT ctid FROM " table \
	" WHERE " condition " LIMIT $3))"

/* In the order of ids, which is that of time, so that few partitions are looked into. */
#define UPDATE_SOME(table, condition, changes) \
	"WITH picked AS MATERIALIZED (SELECT id, created_at FROM " table " WHERE " condition \
	" ORDER BY id LIMIT $3) " \
	"UPDATE " table " SET " changes " WHERE client_id = $1 " \
	"AND id = ANY (ARRAY(SELECT id FROM picked)) " \
	"AND created_at >= (SELECT min(created_at) FROM picked) " \
	"AND created_at <= (SELECT max(created_at) FROM picked)"

#define FIND(table, condition) \
	"SELECT (to_jsonb(t) - $3::text[])::text FROM (SELECT * FROM " table " WHERE " condition \
	") AS t"

/* The rows of what calls are made for, which come before those of the calls. */
extern const struct erasure_table erasure_work[];
extern const size_t erasure_work_count;

#endif
