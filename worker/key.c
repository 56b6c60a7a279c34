/*
 * key create|list|revoke|rotate
 */
#include "lib/model/auth_token.h"
#include "lib/model/rate.h"
#include "worker/client_name.h"
#include "worker/commands.h"
#include "worker/output.h"
#include "worker/tenants.h"

#include <string.h>
#include <sysexits.h>

#define PAGE 500
#define GRACE_DEFAULT_S 86400

static const char find_sql[] = "SELECT client_id "
			       "FROM auth_tokens "
			       "WHERE id = $1";

static const char *
joined(struct task *task, struct json_texts texts)
{
	struct buf buf = { .arena = task->arena };

	for (size_t i = 0; i < texts.count; i++)
		buf_printf(&buf, "%s%s", i > 0 ? "," : "", texts.at[i]);
	return buf.len > 0 ? buf.at : "";
}

static int
print_shown(struct command_context *context, const struct auth_token *token)
{
	struct output_line line = output_line(context, "key");

	output_id(&line, "id", resource_id(token));
	output_text(&line, "name", token->name);
	output_text(&line, "scopes", joined(context->task, token->scopes));
	output_text(&line, "key", token->token);
	output_object(&line, auth_token_write_shown, token);
	return EX_OK;
}

/* Texts with commas between them; what is not given stays. */
static bool
read_texts(struct command_context *context, const char *name, int64_t max, int64_t max_item,
    struct json_texts *ret)
{
	const char *text = command_value(context, name);
	const struct json_field field = { .name = name,
		.type = JSON_TEXTS,
		.given = JSON_ALWAYS,
		.min = 1,
		.max = max,
		.max_item = max_item };

	return text == NULL ||
	       json_read_value(context->task, &field, (struct text){ text, strlen(text) }, ret);
}

/* The scopes of a client's key by their names; an operator's key has its own and no other. */
static bool
read_scopes(struct command_context *context, struct json_texts *ret)
{
	struct task *task = context->task;
	const char *text = command_value(context, "scopes");

	if (text == NULL || strcmp(text, "all") == 0) {
		*ret = auth_token_scope_names(task,
		    id_is_nil(task->client) ? UINT64_C(1) << SCOPE_OPERATOR : SCOPE_CLIENT_ALL);
		return true;
	}
	if (!read_texts(context, "scopes", SCOPE_CLIENT_COUNT + 1, 80, ret))
		return false;
	for (size_t i = 0; i < ret->count; i++)
		if (!scope_find(ret->at[i], &(enum scope){ 0 }))
			return task_fail(task, ERR_INVALID, "--scopes: %s is no scope", ret->at[i]);
	return true;
}

/* What is no id is refused here, and one that is no living user's where the key is stored. */
static bool
read_user(struct command_context *context, struct id *ret)
{
	const char *text = command_value(context, "user");

	return text == NULL || id_parse((struct text){ text, strlen(text) }, ret) ||
	       task_fail(context->task, ERR_INVALID, "--user takes an id");
}

static bool
create(struct command_context *context, struct auth_token *token)
{
	const char *client = command_value(context, "client");
	struct task *task = context->task;

	if (client == NULL)
		return task_fail(task, ERR_INVALID, "--client is needed: a name, an id or \"%s\"",
		    CLIENT_OPERATOR);
	token->name = command_value(context, "name");
	if (token->name == NULL)
		token->name = "default";
	if (!client_name_find(task, client, &task->client) || !read_user(context, &token->user) ||
	    !read_scopes(context, &token->scopes) ||
	    !read_texts(context, "allow", AUTH_TOKEN_ADDRESSES_MAX, ADDRESS_RANGE_TEXT_MAX,
		&token->allowed_addresses) ||
	    !command_int(context, "rate-limit", 1, RATE_MAX, &token->rate_limit_per_hour))
		return false;
	return resource_add(task, &auth_token_resource, token) && db_commit(task);
}

int
key_create_run(struct command_context *context)
{
	struct auth_token *token = resource_new(context->task, &auth_token_resource);

	context->task->operator_key = true;
	if (!create(context, token))
		return command_failed(context);
	return print_shown(context, token);
}

static void
add_key(struct command_context *context, struct output_table *table, const char *client,
    const struct auth_token *token)
{
	struct output_line line = output_line(context, NULL);

	output_id(&line, "id", resource_id(token));
	output_text(&line, "client", client);
	output_text(&line, "name", token->name);
	output_id(&line, "user_id", token->user);
	output_text(&line, "public_id", token->public_id);
	output_bool(&line, "active",
	    token->active && (token->expires_at == 0 || token->expires_at > context->task->now));
	output_time(&line, "expires_at", token->expires_at);
	output_time(&line, "last_used_at", token->last_used_at);
	if (token->rate_limit_per_hour == RESOURCE_NONE)
		output_text(&line, "rate_limit_per_hour", NULL);
	else
		output_int(&line, "rate_limit_per_hour", token->rate_limit_per_hour);
	output_text(&line, "scopes", joined(context->task, token->scopes));
	output_text(&line, "allowed_addresses", joined(context->task, token->allowed_addresses));
	output_table_add(table, &line);
}

static bool
list_keys(struct command_context *context, struct output_table *table, const char *client)
{
	const struct auth_token *tokens;
	struct id after = { 0 };
	size_t count;

	do {
		if (!auth_token_list_keys(context->task, after, PAGE, &tokens, &count))
			return false;
		for (size_t i = 0; i < count; i++) {
			add_key(context, table, client, &tokens[i]);
			after = resource_id(&tokens[i]);
		}
	} while (count == PAGE);
	return db_commit(context->task);
}

static bool
list_every_client(struct command_context *context, struct output_table *table)
{
	struct tenants tenants = { .context = context };

	if (!list_keys(context, table, CLIENT_OPERATOR))
		return false;
	while (tenants_next(&tenants))
		tenants_done(&tenants, list_keys(context, table, tenants.tenant.name));
	return tenants_end(&tenants);
}

int
key_list_run(struct command_context *context)
{
	const char *client = command_value(context, "client");
	struct output_table *table = output_table(context);
	struct task *task = context->task;

	if (client == NULL && !list_every_client(context, table))
		return command_failed(context);
	if (client != NULL &&
	    (!client_name_find(task, client, &task->client) || !list_keys(context, table, client)))
		return command_failed(context);
	output_table_print(table);
	return EX_OK;
}

/* The key's id by its text; the task becomes its client's. */
static bool
find_key(struct command_context *context, struct id *ret)
{
	const char *text = context->operands[0];
	struct task *task = context->task;
	struct db_params *params = db_params(task);
	struct db_rows *rows;

	if (!id_parse((struct text){ text, strlen(text) }, ret))
		return task_fail(
		    task, ERR_INVALID, "the id of a key is needed: see tally key list");
	db_add_id(params, *ret);
	if (!db_query(task, find_sql, params, &rows))
		return false;
	if (db_count(rows) == 0)
		return task_fail(task, ERR_NOT_FOUND, "there is no such key");
	task->client = db_id(rows, 0, 0);
	task->operator_key = true;
	return db_commit(task);
}

int
key_revoke_run(struct command_context *context)
{
	struct task *task = context->task;
	struct output_line line;
	struct auth_token token = { 0 };
	struct id id;

	if (!find_key(context, &id) || !auth_token_revoke(task, id, &token) || !db_commit(task))
		return command_failed(context);
	line = output_line(context, "key");
	output_id(&line, "id", resource_id(&token));
	output_text(&line, "name", token.name);
	output_bool(&line, "active", token.active);
	output_object(&line, auth_token_write, &token);
	return EX_OK;
}

int
key_rotate_run(struct command_context *context)
{
	int64_t grace_s = GRACE_DEFAULT_S;
	struct task *task = context->task;
	struct auth_token token = { 0 };
	struct id id;

	if (!command_int(context, "grace", 0, AUTH_TOKEN_GRACE_MAX_S, &grace_s) ||
	    !find_key(context, &id) || !auth_token_rotate(task, id, grace_s, &token) ||
	    !db_commit(task))
		return command_failed(context);
	return print_shown(context, &token);
}
