#include "tests/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

#define KEPT_MAX 100000

static struct servers *servers;
static struct http http;
static struct http_answer answer;
static const char *client_id;
static char *kept[KEPT_MAX];
static size_t kept_count;

static const char *
keep(char *text)
{
	assert_true(kept_count < KEPT_MAX);
	kept[kept_count++] = text;
	return text;
}

int
api_start(void **state)
{
	(void)state;
	servers = servers_start(SERVER_NGINX);
	http.url = servers_http_url(servers);
	return 0;
}

int
api_stop(void **state)
{
	(void)state;
	http_free(&answer);
	while (kept_count > 0)
		free(kept[--kept_count]);
	servers_stop(servers);
	return 0;
}

struct servers *
api_servers(void)
{
	return servers;
}

void
api_import_prices(void)
{
	const char *source = getenv("TALLY_SRCDIR");
	char *output;
	int status = servers_tally(servers, &output, "prices", "import",
	    api_text("%s/conf/model_prices.json", source != NULL ? source : "."), NULL);

	if (status != 0)
		fail_msg("tally prices import: %s", output);
	free(output);
}

void
api_use_new_client(const char *name)
{
	http.key = keep(servers_key_at_noon(servers, name));
	client_id = api_sql("SELECT id FROM clients WHERE name = '%s'", name);
}

void
api_use_budget(const char *name, const char *members)
{
	api_use_new_client(name);
	api_add("/v1/budgets",
	    api_text("{\"name\":\"%s\",\"timezone\":\"%s\",%s}", name, servers_noon(), members));
}

void
api_use_scope(const char *scope)
{
	char *output;
	int status = servers_tally(servers, &output, "key", "create", "--client", client_id,
	    "--name", scope, "--scopes", scope, NULL);
	char *key = strstr(output, "tally_");

	if (status != 0 || key == NULL)
		fail_msg("tally key create: %s", output);
	key[strspn(key, "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = '\0';
	http.key = keep(strdup(key));
	free(output);
}

const char *
api_key(void)
{
	return http.key;
}

void
api_use_key(const char *key)
{
	http.key = key;
}

const char *
api_use_operator(void)
{
	http.key = keep(servers_key(servers, NULL));
	return http.key;
}

long
api_send(const char *method, const char *path, const char *const *headers, const char *body)
{
	http_free(&answer);
	answer = http_send(&http, method, path, headers, body);
	return answer.status;
}

struct http_answer
api_call(const char *method, const char *path, const char *const *headers, const char *body)
{
	return http_send(&http, method, path, headers, body);
}

void
api_expect(long status, const char *method, const char *path, const char *body)
{
	if (api_send(method, path, NULL, body) != status)
		fail_msg("%s %s: %ld and not %ld: %s", method, path, answer.status, status,
		    answer.body == NULL ? "" : answer.body);
}

const char *
api_add(const char *path, const char *body)
{
	api_expect(201, "POST", path, body);
	return api_keep("id");
}

const struct http_answer *
api_answer(void)
{
	return &answer;
}

const char *
api_json(const char *path)
{
	const char *value = http_json(&answer, path, 0);

	return value == NULL ? "(none)" : value;
}

void
api_expect_json(const char *path, const char *value)
{
	if (strcmp(api_json(path), value) != 0)
		fail_msg("%s is %s and not %s in %s", path, api_json(path), value, answer.body);
}

const char *
api_keep(const char *path)
{
	return keep(strdup(api_json(path)));
}

int
api_rows(void)
{
	char path[32];
	int count = 0;

	do
		(void)snprintf(path, sizeof path, "data.%d", count++);
	while (http_json(&answer, path, 0) != NULL);
	return count - 1;
}

int
api_lines(void)
{
	int count = 0;

	for (const char *at = answer.body; (at = strchr(at, '\n')) != NULL; at++)
		count++;
	return count;
}

void
api_expect_field(const char *sentence, const char *field)
{
	if ((answer.status != 422 && answer.status != 409) ||
	    strcmp(api_json("errors.0.field"), field) != 0)
		fail_msg(
		    "%s: %ld %s", sentence, answer.status, answer.body == NULL ? "" : answer.body);
}

static __attribute__((format(printf, 1, 0))) char *
print(const char *format, va_list arguments)
{
	char *text;

	assert_true(vasprintf(&text, format, arguments) >= 0);
	return text;
}

const char *
api_text(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = print(format, arguments);
	va_end(arguments);
	return keep(text);
}

const char *
api_sql(const char *format, ...)
{
	va_list arguments;
	char *sql;
	const char *value;

	va_start(arguments, format);
	sql = print(format, arguments);
	va_end(arguments);
	value = keep(servers_sql(servers, sql));
	free(sql);
	return value;
}
