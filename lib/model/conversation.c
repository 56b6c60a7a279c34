#include "lib/model/conversation.h"

/* A deleted user's row is still there for the foreign key, so the living are asked for. */
static const char user_sql[] = "SELECT id\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL";

static const char session_sql[] = "SELECT user_id\n"
				  "FROM sessions\n"
				  "WHERE client_id = $1 AND id = $2";

const char *const conversation_statements[] = { user_sql, session_sql, NULL };

const char *const conversation_status_names[] = {
	[CONVERSATION_ACTIVE] = "active",
	[CONVERSATION_ENDED] = "ended",
	NULL,
};

#define AT(member) offsetof(struct conversation, member)

/* The least id of a time. An id is made shortly before its row: of those near a bound the row's own
 * time decides. */
#define ID_AT(time) \
	"(lpad(to_hex((extract(epoch FROM " time ") * 1000)::bigint), 12, '0') " \
	"|| repeat('0', 20))::uuid"

static const struct resource_field fields[] = {
	{ { .name = "user_id", .type = JSON_ID, .offset = AT(user) },
	    .use = RESOURCE_ADD | RESOURCE_FILTER,
	    .absent = "The session's where not given, or nobody." },
	{ { .name = "session_id", .type = JSON_ID, .offset = AT(session) },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "title",
	      .type = JSON_TEXT,
	      .offset = AT(title),
	      .max = CONVERSATION_TITLE_MAX },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE, .absent = "Empty where not given." },
	{ { .name = "status",
	      .type = JSON_CHOICE,
	      .offset = AT(status),
	      .choices = conversation_status_names },
	    .use = RESOURCE_OWN | RESOURCE_FILTER },
	{ { .name = "current_version", .type = JSON_INT, .offset = AT(current_version) },
	    .use = 0 },
	{ { .name = "message_count", .type = JSON_INT, .offset = AT(message_count) },
	    .use = RESOURCE_COUNTED },
	{ { .name = "token_count", .type = JSON_INT, .offset = AT(token_count) },
	    .use = RESOURCE_COUNTED },
	{ { .name = "last_message_at", .type = JSON_TIME, .offset = AT(last_message_at) },
	    .use = RESOURCE_COUNTED },
	{ { .name = "ended_at", .type = JSON_TIME, .offset = AT(ended_at) }, .use = RESOURCE_OWN },
	{ { .name = "since",
	      .type = JSON_TIME,
	      .offset = AT(since),
	      .about = "Those that began then or later." },
	    .use = RESOURCE_FILTER | RESOURCE_UNKEPT | RESOURCE_UNSHOWN,
	    .filter = "created_at >= ? AND id >= " ID_AT("? - interval '1 hour'") },
	{ { .name = "until",
	      .type = JSON_TIME,
	      .offset = AT(until),
	      .about = "Those that began before." },
	    .use = RESOURCE_FILTER | RESOURCE_UNKEPT | RESOURCE_UNSHOWN,
	    .filter = "created_at < ? AND id < " ID_AT("? + interval '1 hour'") },
};

static bool
check_session(struct task *task, struct conversation *conversation)
{
	struct db_rows *rows;

	if (id_is_nil(conversation->session))
		return true;
	if (!db_query(task, session_sql, db_params_of(task, conversation->session), &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail_field(task, "session_id", "names no session of this client");
	if (id_is_nil(conversation->user))
		conversation->user = db_id(rows, 0, 0);
	return id_equal(conversation->user, db_id(rows, 0, 0)) ||
	       task_fail_field(task, "session_id", "must be a session of the user");
}

static bool
check_user(struct task *task, struct id user)
{
	struct db_rows *rows;

	if (id_is_nil(user))
		return true;
	if (!db_query(task, user_sql, db_params_of(task, user), &rows))
		return false;
	return db_count(rows) == 1 ||
	       task_fail_field(task, "user_id", "must be the id of a living user");
}

static bool
check(struct task *task, const void *before, void *after)
{
	struct conversation *conversation = after;

	struct id given = conversation->user;

	if (before != NULL)
		return true;
	if (!check_user(task, given) || !check_session(task, conversation))
		return false;
	return id_equal(conversation->user, given) || check_user(task, conversation->user);
}

bool
conversation_end(struct task *task, struct id id, struct conversation *ret)
{
	struct conversation before;

	if (!resource_find_to_change(task, &conversation_resource, id, NULL, &before))
		return false;
	*ret = before;
	if (before.status == CONVERSATION_ACTIVE) {
		ret->status = CONVERSATION_ENDED;
		ret->ended_at = task->now;
	}
	return resource_change(task, &conversation_resource, "end", &before, ret);
}

static struct resource_statements statements;

static const struct resource_taken taken[] = {
	{ "conversations_client_id_user_id_fkey", "user_id", "must be the id of a living user" },
	{ "conversations_client_id_session_id_fkey", "session_id",
	    "names no session of this client" },
};

const struct resource conversation_resource = {
	.table = "conversations",
	.one = "conversation",
	.size = sizeof(struct conversation),
	.defaults = &(const struct conversation){ .title = "", .current_version = RESOURCE_NONE },
	.fields = fields,
	.count = COUNT(fields),
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.stays = true,
	.quiet = true,
	.check = check,
};
