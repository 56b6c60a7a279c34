#include "lib/model/version.h"

#include "lib/model/conversation.h"

#define COLUMNS "id, version, description, size_bytes, created_at"

/* libpq holds a message whole until it is sent. So html goes to the server part by part, and is
 * kept there in settings of the transaction until the statement that puts them together. */
#define PART "'app.version_part_' || "
static const char part_sql[] = "SELECT set_config(" PART "$1::bigint, $2, true) IS NULL";

/* The row of the conversation is locked until the end of the transaction: nobody else gets a number
 * before, and one that is not stored is given again. */
static const char add_sql[] =
    "WITH numbered AS (\n"
    "UPDATE conversations\n"
    "SET current_version = next_version, next_version = next_version + 1\n"
    "WHERE client_id = $1 AND id = $2 AND status = 'active'\n"
    "RETURNING user_id, current_version)\n"
    "INSERT INTO versions (client_id, id, conversation_id, version, user_id, html, description)\n"
    "SELECT $1, $3, $2, current_version, user_id,\n"
    "(SELECT string_agg(current_setting(" PART "part), '')\n"
    "FROM (SELECT * FROM generate_series(1, $4::bigint) AS part ORDER BY part) AS parts), $5\n"
    "FROM numbered\n"
    "RETURNING " COLUMNS;

static const char find_sql[] = "SELECT " COLUMNS "\n"
			       "FROM versions\n"
			       "WHERE client_id = $1 AND conversation_id = $2 AND version = $3";

static const char list_sql[] =
    "SELECT " COLUMNS "\n"
    "FROM versions\n"
    "WHERE client_id = $1 AND conversation_id = $2\n"
    "AND version < CASE WHEN $3::uuid IS NULL THEN 9223372036854775807\n"
    "ELSE (SELECT version FROM versions WHERE client_id = $1 AND id = $3) END\n"
    "ORDER BY version DESC\n"
    "LIMIT $4";

static const char set_sql[] = "UPDATE conversations\n"
			      "SET current_version = $3\n"
			      "WHERE client_id = $1 AND id = $2 AND current_version <> $3";

/* Unpacked once, for all its parts. By bytes, which need not be counted from the beginning. */
static const char read_sql[] =
    "WITH whole AS MATERIALIZED (\n"
    "SELECT convert_to(html, 'UTF8') AS html, (size_bytes - 1) / $4::integer AS last_part\n"
    "FROM versions\n"
    "WHERE client_id = $1 AND conversation_id = $2 AND version = $3)\n"
    "SELECT substr(w.html, part * $4::integer + 1, $4::integer), part, part = w.last_part\n"
    "FROM whole AS w\n"
    "CROSS JOIN LATERAL generate_series(0, w.last_part) AS part";

const char *const version_statements[] = { part_sql, add_sql, find_sql, list_sql, set_sql, read_sql,
	NULL };

static struct version
read_row(const struct db_rows *rows, int row, struct id conversation, int64_t current)
{
	return (struct version){
		.id = db_id(rows, row, 0),
		.conversation = conversation,
		.number = db_int(rows, row, 1),
		.description = db_text(rows, row, 2),
		.size_bytes = db_int(rows, row, 3),
		.created_at = db_time(rows, row, 4),
		.current = db_int(rows, row, 1) == current,
	};
}

static bool
find_conversation(struct task *task, struct id id, struct conversation *ret)
{
	*ret = (struct conversation){ 0 };
	return resource_find(task, &conversation_resource, id, ret);
}

/* A part that ends where a character ends. */
static struct text
cut_part(struct text *rest)
{
	size_t len = rest->len;
	struct text part;

	if (len > VERSION_PART_SIZE)
		for (len = VERSION_PART_SIZE; ((unsigned char)rest->at[len] & 0xc0) == 0x80;)
			len--;
	part = (struct text){ rest->at, len };
	rest->at += len;
	rest->len -= len;
	return part;
}

static bool
send_html(struct task *task, struct text html, int64_t *ret_parts)
{
	int64_t parts = 0;

	while (html.len > 0) {
		struct db_params *params = db_params(task);

		db_add_int(params, ++parts);
		db_add_text_n(params, cut_part(&html));
		if (!db_query(task, part_sql, params, NULL))
			return false;
	}
	*ret_parts = parts;
	return true;
}

bool
version_add(struct task *task, struct id conversation, const struct version_input *input,
    struct version *ret)
{
	struct db_params *params = db_params_of(task, conversation);
	struct conversation found;
	struct db_rows *rows;
	int64_t parts;

	if (!send_html(task, input->html, &parts))
		return false;
	db_add_id(params, id_new(task->now));
	db_add_int(params, parts);
	db_add_text(params, input->description);
	if (!db_query(task, add_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return find_conversation(task, conversation, &found) &&
		       task_fail(task, ERR_CONFLICT, "The conversation has ended.");
	*ret = read_row(rows, 0, conversation, db_int(rows, 0, 1));
	return true;
}

bool
version_find(struct task *task, struct id id, int64_t number, struct version *ret)
{
	struct db_params *params = db_params_of(task, id);
	struct conversation conversation;
	struct db_rows *rows;

	if (!find_conversation(task, id, &conversation))
		return false;
	db_add_int(params, number);
	if (!db_query_one(task, find_sql, params, &rows))
		return false;
	*ret = read_row(rows, 0, id, conversation.current_version);
	return true;
}

bool
version_list(struct task *task, struct id id, struct id after, int64_t limit, struct versions *ret)
{
	struct db_params *params = db_params_of(task, id);
	struct conversation conversation;
	struct version *versions;
	struct db_rows *rows;

	if (!find_conversation(task, id, &conversation))
		return false;
	db_add_id(params, after);
	db_add_int(params, limit);
	if (!db_query(task, list_sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	versions = arena_array(task->arena, ret->count, sizeof(*versions));
	for (size_t i = 0; i < ret->count; i++)
		versions[i] = read_row(rows, (int)i, id, conversation.current_version);
	ret->at = versions;
	return true;
}

bool
version_set_current(struct task *task, struct id id, int64_t number, struct version *ret)
{
	struct db_params *params = db_params_of(task, id);

	if (!version_find(task, id, number, ret))
		return false;
	db_add_int(params, number);
	ret->current = true;
	return db_query(task, set_sql, params, NULL);
}

bool
version_open(struct task *task, const struct version *version, struct version_reader *ret)
{
	struct db_params *params = db_params_of(task, version->conversation);

	db_add_int(params, version->number);
	db_add_int(params, VERSION_PART_SIZE);
	ret->parts = 0;
	return db_cursor_open(task, read_sql, params, &ret->cursor);
}

bool
version_read(struct task *task, struct version_reader *reader, struct text *ret, bool *ret_last)
{
	struct db_rows *rows;

	if (!db_cursor_next(task, reader->cursor, 1, &rows))
		return false;
	if (db_count(rows) == 0 || db_int(rows, 0, 1) != reader->parts)
		return task_fail(task, ERR_NOT_FOUND, "The version has gone.");
	reader->parts++;
	*ret = db_bytes(rows, 0, 0);
	*ret_last = db_bool(rows, 0, 2);
	return true;
}

void
version_write_members(struct json_out *out, const struct version *version)
{
	json_id(out, "id", version->id);
	json_id(out, "conversation_id", version->conversation);
	json_int(out, "version", version->number);
	json_text(out, "description", version->description);
	json_int(out, "size_bytes", version->size_bytes);
	json_bool(out, "current", version->current);
	json_time(out, "created_at", version->created_at);
}

void
version_write(struct json_out *out, const void *object)
{
	json_open(out);
	version_write_members(out, object);
	json_close(out);
}
