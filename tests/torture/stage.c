#include "tests/torture/stage.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/user.h"

#define DISK_MIB 768
/* Cents: one or the other is used up in each round. */
#define LIMIT_ALL 150
#define LIMIT_EACH 20

/* A broken server must be noticed while its fault lasts. */
static const struct {
	const char *key, *value;
} settings[] = {
	{ "database_connect_timeout_ms", "1000" },
	{ "database_acquire_timeout_ms", "1000" },
	{ "database_statement_timeout_ms", "3000" },
	{ "redis_connect_timeout_ms", "300" },
	{ "redis_command_timeout_ms", "300" },
	{ "database_pool_max", "10" },
};

static void
restart(struct torture *torture, enum server_part part)
{
	servers_signal(torture->servers, part, SIGTERM);
	(void)servers_wait(torture->servers, part);
	servers_restart(torture->servers, part);
}

static void
start_servers(struct torture *torture)
{
	char *clock;

	torture->servers = servers_start_small(SERVER_TALLYD_2, DISK_MIB);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		servers_setting(torture->servers, settings[i].key, settings[i].value);
	if (asprintf(&clock, "%s/clock", servers_folder(torture->servers)) < 0)
		abort();
	setenv("TALLY_CLOCK", clock, 1);
	free(clock);
	restart(torture, SERVER_TALLYD);
	restart(torture, SERVER_TALLYD_2);
	/* The log must not fill the disk by itself. */
	free(servers_sql(torture->servers, "ALTER SYSTEM SET max_wal_size = '128MB'"));
	free(servers_sql(torture->servers, "SELECT pg_reload_conf()"));
}

/* Ends the program where the answer is not as it should be: nothing was done to the servers yet. */
static char *
send_budget(const struct torture *torture, int client, const char *method, const char *path,
    const char *body)
{
	struct http http = { .url = servers_http_url(torture->servers),
		.key = torture->clients[client].key };
	struct http_answer answer = http_send(&http, method, path, NULL, body);
	char *id;

	if (answer.status != 200 && answer.status != 201) {
		fprintf(stderr, "%s %s: %ld %s\n", path, body, answer.status, answer.body);
		exit(1);
	}
	id = strdup(http_json(&answer, "id", 0));
	http_free(&answer);
	return id;
}

/* A budget over all of the client, and one that each user has. */
static void
add_budgets(struct torture *torture, int client)
{
	const char *mode = torture->clients[client].strict ? "hard" : "soft";
	struct torture_budgets *budgets = &torture->budgets[client];
	char body[300];

	budgets->limit_cents = LIMIT_ALL;
	(void)snprintf(body, sizeof(body),
	    "{\"name\":\"all\",\"window\":\"day\",\"limit_cents\":%d,\"mode\":\"%s\"}", LIMIT_ALL,
	    mode);
	budgets->all = send_budget(torture, client, "POST", "/v1/budgets", body);
	(void)snprintf(body, sizeof(body),
	    "{\"name\":\"each\",\"window\":\"day\",\"limit_cents\":%d,\"mode\":\"%s\","
	    "\"each\":\"user_id\"}",
	    LIMIT_EACH, mode);
	free(send_budget(torture, client, "POST", "/v1/budgets", body));
}

/* The payers: one account of the client, ten of users, a thousand. */
static const int accounts[TORTURE_CLIENTS - TORTURE_PAYERS] = { 1, 10, TORTURE_ACCOUNTS_MAX };

int
torture_accounts(int client)
{
	assert(client >= TORTURE_PAYERS && client < TORTURE_CLIENTS);
	return accounts[client - TORTURE_PAYERS];
}

const char *
torture_account(const struct torture *torture, int client, int user)
{
	int at = user;

	for (int i = TORTURE_PAYERS; i < client; i++)
		at += torture_accounts(i);
	return torture_accounts(client) == 1 ? "client" : torture->accounts[at];
}

/* Users as their first calls would make them. */
static void
add_users(struct torture *torture, int client, struct id id, char (*ids)[40])
{
	char *sql, name[32];
	size_t len;
	FILE *out = open_memstream(&sql, &len);

	fputs("INSERT INTO users (client_id, id, external_id, tier) SELECT c.id, u.id, u.name, "
	      "'anonymous' FROM clients c, (VALUES ",
	    out);
	for (int i = 0; i < torture_accounts(client); i++) {
		(void)snprintf(name, sizeof(name), "c%d-u%d", client, i);
		id_format(user_id_from_external(id, (struct text){ name, strlen(name) }), ids[i]);
		fprintf(out, "%s('%s'::uuid, '%s')", i > 0 ? "," : "", ids[i], name);
	}
	fprintf(out, ") AS u (id, name) WHERE c.name = '%s'", torture->clients[client].name);
	fclose(out);
	free(servers_sql(torture->servers, sql));
	free(sql);
}

/* Before its key is used, so that it is read with it. */
static void
add_payer(struct torture *torture, int client, char (*ids)[40])
{
	char sql[160], *text;
	struct id id;

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE clients SET credits = '%s' WHERE name = '%s' RETURNING id",
	    torture_accounts(client) == 1 ? "client" : "user", torture->clients[client].name);
	text = servers_sql(torture->servers, sql);
	text[strcspn(text, "\n")] = '\0';
	if (!id_parse((struct text){ text, strlen(text) }, &id))
		abort();
	free(text);
	add_users(torture, client, id, ids);
}

static void
add_clients(struct torture *torture)
{
	int account = 0;

	torture->accounts =
	    calloc((TORTURE_CLIENTS - TORTURE_PAYERS) * (size_t)TORTURE_ACCOUNTS_MAX, 40);
	if (torture->accounts == NULL)
		abort();
	for (int i = 0; i < TORTURE_CLIENTS; i++) {
		struct checker_client *client = &torture->clients[i];
		char *name;

		if (asprintf(&name, "torture-%d", i) < 0)
			abort();
		client->name = name;
		client->key = servers_key_at_noon(torture->servers, name);
		client->strict = i >= TORTURE_STRICT && i < TORTURE_PAYERS;
		if (i >= TORTURE_PAYERS) {
			add_payer(torture, i, &torture->accounts[account]);
			account += torture_accounts(i);
		}
		add_budgets(torture, i);
	}
}

void
stage_start(struct torture *torture)
{
	start_servers(torture);
	add_clients(torture);
}

void
stage_raise(struct torture *torture)
{
	atomic_fetch_add(&torture->round, 1);
	for (int i = TORTURE_STRICT; i < TORTURE_PAYERS; i++) {
		struct torture_budgets *budgets = &torture->budgets[i];
		char path[80], body[80];

		budgets->limit_cents += LIMIT_ALL;
		(void)snprintf(path, sizeof(path), "/v1/budgets/%s", budgets->all);
		(void)snprintf(
		    body, sizeof(body), "{\"limit_cents\":%" PRId64 "}", budgets->limit_cents);
		free(send_budget(torture, i, "PATCH", path, body));
	}
}

void
stage_keep(struct torture *torture)
{
	static const char *const tables[] = { "authorizations", "budgets", "chat_logs",
		"counter_states", "credit_accounts", "credit_details", "credit_holds",
		"credit_transactions", "daily_costs", "ingest_batches", "users" };
	char sql[300];

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		(void)snprintf(sql, sizeof(sql),
		    "COPY (SELECT * FROM %s) TO '%s/pg/%s.csv' CSV HEADER", tables[i],
		    servers_folder(torture->servers), tables[i]);
		free(servers_sql(torture->servers, sql));
	}
}

int
torture_strict_user(struct torture *torture, struct dice *dice)
{
	return atomic_load(&torture->round) * TORTURE_STRICT_USERS +
	       dice_roll(dice, TORTURE_STRICT_USERS);
}

void
stage_stop(struct torture *torture)
{
	servers_stop(torture->servers);
	for (int i = 0; i < TORTURE_CLIENTS; i++) {
		free((char *)(uintptr_t)torture->clients[i].name);
		free((char *)(uintptr_t)torture->clients[i].key);
		free(torture->budgets[i].all);
	}
	free(torture->accounts);
}

void
torture_use_programs(void)
{
	const char *folder = getenv("TALLY_BUILDDIR");
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/tests/torture/tally", folder == NULL ? "." : folder);
	setenv("TALLY", path, 1);
	(void)snprintf(
	    path, sizeof(path), "%s/tests/torture/tallyd", folder == NULL ? "." : folder);
	setenv("TALLYD", path, 1);
	/* A build with AddressSanitizer holds back what is freed, and seemed to leak. */
	setenv("ASAN_OPTIONS", "quarantine_size_mb=4", 0);
}
