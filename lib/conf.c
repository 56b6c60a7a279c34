#include "lib/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/conf_private.h"

#define DEFAULT_FILE SYSCONFDIR "/tally/tally.conf"
#define FILE_MAX_BYTES 65536
#define TEXT_MAX 4096
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

/* A setting has the name of its member. */
#define SETTING(member, type) #member, type, offsetof(struct conf, member)
#define TEXT(member) SETTING(member, SETTING_TEXT)
#define SECRET(member) SETTING(member, SETTING_SECRET)
#define SOCKET(member) SETTING(member, SETTING_SOCKET)
#define SERVER(member) SETTING(member, SETTING_SERVER)
#define LEVEL(member) SETTING(member, SETTING_LEVEL)
#define INT(member) SETTING(member, SETTING_INT)
#define BOOL(member) SETTING(member, SETTING_BOOL)

/* Name, smallest, largest, default. tests/check-conf reads the names from here. */
static const struct setting settings[] = {
	{ TEXT(database_url), 0, TEXT_MAX, "" },
	{ TEXT(database_worker_url), 0, TEXT_MAX, "" },
	{ TEXT(database_owner_url), 0, TEXT_MAX, "" },
	{ INT(database_pool_max), 1, 1000, "20" },
	{ INT(database_pool_min), 0, 1000, "2" },
	{ INT(database_idle_timeout_ms), 1, DAY_MS, "30000" },
	{ INT(database_connect_timeout_ms), 1, HOUR_MS, "2000" },
	{ INT(database_acquire_timeout_ms), 1, HOUR_MS, "2000" },
	{ INT(database_statement_timeout_ms), 1, DAY_MS, "10000" },
	{ SERVER(redis_url), 1, TEXT_MAX, "unix:/run/redis/redis.sock" },
	{ INT(redis_connect_timeout_ms), 1, HOUR_MS, "500" },
	{ INT(redis_command_timeout_ms), 1, HOUR_MS, "500" },
	{ SOCKET(listen), 0, TEXT_MAX, "" },
	{ INT(threads), 1, 256, "4" },
	{ INT(committers), 1, 64, "2" },
	{ INT(connections_max), 1, 65536, "4096" },
	{ INT(listeners_max), 0, 65536, "2048" },
	{ INT(listeners_per_client_max), 0, 65536, "1024" },
	{ INT(usage_memory_mb), 0, 4096, "8" },
	{ INT(queue_max), 1, 10000000, "50000" },
	{ INT(body_max_bytes), 1024, 1 << 30, "16777216" },
	{ INT(io_timeout_ms), 1, HOUR_MS, "10000" },
	{ INT(stop_timeout_ms), 0, HOUR_MS, "30000" },
	{ INT(key_failures_per_minute), 0, 10000, "60" },
	{ LEVEL(log_level), 1, TEXT_MAX, "info" },
	{ TEXT(tool_redact_keys), 0, TEXT_MAX,
	    "password, passwd, passphrase, secret, client_secret, token, access_token,"
	    " refresh_token, id_token, auth_token, api_key, x_api_key, private_key,"
	    " authorization, credentials, cookie, set_cookie" },
	{ SECRET(seal_key), 32, TEXT_MAX, "" },
	{ SECRET(seal_key_previous), 32, TEXT_MAX, "" },
	{ INT(password_ops), 1, 64, "2" },
	{ INT(password_memory_kib), 8, 1048576, "19456" },
	{ INT(password_hashes_at_once), 1, 64, "2" },
	{ INT(log_retention_days), 1, 36500, "90" },
	{ INT(message_retention_days), 1, 36500, "30" },
	{ INT(tool_executions_retention_days), 1, 36500, "90" },
	{ INT(hour_retention_days), 1, 36500, "400" },
	{ INT(session_lifetime_s), 1, 315360000, "2592000" },
	{ INT(access_token_lifetime_s), 1, 86400, "900" },
	{ INT(refresh_token_lifetime_s), 1, 315360000, "2592000" },
	{ INT(user_grace_days), 0, 36500, "30" },
	{ INT(partitions_ahead), 1, 366, "7" },
	{ INT(webhook_timeout_ms), 1, HOUR_MS, "5000" },
	{ BOOL(webhook_allow_private), 0, 1, "false" },
	{ TEXT(migrations_dir), 1, TEXT_MAX, PKGDATADIR "/migrations" },
	{ BOOL(development), 0, 1, "false" },
};

const char *
conf_key(size_t i)
{
	return i < COUNT(settings) ? settings[i].key : NULL;
}

static struct text
as_text(const char *value)
{
	return (struct text){ .at = value, .len = strlen(value) };
}

static bool
set_defaults(struct task *task, struct conf *conf)
{
	static const struct source source = { .name = "defaults" };

	for (size_t i = 0; i < COUNT(settings); i++) {
		if (!conf_assign(task, &settings[i], source, as_text(settings[i].preset), conf))
			return false;
	}
	return true;
}

/* ret->at is NULL where the file is missing. */
static bool
read_file(struct task *task, const char *path, struct text *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf buf = { .arena = task->arena };
	ssize_t got;

	*ret = (struct text){ 0 };
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0)
		return task_fail(
		    task, ERR_INVALID, "%s: cannot be opened: %s", path, strerrordesc_np(errno));
	do {
		got = read(fd, buf_room(&buf, FILE_MAX_BYTES), FILE_MAX_BYTES);
		buf.len += got > 0 ? (size_t)got : 0;
	} while (buf.len <= FILE_MAX_BYTES && (got > 0 || (got < 0 && errno == EINTR)));
	if (got < 0)
		task_fail(
		    task, ERR_INVALID, "%s: cannot be read: %s", path, strerrordesc_np(errno));
	else if (buf.len > FILE_MAX_BYTES)
		task_fail(task, ERR_INVALID, "%s: is larger than %d bytes", path, FILE_MAX_BYTES);
	close(fd);
	*ret = buf_text(&buf);
	return task->err.code == ERR_NONE;
}

static struct text
trim(struct text text)
{
	while (text.len > 0 && isspace((unsigned char)text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && isspace((unsigned char)text.at[text.len - 1]))
		text.len--;
	return text;
}

/* The part before the first separator; rest becomes what follows it. */
static struct text
split(struct text *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->len);
	struct text part = *rest;

	if (end == NULL) {
		*rest = (struct text){ .at = rest->at + rest->len };
		return part;
	}
	part.len = (size_t)(end - rest->at);
	rest->at += part.len + 1;
	rest->len -= part.len + 1;
	return part;
}

static const struct setting *
find_setting(struct text key)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		if (key.len == strlen(settings[i].key) &&
		    memcmp(key.at, settings[i].key, key.len) == 0)
			return &settings[i];
	}
	return NULL;
}

static bool
read_line(struct task *task, struct source source, struct text line, struct conf *conf)
{
	const struct setting *setting;
	struct text key;

	line = trim(line);
	if (line.len == 0 || line.at[0] == '#')
		return true;
	if (memchr(line.at, '=', line.len) == NULL)
		return conf_refuse(task, source, "a setting", "must have the form key = value");
	key = trim(split(&line, '='));
	setting = find_setting(key);
	if (setting == NULL) {
		return conf_refuse(task, source,
		    arena_printf(
			task->arena, "\"%.*s\"", (int)(key.len < 64 ? key.len : 64), key.at),
		    "is not a setting");
	}
	return conf_assign(task, setting, source, trim(line), conf);
}

static bool
read_lines(struct task *task, const char *path, bool must_exist, struct conf *conf)
{
	struct source source = { .name = path };
	struct text rest;

	if (!read_file(task, path, &rest))
		return false;
	if (rest.at == NULL && must_exist)
		return task_fail(task, ERR_INVALID, "%s: there is no such file", path);
	if (rest.at == NULL)
		return true;
	while (rest.len > 0) {
		source.line++;
		if (!read_line(task, source, split(&rest, '\n'), conf))
			return false;
	}
	return true;
}

/* systemd's LoadCredential=: a file named like the key, so that a password needs no tally.conf. */
static bool
read_credentials(struct task *task, struct conf *conf)
{
	const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");

	if (folder == NULL || *folder == '\0')
		return true;
	for (size_t i = 0; i < COUNT(settings); i++) {
		struct source source = { .line = 1 };
		struct text rest, value;

		source.name = arena_printf(task->arena, "%s/%s", folder, settings[i].key);
		if (!read_file(task, source.name, &rest))
			return false;
		if (rest.at == NULL)
			continue;
		value = trim(split(&rest, '\n'));
		if (value.len > 0 && !conf_assign(task, &settings[i], source, value, conf))
			return false;
	}
	return true;
}

static bool
read_environment(struct task *task, struct conf *conf)
{
	static const struct source source = { .name = "environment" };

	for (size_t i = 0; i < COUNT(settings); i++) {
		char *name = arena_strdup(task->arena, settings[i].key);
		const char *value;

		for (char *at = name; *at != '\0'; at++)
			*at = (char)toupper((unsigned char)*at);
		value = secure_getenv(name);
		if (value == NULL || *value == '\0')
			continue;
		if (!conf_assign(task, &settings[i], source, as_text(value), conf))
			return false;
	}
	return true;
}

bool
conf_read(struct task *task, const char *path, struct conf *ret)
{
	struct conf conf = { 0 };

	if (!set_defaults(task, &conf))
		return false;
	if (!read_lines(task, path == NULL ? DEFAULT_FILE : path, path != NULL, &conf))
		return false;
	if (!read_credentials(task, &conf) || !read_environment(task, &conf))
		return false;
	if (conf.database_pool_min > conf.database_pool_max) {
		return task_fail(task, ERR_INVALID,
		    "database_pool_min must not be larger than database_pool_max");
	}
	if (*conf.database_worker_url == '\0')
		conf.database_worker_url = conf.database_url;
	if (*conf.database_owner_url == '\0')
		conf.database_owner_url = conf.database_url;
	*ret = conf;
	return true;
}
