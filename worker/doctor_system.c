/* What doctor asks Redis and the machine. */
#include "lib/clock.h"
#include "lib/zone.h"
#include "worker/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#define REDIS_VERSION_MIN 7
#define DISK_FREE_MIN_PERCENT 10
#define SOCKET_DEFAULT "/run/tally/tallyd.sock" /* systemd/tallyd.socket */
#define DISK_DEFAULT "/var/lib/postgresql"

static const char data_sql[] = "SELECT setting "
			       "FROM pg_settings "
			       "WHERE name = 'data_directory'";

/* A line "name:value" of INFO; "" where there is none. */
static bool
read_info(struct task *task, const char *name, const char **ret)
{
	struct redis_command *command = redis_command(task, "INFO");
	struct redis_reply reply;
	const char *text, *at;
	size_t len;

	if (!redis_run(task, &command, 1, &reply))
		return false;
	if (reply.type != REDIS_TEXT)
		return task_fail(task, ERR_UNAVAILABLE, "Redis does not answer INFO");
	text = arena_printf(task->arena, "\n%.*s", (int)reply.text.len, reply.text.at);
	at = strstr(text, arena_printf(task->arena, "\n%s:", name));
	*ret = "";
	if (at == NULL)
		return true;
	at += strlen(name) + 2;
	len = strcspn(at, "\r\n");
	*ret = arena_strndup(task->arena, at, len);
	return true;
}

bool
doctor_redis(struct command_context *context, struct finding *finding)
{
	const char *version = "", *append = "";

	if (!read_info(context->task, "redis_version", &version) ||
	    !read_info(context->task, "aof_enabled", &append))
		return false;
	if (strtol(version, NULL, 10) < REDIS_VERSION_MIN)
		return doctor_bad(finding, "version %s is too old", version);
	return doctor_good(finding, "version %s, %s", version,
	    strcmp(append, "1") == 0 ? "append-only file"
				     : "no append-only file: a restart loads the counters again");
}

bool
doctor_redis_memory(struct command_context *context, struct finding *finding)
{
	const char *policy = "", *limit = "";

	if (!read_info(context->task, "maxmemory_policy", &policy) ||
	    !read_info(context->task, "maxmemory", &limit))
		return false;
	if (strcmp(limit, "0") != 0 && strcmp(policy, "noeviction") != 0)
		return doctor_bad(finding, "maxmemory-policy is %s", policy);
	return doctor_good(finding, "nothing is evicted");
}

static bool
can_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	rc = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return rc == 0;
}

bool
doctor_socket(struct command_context *context, struct finding *finding)
{
	const char *path = context->conf.listen;

	path = strncmp(path, "unix:", 5) == 0 ? path + 5 : SOCKET_DEFAULT;
	/* Only nginx and root may open it. */
	if (!can_connect(path) && errno != EACCES)
		return doctor_bad(finding, "%s: %s", path, strerror(errno));
	return doctor_good(finding, "%s", path);
}

bool
doctor_zones(struct command_context *context, struct finding *finding)
{
	const struct zone *zone;

	if (!zone_find(context->task, "Europe/Berlin", &zone))
		return false;
	return doctor_good(finding, "the IANA database is there");
}

/* PostgreSQL tells only members of pg_read_all_settings; elsewhere it is where Debian has it. */
static bool
find_data(struct task *task, const char **ret)
{
	struct db_rows *rows;

	if (!db_query(task, data_sql, NULL, &rows) || !db_commit(task))
		return false;
	*ret = db_count(rows) > 0 ? db_text(rows, 0, 0) : DISK_DEFAULT;
	return true;
}

bool
doctor_disk(struct command_context *context, struct finding *finding)
{
	struct statvfs disk;
	const char *path;
	int percent;

	if (!find_data(context->task, &path))
		return false;
	/* The server may be another machine, or its folder closed to who asks. */
	if (statvfs(path, &disk) != 0 && statvfs(path = "/", &disk) != 0)
		return doctor_bad(finding, "%s: %s", path, strerror(errno));
	percent = disk.f_blocks == 0 ? 100 : (int)(disk.f_bavail * 100 / disk.f_blocks);
	if (percent < DISK_FREE_MIN_PERCENT)
		return doctor_bad(finding, "%d %% of %s is free", percent, path);
	return doctor_good(finding, "%d %% of %s is free", percent, path);
}
