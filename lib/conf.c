#include "lib/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/log.h"

#define DEFAULT_FILE SYSCONFDIR "/tally/tally.conf"
#define FILE_MAX_BYTES 65536
#define TEXT_MAX 4096
#define DAY_MS 86400000
#define HOUR_MS 3600000

enum setting_type {
	SETTING_TEXT, /* min to max bytes */
	SETTING_ADDRESS, /* text that begins as one of forms, or is empty where min is 0 */
	SETTING_LEVEL, /* a name log_parse_level() knows */
	SETTING_INT, /* min to max */
	SETTING_BOOL
};

struct setting {
	const char *key;
	enum setting_type type;
	size_t offset; /* of the value in struct conf */
	int64_t min, max;
	const char *preset; /* the default, read like any other value */
	const char *forms; /* SETTING_ADDRESS: prefixes with a space between */
};

#define AT(member) offsetof(struct conf, member)

static const struct setting settings[] = {
	{ "database_url", SETTING_TEXT, AT(database_url), 0, TEXT_MAX, "", NULL },
	{ "database_worker_url", SETTING_TEXT, AT(database_worker_url), 0, TEXT_MAX, "", NULL },
	{ "database_owner_url", SETTING_TEXT, AT(database_owner_url), 0, TEXT_MAX, "", NULL },
	{ "database_pool_max", SETTING_INT, AT(database_pool_max), 1, 1000, "20", NULL },
	{ "database_pool_min", SETTING_INT, AT(database_pool_min), 0, 1000, "2", NULL },
	{ "database_idle_timeout_ms", SETTING_INT, AT(database_idle_timeout_ms), 1, DAY_MS, "30000",
	    NULL },
	{ "database_connect_timeout_ms", SETTING_INT, AT(database_connect_timeout_ms), 1, HOUR_MS,
	    "2000", NULL },
	{ "database_acquire_timeout_ms", SETTING_INT, AT(database_acquire_timeout_ms), 1, HOUR_MS,
	    "2000", NULL },
	{ "database_statement_timeout_ms", SETTING_INT, AT(database_statement_timeout_ms), 1,
	    DAY_MS, "10000", NULL },
	{ "redis_url", SETTING_ADDRESS, AT(redis_url), 1, TEXT_MAX, "unix:/run/redis/redis.sock",
	    "unix: redis://" },
	{ "redis_connect_timeout_ms", SETTING_INT, AT(redis_connect_timeout_ms), 1, HOUR_MS, "500",
	    NULL },
	{ "redis_command_timeout_ms", SETTING_INT, AT(redis_command_timeout_ms), 1, HOUR_MS, "500",
	    NULL },
	{ "listen", SETTING_ADDRESS, AT(listen), 0, TEXT_MAX, "", "unix:" },
	{ "threads", SETTING_INT, AT(threads), 1, 256, "4", NULL },
	{ "committers", SETTING_INT, AT(committers), 1, 64, "2", NULL },
	{ "connections_max", SETTING_INT, AT(connections_max), 1, 65536, "4096", NULL },
	{ "queue_max", SETTING_INT, AT(queue_max), 1, 10000000, "50000", NULL },
	{ "body_max_bytes", SETTING_INT, AT(body_max_bytes), 1024, 1 << 30, "16777216", NULL },
	{ "io_timeout_ms", SETTING_INT, AT(io_timeout_ms), 1, HOUR_MS, "10000", NULL },
	{ "stop_timeout_ms", SETTING_INT, AT(stop_timeout_ms), 0, HOUR_MS, "30000", NULL },
	{ "log_level", SETTING_LEVEL, AT(log_level), 0, 0, "info", NULL },
	{ "log_retention_days", SETTING_INT, AT(log_retention_days), 1, 36500, "90", NULL },
	{ "session_lifetime_s", SETTING_INT, AT(session_lifetime_s), 1, 315360000, "2592000",
	    NULL },
	{ "user_grace_days", SETTING_INT, AT(user_grace_days), 0, 36500, "30", NULL },
	{ "partitions_ahead", SETTING_INT, AT(partitions_ahead), 1, 366, "7", NULL },
	{ "migrations_dir", SETTING_TEXT, AT(migrations_dir), 1, TEXT_MAX, PKGDATADIR "/migrations",
	    NULL },
	{ "development", SETTING_BOOL, AT(development), 0, 1, "false", NULL },
};

const char *
conf_key(size_t i)
{
	return i < COUNT(settings) ? settings[i].key : NULL;
}

/* Where a value came from, for the reader of an error. */
struct source {
	const char *name; /* a file, or "environment" */
	int line; /* 0: none */
};

static bool
refuse(struct task *task, struct source source, const char *key, const char *why)
{
	if (source.line == 0)
		return task_fail(task, ERR_INVALID, "%s: %s %s", source.name, key, why);
	return task_fail(
	    task, ERR_INVALID, "%s, line %d: %s %s", source.name, source.line, key, why);
}

static bool
begins_as(struct text value, const char *forms)
{
	while (*forms != '\0') {
		size_t len = strcspn(forms, " ");

		if (value.len > len && memcmp(value.at, forms, len) == 0)
			return true;
		forms += len + strspn(forms + len, " ");
	}
	return false;
}

static const char *
check_text(struct arena *arena, const struct setting *setting, struct text value)
{
	enum log_level level;
	int64_t len = (int64_t)value.len;

	if (len < setting->min)
		return "must not be empty";
	if (setting->type == SETTING_LEVEL && !log_parse_level(value, &level))
		return "must be error, warning, info or debug";
	if (setting->type == SETTING_LEVEL)
		return NULL;
	if (len > setting->max)
		return arena_printf(arena, "must have at most %lld bytes", (long long)setting->max);
	if (setting->type == SETTING_ADDRESS && len > 0 && !begins_as(value, setting->forms))
		return arena_printf(arena, "must be an address of the form: %s", setting->forms);
	return NULL;
}

static bool
parse_int(const struct setting *setting, struct text value, int64_t *ret)
{
	int64_t number = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, value.at[i] - '0', &number))
			return false;
	}
	*ret = number;
	return value.len > 0 && number >= setting->min && number <= setting->max;
}

static bool
parse_bool(const char *value, bool *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };

	for (size_t i = 0; i < COUNT(words); i++) {
		if (strcasecmp(value, words[i]) == 0) {
			*ret = i % 2 != 0;
			return true;
		}
	}
	return false;
}

static bool
assign(struct task *task, const struct setting *setting, struct source source, struct text value,
    struct conf *conf)
{
	void *at = (char *)conf + setting->offset;
	const char *copy, *why = NULL;

	if (memchr(value.at, '\0', value.len) != NULL)
		return refuse(task, source, setting->key, "must not hold a NUL character");
	copy = arena_strndup(task->arena, value.at, value.len);
	switch (setting->type) {
	case SETTING_TEXT:
	case SETTING_ADDRESS:
	case SETTING_LEVEL:
		why = check_text(task->arena, setting, value);
		*(const char **)at = copy;
		break;
	case SETTING_INT:
		if (!parse_int(setting, value, at))
			why = arena_printf(task->arena, "must be a whole number from %lld to %lld",
			    (long long)setting->min, (long long)setting->max);
		break;
	case SETTING_BOOL:
		if (!parse_bool(copy, at))
			why = "must be true or false";
		break;
	}
	return why == NULL || refuse(task, source, setting->key, why);
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
		if (!assign(task, &settings[i], source, as_text(settings[i].preset), conf))
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
		    task, ERR_INVALID, "%s: cannot be opened: %s", path, strerror(errno));
	do {
		got = read(fd, buf_room(&buf, FILE_MAX_BYTES), FILE_MAX_BYTES);
		buf.len += got > 0 ? (size_t)got : 0;
	} while (buf.len <= FILE_MAX_BYTES && (got > 0 || (got < 0 && errno == EINTR)));
	if (got < 0)
		task_fail(task, ERR_INVALID, "%s: cannot be read: %s", path, strerror(errno));
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
	const char *end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;
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
		return refuse(task, source, "a setting", "must have the form key = value");
	key = trim(split(&line, '='));
	setting = find_setting(key);
	if (setting == NULL) {
		return refuse(task, source,
		    arena_printf(
			task->arena, "\"%.*s\"", (int)(key.len < 64 ? key.len : 64), key.at),
		    "is not a setting");
	}
	return assign(task, setting, source, trim(line), conf);
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
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (folder == NULL || *folder == '\0')
		return true;
	for (size_t i = 0; i < COUNT(settings); i++) {
		struct source source = { .line = 1 };
		struct text rest, value;

		source.name = arena_printf(task->arena, "%s/%s", folder, settings[i].key);
		if (!read_file(task, source.name, &rest))
			return false;
		value = trim(split(&rest, '\n'));
		if (value.len > 0 && !assign(task, &settings[i], source, value, conf))
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
		value = getenv(name);
		if (value == NULL || *value == '\0')
			continue;
		if (!assign(task, &settings[i], source, as_text(value), conf))
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
