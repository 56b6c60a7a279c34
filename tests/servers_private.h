/*
 * What tests/servers*.c share: the folder and the parts in it.
 */
#ifndef TESTS_SERVERS_PRIVATE_H
#define TESTS_SERVERS_PRIVATE_H

#include "tests/process.h"
#include "tests/servers.h"

#define SERVERS_TIMEOUT_MS 30000
#define SERVERS_SETTINGS_MAX 64
#define SERVERS_ROLES 4

struct servers {
	char *folder;
	pid_t pids[SERVER_PARTS]; /* 0: does not run */
	char *urls[SERVERS_ROLES]; /* of the database, in the order of servers_roles */
	char *redis_url;
	char *http_url;
	char *conf_path;
	int port;
	enum server_part last;
	bool redis_appends;
	bool in_memory; /* the folder, with all that the servers write */
	bool small_disk;
	char *environment; /* NAME=value for tallyd, or NULL */
	char *template; /* where it lies; NULL: none is used */
	int template_lock; /* -1: not held */
	struct {
		char *key, *value;
	} settings[SERVERS_SETTINGS_MAX];
	int setting_count;
};

extern const char *const servers_roles[SERVERS_ROLES];

/* A path in the folder; free it. */
char *servers_path(const struct servers *servers, const char *name);
/* Of the part's log; free it. */
char *servers_log(const struct servers *servers, enum server_part part);
/* Prints the text and the part's log, stops everything, ends the program. */
_Noreturn void servers_die(struct servers *servers, enum server_part part, const char *text);

/* tests/servers_disk.c: the folder into memory where that may be, and small disks if disk_mib > 0
 */
void servers_mount(struct servers *servers, int disk_mib);
void servers_unmount(struct servers *servers);

/* tests/servers_conf.c: the path of a file of the source folder, absolute; free it. */
char *servers_source(const char *name);
void servers_make_conf(struct servers *servers);
/* tests/servers_template.c: fills PostgreSQL's data with a migrated database; false: there is none
 * that is fresh, and whoever makes one calls servers_template_keep() when it is made. */
bool servers_template_use(struct servers *servers);
void servers_template_keep(struct servers *servers);
/* tests/servers_use.c: roles, database, migrations. */
void servers_migrate(struct servers *servers);
/* The superuser's URL leads to the migrated database from now on. */
void servers_enter(struct servers *servers);

/* tests/servers_start.c: before the part starts for the first time; PostgreSQL's cluster is made by
 * a call of its own. */
void servers_prepare(struct servers *servers, enum server_part part);
void servers_make_cluster(struct servers *servers);
void servers_launch(struct servers *servers, enum server_part part);
/* Whether it answers. */
bool servers_answer(struct servers *servers, enum server_part part);

#endif
