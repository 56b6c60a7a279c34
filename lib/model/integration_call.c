#include "lib/model/integration_call.h"

#include <string.h>

#include "lib/model/audit.h"
#include "lib/sealed.h"

/* One that waits keeps its place. Its time is another all the same, for it may be on its way, which
 * is no answer to who asks now. */
#define ASK(table) \
	"UPDATE " table "\n" \
	"SET test_due_at = coalesce(test_due_at + interval '1 microsecond', $3)\n" \
	"WHERE client_id = $1 AND id = $2\n" \
	"RETURNING test_due_at"

static const char ask_sql[] = ASK("client_integrations");
static const char ask_endpoint_sql[] = ASK("integration_endpoints");

const char *const integration_call_statements[] = { ask_sql, ask_endpoint_sql, NULL };

static const char next_sql[] =
    "SELECT client_id, id, test_due_at, 'GET'::text, ''::text, base_url, type, credentials\n"
    "FROM client_integrations\n"
    "WHERE test_due_at IS NOT NULL\n"
    "ORDER BY test_due_at\n"
    "LIMIT 1";

static const char next_endpoint_sql[] =
    "SELECT e.client_id, e.id, e.test_due_at, e.method, e.path, i.base_url, i.type, i.credentials\n"
    "FROM integration_endpoints AS e\n"
    "JOIN client_integrations AS i ON i.client_id = e.client_id AND i.id = e.integration_id\n"
    "WHERE e.test_due_at IS NOT NULL\n"
    "ORDER BY e.test_due_at\n"
    "LIMIT 1";

#define DONE(table) \
	"UPDATE " table "\n" \
	"SET last_test_at = $3,\n" \
	"last_test_outcome = $4,\n" \
	"last_test_status = $5::bigint,\n" \
	"last_test_duration_ms = $6,\n" \
	"test_due_at = nullif(test_due_at, $7)\n" \
	"WHERE client_id = $1 AND id = $2"

static const char done_sql[] = DONE("client_integrations");
static const char done_endpoint_sql[] = DONE("integration_endpoints");

const char *const integration_call_job_statements[] = { next_sql, next_endpoint_sql, done_sql,
	done_endpoint_sql, NULL };

struct credentials {
	const char *token;
	const char *username, *password;
	const char *header, *value;
};

#define TEXT(member, other) \
	{ \
		.name = #member, .type = JSON_TEXT, .with = (other), \
		.offset = offsetof(struct credentials, member), .given = JSON_ALWAYS, .min = 1, \
		.max = INTEGRATION_CREDENTIAL_MAX \
	}

/* Others are the client's own, and are kept. */
static const struct json_field fields[] = {
	TEXT(token, NULL),
	TEXT(username, "password"),
	TEXT(password, "username"),
	TEXT(header, "value"),
	TEXT(value, "header"),
};

/* A line break would begin another header. */
static bool
is_printable(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* RFC 9110, 5.6.2. */
static bool
is_header_name(const char *name)
{
	return name == NULL ||
	       name[strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

static bool
read_credentials(struct task *task, struct text json, struct credentials *ret)
{
	*ret = (struct credentials){ 0 };
	return json.at == NULL || json_read_some(task, json, fields, COUNT(fields), ret);
}

bool
integration_call_check(struct task *task, struct text credentials)
{
	struct credentials read;

	if (!read_credentials(task, credentials, &read)) {
		task_clear_error(task);
		return task_fail_field(task, "credentials",
		    "must hold token, username with password, and header with value as texts of "
		    "1 to 4096 characters, where it holds them");
	}
	if (!is_printable(read.token) || !is_printable(read.value) || !is_header_name(read.header))
		return task_fail_field(
		    task, "credentials", "hold a character that no header may hold");
	return true;
}

static bool
ask(struct task *task, const char *sql, const char *entity, struct id id, int64_t *ret_due_at)
{
	struct db_params *params = db_params(task);
	const struct text nothing = { 0 };
	struct db_rows *rows;

	db_add_id(params, task->client);
	db_add_id(params, id);
	db_add_time(params, task->now);
	if (!db_query_one(task, sql, params, &rows))
		return false;
	*ret_due_at = db_time(rows, 0, 0);
	return audit_add(task, "test", entity, id, nothing, nothing);
}

bool
integration_call_ask(struct task *task, struct id id, int64_t *ret_due_at)
{
	return ask(task, ask_sql, integration_resource.table, id, ret_due_at);
}

bool
integration_call_ask_endpoint(
    struct task *task, const struct integration_endpoint *endpoint, int64_t *ret_due_at)
{
	if (endpoint->method != INTEGRATION_GET && endpoint->method != INTEGRATION_HEAD)
		return task_fail(task, ERR_CONFLICT,
		    "Only GET and HEAD are tested: another method may change what is there.");
	return ask(task, ask_endpoint_sql, integration_endpoint_resource.table, endpoint->head.id,
	    ret_due_at);
}

static const char *
join_url(struct task *task, const char *base, const char *path)
{
	size_t len = strlen(base);

	while (path[0] != '\0' && len > 0 && base[len - 1] == '/')
		len--;
	return arena_printf(task->arena, "%.*s%s", (int)len, base, path);
}

static void
use_credentials(struct task *task, const char *type, const struct credentials *credentials,
    struct integration_call *call)
{
	bool shopify = strcmp(type, "shopify") == 0;

	call->username = credentials->username;
	call->password = credentials->password;
	if (credentials->header != NULL)
		call->header =
		    arena_printf(task->arena, "%s: %s", credentials->header, credentials->value);
	else if (credentials->token != NULL)
		call->header = arena_printf(task->arena, "%s%s",
		    shopify ? "X-Shopify-Access-Token: " : "Authorization: Bearer ",
		    credentials->token);
}

/* The credentials of the client whose row it is. */
static void
open_credentials(
    struct task *task, struct text sealed, const char *type, struct integration_call *call)
{
	const struct sealed_place place = { .name = "client_integrations.credentials",
		.client = call->client };
	struct credentials credentials;
	struct text json = { 0 };

	call->sealed =
	    (sealed.at != NULL && sealed_try(task, &place, sealed, &json) == SEALED_BY_NEITHER) ||
	    !read_credentials(task, json, &credentials);
	if (!call->sealed)
		use_credentials(task, type, &credentials, call);
	task_clear_error(task);
}

static bool
find_next(struct task *task, const char *sql, bool of_endpoint, struct integration_call *ret,
    bool *ret_any)
{
	struct db_rows *rows;

	if (!db_query(task, sql, NULL, &rows))
		return false;
	*ret_any = db_count(rows) > 0;
	if (!*ret_any)
		return true;
	*ret = (struct integration_call){ .client = db_id(rows, 0, 0),
		.id = db_id(rows, 0, 1),
		.of_endpoint = of_endpoint,
		.due_at = db_time(rows, 0, 2),
		.method = db_text(rows, 0, 3),
		.url = join_url(task, db_text(rows, 0, 5), db_text(rows, 0, 4)) };
	open_credentials(task, db_null(rows, 0, 7) ? (struct text){ 0 } : db_bytes(rows, 0, 7),
	    db_text(rows, 0, 6), ret);
	return true;
}

bool
integration_call_next(struct task *task, struct integration_call *ret, bool *ret_any)
{
	return find_next(task, next_sql, false, ret, ret_any) &&
	       (*ret_any || find_next(task, next_endpoint_sql, true, ret, ret_any));
}

bool
integration_call_done(
    struct task *task, const struct integration_call *call, const struct integration_test *test)
{
	struct db_params *params = db_params(task);

	db_add_id(params, call->client);
	db_add_id(params, call->id);
	db_add_time(params, test->at);
	db_add_text(params, integration_outcome_names[test->outcome]);
	if (test->status == RESOURCE_NONE)
		db_add_null(params);
	else
		db_add_int(params, test->status);
	db_add_int(params, test->duration_ms);
	db_add_time(params, call->due_at);
	return db_query(task, call->of_endpoint ? done_endpoint_sql : done_sql, params, NULL);
}
