#include "lib/db_private.h"

#include <string.h>

#include "lib/buf.h"

static PQconninfoOption *
parse(struct task *task, const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	if (options == NULL)
		task_fail(task, ERR_INVALID, "the database URL cannot be read");
	return options;
}

bool
db_url_get(struct task *task, const char *url, const char *keyword, const char **ret)
{
	PQconninfoOption *options = parse(task, url);

	if (options == NULL)
		return false;
	*ret = NULL;
	for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
		if (option->val != NULL && strcmp(option->keyword, keyword) == 0)
			*ret = arena_strdup(task->arena, option->val);
	}
	PQconninfoFree(options);
	return true;
}

static void
put(struct buf *out, const char *keyword, const char *value)
{
	buf_printf(out, "%s='", keyword);
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
	buf_puts(out, "' ");
}

bool
db_url_set(
    struct task *task, const char *url, const char *keyword, const char *value, const char **ret)
{
	PQconninfoOption *options = parse(task, url);
	struct buf out = { .arena = task->arena };

	if (options == NULL)
		return false;
	for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
		if (option->val != NULL && strcmp(option->keyword, keyword) != 0)
			put(&out, option->keyword, option->val);
	}
	put(&out, keyword, value);
	PQconninfoFree(options);
	*ret = out.at;
	return true;
}
