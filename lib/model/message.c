#include "lib/model/message.h"

#include <string.h>

#include "lib/model/conversation.h"
#include "lib/model/message_fit.h"

/*
 * The row of the conversation is locked by the change, so that the next number is taken by one at a
 * time; who waited for it sees what the other left.
 */
static const char add_sql[] =
    "WITH counted AS ("
    "UPDATE conversations "
    "SET message_count = message_count + 1, "
    "token_count = token_count + $6, "
    "last_message_at = greatest(last_message_at, created_at, clock_timestamp()) "
    "WHERE client_id = $1 AND id = $2 AND status = 'active' "
    "RETURNING client_id, id, user_id, message_count, last_message_at) "
    "INSERT INTO messages "
    "(client_id, id, created_at, conversation_id, ordinal, user_id, role, content, tokens, "
    "metadata) "
    "SELECT client_id, $3::uuid, last_message_at, id, message_count, user_id, $4::text, $5::text, "
    "$6::bigint, $7::text::jsonb "
    "FROM counted "
    "RETURNING ordinal, created_at";

/* No message is older than its conversation: no partition of before is looked into. */
#define OF_CONVERSATION "WHERE client_id = $1 AND conversation_id = $2 AND created_at >= $3 "
#define SIZES "SELECT ordinal, tokens, octet_length(content) FROM messages " OF_CONVERSATION

static const char behind_sql[] = SIZES "AND ordinal > $4 "
				       "ORDER BY ordinal "
				       "LIMIT $5";
static const char pinned_sql[] = SIZES "AND role = 'system' "
				       "ORDER BY ordinal DESC "
				       "LIMIT $4";
static const char newest_sql[] = SIZES "AND role <> 'system' "
				       "ORDER BY ordinal DESC "
				       "LIMIT $4";

#define ROWS \
	"SELECT id, ordinal, role, content, tokens, metadata::text, created_at " \
	"FROM messages " OF_CONVERSATION

static const char list_sql[] = ROWS "AND ordinal >= $4 AND ordinal <= $5 "
				    "ORDER BY ordinal";
static const char recent_sql[] =
    ROWS "AND role = 'system' AND ordinal >= $4 AND ordinal <= $5 "
	 "UNION ALL " ROWS "AND role <> 'system' AND ordinal >= $6 AND ordinal <= $7 "
	 "ORDER BY ordinal";

const char *const message_statements[] = { add_sql, behind_sql, pinned_sql, newest_sql, list_sql,
	recent_sql, NULL };

const char *const message_role_names[] = {
	[MESSAGE_SYSTEM] = "system",
	[MESSAGE_USER] = "user",
	[MESSAGE_ASSISTANT] = "assistant",
	[MESSAGE_TOOL] = "tool",
	NULL,
};

_Static_assert(MESSAGE_CONTENT_MAX <= MESSAGES_BYTES_MAX, "each message fits an answer");

/* Why nothing was added. Always false. */
static bool
explain(struct task *task, struct id conversation)
{
	struct conversation found;

	return resource_find(task, &conversation_resource, conversation, &found) &&
	       task_fail(task, ERR_CONFLICT, "The conversation has ended.");
}

bool
message_add(struct task *task, struct message *message)
{
	struct db_params *params = db_params(task);
	struct id id = id_new(task->now);
	struct db_rows *rows;

	if (strlen(message->content) > MESSAGE_CONTENT_MAX)
		return task_fail_field(task, "content", "must be at most 1048576 bytes");
	db_add_id(params, task->client);
	db_add_id(params, message->conversation);
	db_add_id(params, id);
	db_add_text(params, message_role_names[message->role]);
	db_add_text(params, message->content);
	db_add_int(params, message->tokens);
	db_add_text_n(params, message->metadata);
	if (!db_query(task, add_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return explain(task, message->conversation);
	message->id = id;
	message->ordinal = db_int(rows, 0, 0);
	message->created_at = db_time(rows, 0, 1);
	return true;
}

static struct db_params *
key(struct task *task, const struct conversation *conversation)
{
	struct db_params *params = db_params(task);

	db_add_id(params, task->client);
	db_add_id(params, conversation->head.id);
	db_add_time(params, conversation->head.created_at);
	return params;
}

static const struct message_size *
read_sizes(struct task *task, const struct db_rows *rows)
{
	struct message_size *sizes =
	    arena_array(task->arena, (size_t)db_count(rows), sizeof *sizes);

	for (int i = 0; i < db_count(rows); i++)
		sizes[i] = (struct message_size){ db_int(rows, i, 0), db_int(rows, i, 1),
			db_int(rows, i, 2) };
	return sizes;
}

static int
find_role(const char *name)
{
	int role = MESSAGE_SYSTEM;

	while (strcmp(message_role_names[role], name) != 0)
		role++;
	return role;
}

static bool
read_rows(struct task *task, struct id conversation, const char *sql,
    const struct db_params *params, struct messages *ret)
{
	struct message *list;
	struct db_rows *rows;

	if (!db_query(task, sql, params, &rows))
		return false;
	ret->count = (size_t)db_count(rows);
	ret->at = list = arena_array(task->arena, ret->count, sizeof *list);
	for (int i = 0; i < db_count(rows); i++) {
		list[i] = (struct message){
			.id = db_id(rows, i, 0),
			.conversation = conversation,
			.ordinal = db_int(rows, i, 1),
			.role = find_role(db_text(rows, i, 2)),
			.content = db_text(rows, i, 3),
			.tokens = db_int(rows, i, 4),
			.metadata = db_bytes(rows, i, 5),
			.created_at = db_time(rows, i, 6),
		};
		ret->tokens += list[i].tokens;
	}
	return true;
}

bool
message_list(
    struct task *task, struct id conversation, int64_t after, int64_t limit, struct messages *ret)
{
	struct message_room room = { limit, MESSAGES_BYTES_MAX, INT64_MAX };
	struct conversation found;
	const struct message_size *sizes;
	struct db_params *params;
	struct db_rows *rows;
	size_t shown;

	if (!resource_find(task, &conversation_resource, conversation, &found))
		return false;
	params = key(task, &found);
	db_add_int(params, after);
	db_add_int(params, limit + 1);
	if (!db_query(task, behind_sql, params, &rows))
		return false;
	sizes = read_sizes(task, rows);
	shown = message_fit(sizes, (size_t)db_count(rows), &room);
	*ret = (struct messages){ .more = shown < (size_t)db_count(rows) };
	if (shown == 0)
		return true;
	params = key(task, &found);
	db_add_int(params, sizes[0].ordinal);
	ret->last = sizes[shown - 1].ordinal;
	db_add_int(params, ret->last);
	return read_rows(task, conversation, list_sql, params, ret);
}

/* Takes the newest that fit the room; adds the bounds of what was taken as two parameters. */
static bool
take_newest(struct task *task, const struct conversation *conversation, const char *sql,
    struct message_room *room, struct db_params *bounds, bool *ret_more)
{
	struct db_params *params = key(task, conversation);
	const struct message_size *sizes;
	struct db_rows *rows;
	size_t taken;

	db_add_int(params, MESSAGES_MAX + 1);
	if (!db_query(task, sql, params, &rows))
		return false;
	sizes = read_sizes(task, rows);
	taken = message_fit(sizes, (size_t)db_count(rows), room);
	*ret_more = *ret_more || taken < (size_t)db_count(rows);
	db_add_int(bounds, taken == 0 ? 1 : sizes[taken - 1].ordinal);
	db_add_int(bounds, taken == 0 ? 0 : sizes[0].ordinal);
	return true;
}

bool
message_recent(struct task *task, struct id conversation, int64_t tokens, struct messages *ret)
{
	struct message_room room = { MESSAGES_MAX, MESSAGES_BYTES_MAX, INT64_MAX };
	struct messages recent = { 0 };
	struct conversation found;
	struct db_params *bounds;

	if (!resource_find(task, &conversation_resource, conversation, &found))
		return false;
	bounds = key(task, &found);
	if (!take_newest(task, &found, pinned_sql, &room, bounds, &recent.more))
		return false;
	room.tokens = tokens - (INT64_MAX - room.tokens);
	if (!take_newest(task, &found, newest_sql, &room, bounds, &recent.more))
		return false;
	*ret = recent;
	return read_rows(task, conversation, recent_sql, bounds, ret);
}

void
message_write(struct json_out *out, const void *object)
{
	const struct message *message = object;

	json_open(out);
	json_id(out, "id", message->id);
	json_id(out, "conversation_id", message->conversation);
	json_int(out, "ordinal", message->ordinal);
	json_text(out, "role", message_role_names[message->role]);
	if (message->content != NULL) {
		json_text(out, "content", message->content);
		if (message->metadata.at != NULL)
			json_packed(out, "metadata", message->metadata);
		else
			json_null(out, "metadata");
	}
	json_int(out, "tokens", message->tokens);
	json_time(out, "created_at", message->created_at);
	json_close(out);
}
