/* What is read of the audit log. */
#include <string.h>

#include "lib/clock.h"
#include "lib/csv.h"
#include "lib/model/audit_private.h"
#include "lib/model/chat_log.h"
#include "lib/model/keyset.h"

/* The parameter is NULL, or the column's value. To the planner, which takes equality or NULL for a
 * condition that few rows meet, nearly all meet this: it reads in the order of time and stops. */
#define FITS(parameter, column) "AND num_nonnulls(nullif(" parameter ", " column ")) <> 1\n"

/* A statement for each index that can lead. Ids say when an entry was made. */
#define REST \
	FITS("$4::text", "entity") \
	FITS("$5::text", "entity_id") \
	FITS("$6::text", "action") \
	FITS("$7::uuid", "api_key_id") \
	FITS("$8::uuid", "user_id") \
	"ORDER BY id DESC\n" \
	"LIMIT $9"
#define OF_CLIENT \
	"SELECT " AUDIT_COLUMNS "\n" \
	"FROM audit_log\n" \
	"WHERE client_id = CASE WHEN $1::uuid IS NULL THEN " AUDIT_NIL " ELSE $1 END\n" \
	"AND id < $2 AND id >= $3\n"

static const char list_sql[] = OF_CLIENT REST;
static const char list_by_entity_sql[] = OF_CLIENT "AND entity_id = $5\n" REST;
static const char list_by_key_sql[] = OF_CLIENT "AND api_key_id = $7\n" REST;
static const char list_by_user_sql[] = OF_CLIENT "AND user_id = $8\n" REST;
static const char list_all_sql[] = "SELECT " AUDIT_COLUMNS "\n"
				   "FROM audit_log\n"
				   "WHERE $1::uuid IS NULL AND id < $2 AND id >= $3\n" REST;

const char *const audit_list_statements[] = { list_sql, list_by_entity_sql, list_by_key_sql,
	list_by_user_sql, list_all_sql, NULL };

static const char *
choose(const struct audit_filter *filter)
{
	if (filter->all)
		return list_all_sql;
	if (filter->entity_id != NULL)
		return list_by_entity_sql;
	if (!id_is_nil(filter->user_id))
		return list_by_user_sql;
	return id_is_nil(filter->api_key_id) ? list_sql : list_by_key_sql;
}

static void
read_row(const struct db_rows *rows, int row, struct audit_entry *ret)
{
	*ret = (struct audit_entry){
		.id = db_id(rows, row, 0),
		.client = db_id(rows, row, 1),
		.created_at = db_time(rows, row, 2),
		.action = db_text(rows, row, 3),
		.entity = db_text(rows, row, 4),
		.entity_id = db_text(rows, row, 5),
		.api_key_id = db_id(rows, row, 6),
		.user_id = db_id(rows, row, 7),
		.ip_address = db_text(rows, row, 8),
		.request_id = db_text(rows, row, 9),
		.before = db_bytes(rows, row, 10),
		.after = db_bytes(rows, row, 11),
	};
}

void
audit_read_rows(struct task *task, const struct db_rows *rows, struct audit_entries *ret)
{
	size_t count = (size_t)db_count(rows);
	struct audit_entry *list = arena_array(task->arena, count, sizeof *list);

	for (size_t i = 0; i < count; i++)
		read_row(rows, (int)i, &list[i]);
	*ret = (struct audit_entries){ list, count };
}

/* $2 and $3: to the millisecond. */
static void
add_bounds(struct db_params *params, const struct audit_filter *filter)
{
	struct id below = keyset_below(filter->after), until = chat_log_first_id(filter->until);

	db_add_id(params, id_compare(until, below) < 0 ? until : below);
	db_add_id(params, chat_log_first_id(filter->since - filter->since % 1000));
}

bool
audit_list(struct task *task, const struct audit_filter *filter, struct audit_entries *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, filter->all ? (struct id){ 0 } : filter->client);
	add_bounds(params, filter);
	db_add_text(params, filter->entity);
	db_add_text(params, filter->entity_id);
	db_add_text(params, filter->action);
	db_add_id(params, filter->api_key_id);
	db_add_id(params, filter->user_id);
	db_add_int(params, filter->limit);
	if (!db_query(task, choose(filter), params, &rows))
		return false;
	audit_read_rows(task, rows, ret);
	return true;
}

static void
write_json(struct json_out *out, const char *key, struct text json)
{
	if (json.at == NULL)
		json_null(out, key);
	else
		json_raw(out, key, json);
}

void
audit_write(struct json_out *out, const void *object)
{
	const struct audit_entry *entry = object;

	json_open(out);
	json_id(out, "id", entry->id);
	json_time(out, "created_at", entry->created_at);
	json_id(out, "client_id", entry->client);
	json_text(out, "action", entry->action);
	json_text(out, "entity", entry->entity);
	json_text(out, "entity_id", entry->entity_id);
	json_id(out, "api_key_id", entry->api_key_id);
	json_id(out, "user_id", entry->user_id);
	json_text(out, "ip_address", entry->ip_address);
	json_text(out, "request_id", entry->request_id);
	write_json(out, "before", entry->before);
	write_json(out, "after", entry->after);
	json_close(out);
}

void
audit_csv_head(struct buf *buf)
{
	buf_puts(buf, "id,created_at,client_id,action,entity,entity_id,api_key_id,user_id,"
		      "ip_address,request_id,before,after\r\n");
}

static void
add_id(struct buf *buf, struct id id)
{
	char text[ID_TEXT_SIZE];

	if (!id_is_nil(id))
		buf_puts(buf, id_format(id, text));
	buf_putc(buf, ',');
}

static void
add_text(struct buf *buf, const char *text)
{
	if (text != NULL)
		csv_add(buf, (struct text){ text, strlen(text) });
	buf_putc(buf, ',');
}

void
audit_csv_row(struct buf *buf, const void *object)
{
	const struct audit_entry *entry = object;
	char time[CLOCK_TEXT_SIZE];

	add_id(buf, entry->id);
	add_text(buf, clock_format(entry->created_at, time));
	add_id(buf, entry->client);
	add_text(buf, entry->action);
	add_text(buf, entry->entity);
	add_text(buf, entry->entity_id);
	add_id(buf, entry->api_key_id);
	add_id(buf, entry->user_id);
	add_text(buf, entry->ip_address);
	add_text(buf, entry->request_id);
	if (entry->before.at != NULL)
		csv_add(buf, entry->before);
	buf_putc(buf, ',');
	if (entry->after.at != NULL)
		csv_add(buf, entry->after);
	buf_puts(buf, "\r\n");
}
