#include <string.h>

#include "lib/conf_private.h"
#include "lib/log.h"

bool
conf_refuse(struct task *task, struct source source, const char *key, const char *why)
{
	if (source.line == 0)
		return task_fail(task, ERR_INVALID, "%s: %s %s", source.name, key, why);
	return task_fail(
	    task, ERR_INVALID, "%s, line %d: %s %s", source.name, source.line, key, why);
}

/* Longer than the prefix, too. */
static bool
begins(struct text value, const char *prefix)
{
	size_t len = strlen(prefix);

	return value.len > len && memcmp(value.at, prefix, len) == 0;
}

/* The reason why it is no good, or NULL. */
static const char *
check_text(const struct setting *setting, struct text value)
{
	enum log_level level;

	if (setting->type == SETTING_SECRET && value.len == 0)
		return NULL;
	if ((int64_t)value.len < setting->min)
		return setting->min > 1 ? "is too short" : "must not be empty";
	if ((int64_t)value.len > setting->max)
		return "is too long";
	if (setting->type == SETTING_LEVEL && !log_parse_level(value, &level))
		return "must be error, warning, info or debug";
	if (setting->type == SETTING_SOCKET && value.len > 0 && !begins(value, "unix:"))
		return "must have the form unix:PATH";
	if (setting->type == SETTING_SERVER && !begins(value, "unix:") &&
	    !begins(value, "redis://"))
		return "must have the form unix:PATH or redis://HOST:PORT";
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

bool
conf_assign(struct task *task, const struct setting *setting, struct source source,
    struct text value, struct conf *conf)
{
	void *at = (char *)conf + setting->offset;
	const char *copy, *why = NULL;

	if (memchr(value.at, '\0', value.len) != NULL)
		return conf_refuse(task, source, setting->key, "must not hold a NUL character");
	copy = arena_strndup(task->arena, value.at, value.len);
	switch (setting->type) {
	case SETTING_TEXT:
	case SETTING_SECRET:
	case SETTING_SOCKET:
	case SETTING_SERVER:
	case SETTING_LEVEL:
		why = check_text(setting, value);
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
	return why == NULL || conf_refuse(task, source, setting->key, why);
}

int64_t
conf_committers(const struct conf *conf)
{
	int64_t max = conf->threads > 1 ? conf->threads - 1 : 1;

	return conf->committers < max ? conf->committers : max;
}
