#include "lib/model/conversation_erase.h"

#include "lib/model/audit.h"
#include "lib/model/conversation.h"

/* $1 the client, $2 the conversation; of messages $3, before which there is none. */
static const char messages_sql[] =
    "DELETE FROM messages "
    "WHERE client_id = $1 AND conversation_id = $2 AND created_at >= $3";
static const char versions_sql[] = "DELETE FROM versions "
				   "WHERE client_id = $1 AND conversation_id = $2";
static const char conversations_sql[] = "DELETE FROM conversations "
					"WHERE client_id = $1 AND id = $2 AND created_at >= $3";

const char *const conversation_erase_statements[] = { messages_sql, versions_sql, conversations_sql,
	NULL };

/* In the order in which they are emptied. */
static const struct {
	const char *name;
	const char *sql;
} tables[] = {
	{ "messages", messages_sql },
	{ "versions", versions_sql },
	{ "conversations", conversations_sql },
};

_Static_assert(COUNT(tables) <= CONVERSATION_TABLES_MAX, "each has its number in a receipt");

static bool
remove_all(struct task *task, const struct conversation *conversation,
    struct conversation_receipt *receipt)
{
	struct db_params *params = db_params(task);
	struct db_step steps[COUNT(tables)];
	struct db_rows *rows[COUNT(tables)];

	db_add_id(params, task->client);
	db_add_id(params, conversation->head.id);
	db_add_time(params, conversation->head.created_at);
	for (size_t i = 0; i < COUNT(tables); i++)
		steps[i] = (struct db_step){ tables[i].sql, params };
	if (!db_pipeline(task, steps, COUNT(tables), rows))
		return false;
	for (size_t i = 0; i < COUNT(tables); i++)
		receipt->removed[i] = db_changed(rows[i]);
	return true;
}

bool
conversation_erase(struct task *task, struct id id, struct conversation_receipt *ret)
{
	struct conversation_receipt receipt = { .conversation = id, .erased_at = task->now };
	struct conversation conversation;

	if (!resource_find_to_change(task, &conversation_resource, id, NULL, &conversation) ||
	    !remove_all(task, &conversation, &receipt))
		return false;
	*ret = receipt;
	return audit_add(task, "erase", "conversations", id, (struct text){ 0 },
	    audit_json(task, conversation_write_receipt, &receipt));
}

void
conversation_write_receipt(struct json_out *out, const void *receipt)
{
	const struct conversation_receipt *written = receipt;

	json_open(out);
	json_id(out, "conversation_id", written->conversation);
	json_time(out, "erased_at", written->erased_at);
	json_open_at(out, "removed");
	for (size_t i = 0; i < COUNT(tables); i++)
		json_int(out, tables[i].name, written->removed[i]);
	json_close(out);
	json_close(out);
}
