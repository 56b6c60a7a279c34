/*
 * client create|list|deactivate
 */
#include "lib/model/client.h"

#include "worker/client_name.h"
#include "worker/commands.h"
#include "worker/output.h"

#include <string.h>
#include <sysexits.h>

#define PAGE 500

static void
add_days(struct output_line *line, const char *name, int64_t days)
{
	if (days == RESOURCE_NONE)
		output_text(line, name, NULL);
	else
		output_int(line, name, days);
}

static void
add_client(struct output_line *line, const struct client *client)
{
	output_id(line, "id", client->head.id);
	output_text(line, "name", client->name);
	output_text(line, "plan", client_plan_names[client->plan]);
	output_text(line, "timezone", client->timezone);
	add_days(line, "log_retention_days", client->log_retention_days);
	add_days(line, "message_retention_days", client->message_retention_days);
	output_bool(line, "active", client->deactivated_at == 0);
	output_time(line, "created_at", client->head.created_at);
}

static void
write_client(struct json_out *out, const void *client)
{
	resource_write(out, &client_resource, client, false);
}

static int
print_client(struct command_context *context, const struct client *client)
{
	struct output_line line = output_line(context, "client");

	add_client(&line, client);
	output_object(&line, write_client, client);
	return EX_OK;
}

static bool
read_plan(struct command_context *context, struct client *input)
{
	const char *plan = command_value(context, "plan");

	if (plan == NULL)
		return true;
	for (int i = 0; i < CLIENT_PLANS; i++) {
		if (strcmp(plan, client_plan_names[i]) == 0) {
			input->plan = i;
			return true;
		}
	}
	return task_fail(context->task, ERR_INVALID, "--plan must be free, pro or enterprise");
}

static bool
read_input(struct command_context *context, struct client *input)
{
	input->name = command_value(context, "name");
	if (command_value(context, "timezone") != NULL)
		input->timezone = command_value(context, "timezone");
	if (input->name == NULL || input->name[0] == '\0' ||
	    strcmp(input->name, CLIENT_OPERATOR) == 0)
		return task_fail(context->task, ERR_INVALID,
		    "--name is needed: 1 to %d characters, and not \"%s\"", CLIENT_NAME_MAX,
		    CLIENT_OPERATOR);
	return read_plan(context, input) &&
	       command_int(context, "log-retention-days", 1, CLIENT_RETENTION_MAX_DAYS,
		   &input->log_retention_days) &&
	       command_int(context, "message-retention-days", 1, CLIENT_RETENTION_MAX_DAYS,
		   &input->message_retention_days);
}

/* *ret_found false: no client has the name. */
static bool
find_existing(
    struct command_context *context, const char *name, bool *ret_found, struct client *ret)
{
	struct task *task = context->task;
	struct id id;

	*ret_found = false;
	if (!client_name_find(task, name, &id)) {
		if (task->err.code != ERR_NOT_FOUND)
			return false;
		task_clear_error(task);
		return true;
	}
	if (!command_flag(context, "if-missing"))
		return task_fail(
		    task, ERR_CONFLICT, "a client of that name is there already: see --if-missing");
	*ret_found = true;
	return resource_find(task, &client_resource, id, ret);
}

int
client_create_run(struct command_context *context)
{
	struct task *task = context->task;
	struct client *client = resource_new(task, &client_resource);
	struct client existing;
	bool found;

	task->operator_key = true;
	if (!read_input(context, client) ||
	    !find_existing(context, client->name, &found, &existing))
		return command_failed(context);
	if (!found && (!resource_add(task, &client_resource, client) || !db_commit(task)))
		return command_failed(context);
	return print_client(context, found ? &existing : client);
}

int
client_list_run(struct command_context *context)
{
	struct resource_filter filter = { .limit = PAGE };
	struct output_table *table = output_table(context);
	const struct client *clients;
	void *objects;
	size_t count;

	context->task->operator_key = true;
	do {
		if (!resource_list(context->task, &client_resource, &filter, &objects, &count))
			return command_failed(context);
		clients = objects;
		for (size_t i = 0; i < count; i++) {
			struct output_line line = output_line(context, NULL);

			add_client(&line, &clients[i]);
			output_table_add(table, &line);
			filter.after = clients[i].head.id;
		}
	} while (count == PAGE);
	output_table_print(table);
	return EX_OK;
}

int
client_deactivate_run(struct command_context *context)
{
	struct task *task = context->task;
	struct client client;
	struct id id;

	task->operator_key = true;
	if (!client_name_find(task, context->operands[0], &id) ||
	    !client_deactivate(task, id, &client) || !db_commit(task))
		return command_failed(context);
	return print_client(context, &client);
}
