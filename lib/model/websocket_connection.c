#include "lib/model/websocket_connection.h"

#include <string.h>

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/model/event_read.h"

/* A deleted user's row is still there for the foreign key, so the living are asked for. */
static const char user_sql[] = "SELECT id\n"
			       "FROM users\n"
			       "WHERE client_id = $1 AND id = $2 AND deleted_at IS NULL";

static const char silent_sql[] = "UPDATE websocket_connections\n"
				 "SET connection_status = 'disconnected', disconnected_at = $2\n"
				 "WHERE client_id = $1 AND connection_status = 'active'\n"
				 "AND last_ping_at < $3";

static const char old_sql[] = "DELETE FROM websocket_connections\n"
			      "WHERE client_id = $1 AND connection_status = 'disconnected'\n"
			      "AND disconnected_at < $2";

static const char due_sql[] = "SELECT count(*)\n"
			      "FROM websocket_connections\n"
			      "WHERE client_id = $1\n"
			      "AND (connection_status = 'active' AND last_ping_at < $2\n"
			      "OR connection_status = 'disconnected' AND disconnected_at < $3)";

const char *const websocket_connection_statements[] = { user_sql, NULL };
const char *const websocket_reap_statements[] = { silent_sql, old_sql, due_sql, NULL };

const char *const websocket_status_names[] = {
	[WEBSOCKET_ACTIVE] = "active",
	[WEBSOCKET_DISCONNECTED] = "disconnected",
	NULL,
};

#define AT(member) offsetof(struct websocket_connection, member)

static const struct resource_field fields[] = {
	{ { .name = "user_id", .type = JSON_ID, .offset = AT(user), .required = true },
	    .use = RESOURCE_ADD | RESOURCE_FILTER },
	{ { .name = "connection_id",
	      .type = JSON_TEXT,
	      .offset = AT(connection_id),
	      .required = true,
	      .min = 1,
	      .max = WEBSOCKET_ID_MAX,
	      .about = "The gateway's name for it." },
	    .use = RESOURCE_ADD },
	{ { .name = "client_ip",
	      .type = JSON_TEXT,
	      .offset = AT(client_ip),
	      .min = 2,
	      .max = ADDRESS_TEXT_SIZE - 1,
	      .about = "IPv4 or IPv6." },
	    .use = RESOURCE_ADD, .into = "?::inet", .from = "host(?)" },
	{ { .name = "user_agent",
	      .type = JSON_TEXT,
	      .offset = AT(user_agent),
	      .max = WEBSOCKET_AGENT_MAX },
	    .use = RESOURCE_ADD },
	{ { .name = "client_type",
	      .type = JSON_TEXT,
	      .offset = AT(client_type),
	      .required = true,
	      .min = 1,
	      .max = WEBSOCKET_TYPE_MAX,
	      .about = "What connects: a browser, a terminal." },
	    .use = RESOURCE_ADD },
	{ { .name = "subscribed_events",
	      .type = JSON_TEXTS,
	      .offset = AT(subscribed_events),
	      .min = 1,
	      .max = EVENT_TYPES,
	      .max_item = 40,
	      .about = "Types as GET /v1/events has them." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE, .absent = "All where not given." },
	{ { .name = "session_filters",
	      .type = JSON_TEXTS,
	      .offset = AT(session_filters),
	      .min = 1,
	      .max = WEBSOCKET_FILTERS_MAX,
	      .max_item = ID_TEXT_SIZE - 1,
	      .about = "Ids of agent sessions." },
	    .use = RESOURCE_ADD | RESOURCE_CHANGE | RESOURCE_CLEAR,
	    .absent = "Any where not given.", .into = "?::uuid[]", .from = "?::text[]" },
	{ { .name = "connection_status",
	      .type = JSON_CHOICE,
	      .offset = AT(status),
	      .choices = websocket_status_names },
	    .use = RESOURCE_OWN | RESOURCE_FILTER },
	{ { .name = "last_ping_at", .type = JSON_TIME, .offset = AT(last_ping_at) },
	    .use = RESOURCE_OWN | RESOURCE_COUNTED },
	{ { .name = "disconnected_at", .type = JSON_TIME, .offset = AT(disconnected_at) },
	    .use = RESOURCE_OWN },
};

static bool
check_user(struct task *task, struct id user)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, user);
	if (!db_query(task, user_sql, params, &rows))
		return false;
	return db_count(rows) == 1 ||
	       task_fail_field(task, "user_id", "must be the id of a living user");
}

static void
check_lists(struct task *task, const struct websocket_connection *connection)
{
	enum event_type type;
	struct id id;

	for (size_t i = 0; i < connection->subscribed_events.count; i++)
		if (!event_type_find(connection->subscribed_events.at[i], &type))
			task_fail_field(
			    task, "subscribed_events", "holds a name that is no type of events");
	for (size_t i = 0; i < connection->session_filters.count; i++) {
		const char *text = connection->session_filters.at[i];

		if (!id_parse((struct text){ text, strlen(text) }, &id))
			task_fail_field(
			    task, "session_filters", "holds what has not the form of an id");
	}
}

static bool
check(struct task *task, const void *before, void *after)
{
	struct websocket_connection *connection = after;

	check_lists(task, connection);
	if (before != NULL || task->err.code != ERR_NONE)
		return task->err.code == ERR_NONE;
	connection->last_ping_at = task->now;
	if (connection->client_ip != NULL && !address_valid(connection->client_ip))
		return task_fail_field(task, "client_ip", "is no address of IPv4 or IPv6");
	return check_user(task, connection->user);
}

/* From the moment it is there. Where Redis is away, the next ping says so again. */
static bool
stored(struct task *task, const char *action, const void *before, const void *after)
{
	const struct websocket_connection *connection = after;
	struct event_types types = { 0 };
	struct event_place place;
	enum event_type type;
	unsigned wanted = 0;
	bool gap;

	(void)action;
	(void)before;
	if (connection == NULL || connection->status != WEBSOCKET_ACTIVE || task->redis == NULL)
		return true;
	for (size_t i = 0; i < connection->subscribed_events.count; i++)
		if (event_type_find(connection->subscribed_events.at[i], &type))
			wanted |= 1U << type;
	*(connection->session_filters.count == 0 ? &types.all : &types.of_agents) = wanted;
	if (!event_hear(task, task->client, types, NULL, &place, &gap))
		task_clear_error(task);
	return true;
}

static struct resource_statements statements;

static const struct resource_taken taken[] = {
	{ "websocket_connections_connection_id", "connection_id",
	    "is taken by another connection" },
	{ "websocket_connections_client_id_user_id_fkey", "user_id",
	    "must be the id of a living user" },
};

const struct resource websocket_connection_resource = {
	.table = "websocket_connections",
	.one = "WebSocket connection",
	.size = sizeof(struct websocket_connection),
	.defaults = &(const struct websocket_connection){ .subscribed_events = { event_type_names,
							      EVENT_TYPES } },
	.fields = fields,
	.count = COUNT(fields),
	.taken = taken,
	.taken_count = COUNT(taken),
	.statements = &statements,
	.stays = true,
	.quiet = true,
	.check = check,
	.stored = stored,
};

bool
websocket_connection_ping(struct task *task, struct id id, struct websocket_connection *ret)
{
	struct websocket_connection before;

	if (!resource_find_to_change(task, &websocket_connection_resource, id, NULL, &before))
		return false;
	if (before.status != WEBSOCKET_ACTIVE)
		return task_fail(task, ERR_CONFLICT, "The connection has ended.");
	*ret = before;
	ret->last_ping_at = task->now;
	return resource_change(task, &websocket_connection_resource, "ping", &before, ret);
}

bool
websocket_connection_end(struct task *task, struct id id, struct websocket_connection *ret)
{
	struct websocket_connection before;

	if (!resource_find_to_change(task, &websocket_connection_resource, id, NULL, &before))
		return false;
	*ret = before;
	if (before.status == WEBSOCKET_ACTIVE) {
		ret->status = WEBSOCKET_DISCONNECTED;
		ret->disconnected_at = task->now;
	}
	return resource_change(task, &websocket_connection_resource, "end", &before, ret);
}

bool
websocket_connection_reap(struct task *task, int64_t *ret)
{
	struct db_params *silent = db_params(task), *old = db_params(task);
	struct db_rows *ended, *removed;

	db_add_id(silent, task->client);
	db_add_time(silent, task->now);
	db_add_time(silent, task->now - WEBSOCKET_SILENCE_S * CLOCK_SECOND);
	db_add_id(old, task->client);
	db_add_time(old, task->now - WEBSOCKET_KEPT_S * CLOCK_SECOND);
	if (!db_query(task, silent_sql, silent, &ended) || !db_query(task, old_sql, old, &removed))
		return false;
	*ret = db_changed(ended) + db_changed(removed);
	return true;
}

bool
websocket_connection_count_due(struct task *task, int64_t *ret)
{
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_time(params, task->now - WEBSOCKET_SILENCE_S * CLOCK_SECOND);
	db_add_time(params, task->now - WEBSOCKET_KEPT_S * CLOCK_SECOND);
	if (!db_query(task, due_sql, params, &rows))
		return false;
	*ret = db_int(rows, 0, 0);
	return true;
}
