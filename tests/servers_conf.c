#include "tests/servers_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"

static void
write_conf(struct servers *servers)
{
	FILE *out = fopen(servers->conf_path, "we");

	if (out == NULL)
		abort();
	for (int i = 0; i < servers->setting_count; i++)
		fprintf(out, "%s = %s\n", servers->settings[i].key, servers->settings[i].value);
	fclose(out);
}

void
servers_setting(struct servers *servers, const char *key, const char *value)
{
	int at = 0;

	while (at < servers->setting_count && strcmp(servers->settings[at].key, key) != 0)
		at++;
	if (at == SERVERS_SETTINGS_MAX)
		abort();
	if (at == servers->setting_count)
		servers->settings[servers->setting_count++].key = strdup(key);
	free(servers->settings[at].value);
	servers->settings[at].value = strdup(value);
	write_conf(servers);
}

/* Settings of whoever runs the tests must not reach the servers under test. */
static void
clear_environment(void)
{
	const char *key;

	for (size_t i = 0; (key = conf_key(i)) != NULL; i++) {
		char *name = strdup(key);

		if (name == NULL)
			abort();
		for (char *c = name; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		unsetenv(name);
		free(name);
	}
}

char *
servers_source(const char *name)
{
	const char *folder = getenv("TALLY_SRCDIR");
	char *path;
	char *absolute;

	if (asprintf(&path, "%s/%s", folder == NULL ? "." : folder, name) < 0)
		abort();
	absolute = realpath(path, NULL);
	if (absolute == NULL) {
		perror(path);
		exit(1);
	}
	free(path);
	return absolute;
}

void
servers_make_conf(struct servers *servers)
{
	char *migrations = servers_source("migrations");
	char *listen;

	clear_environment();
	servers->conf_path = servers_path(servers, "tally.conf");
	if (asprintf(&listen, "unix:%s/tallyd.sock", servers->folder) < 0)
		abort();
	servers_setting(servers, "database_url", servers_database_url(servers, "tally_app"));
	servers_setting(
	    servers, "database_worker_url", servers_database_url(servers, "tally_worker"));
	servers_setting(
	    servers, "database_owner_url", servers_database_url(servers, "tally_owner"));
	servers_setting(servers, "redis_url", servers->redis_url);
	servers_setting(servers, "listen", listen);
	servers_setting(servers, "migrations_dir", migrations);
	servers_setting(servers, "development", "true");
	/* A busy machine must not look like a broken server. */
	servers_setting(servers, "database_connect_timeout_ms", "10000");
	servers_setting(servers, "database_acquire_timeout_ms", "10000");
	servers_setting(servers, "database_statement_timeout_ms", "30000");
	servers_setting(servers, "seal_key", "only for tests: 0123456789abcdef");
	servers_setting(servers, "password_ops", "1");
	servers_setting(servers, "password_memory_kib", "64");
	servers_setting(servers, "redis_connect_timeout_ms", "5000");
	servers_setting(servers, "redis_command_timeout_ms", "5000");
	free(migrations);
	free(listen);
}
