#include "app/ingest/pick.h"

#include <string.h>

struct picker {
	struct task *task;
	const char *const *paths;
	size_t count;
	struct text *ret;
};

static bool
is_null(struct text json)
{
	return json.len == 4 && memcmp(json.at, "null", 4) == 0;
}

/* Whether the path goes on with this name behind its first at bytes, and how far then. */
static bool
goes_on(const char *path, size_t at, struct text name, size_t *ret_end)
{
	*ret_end = at + name.len;
	return strncmp(path + at, name.at, name.len) == 0 &&
	       memchr(name.at, '.', name.len) == NULL &&
	       (path[*ret_end] == '\0' || path[*ret_end] == '.');
}

static bool pick_inside(
    const struct picker *picker, struct text object, const char *prefix, size_t at);

/* One member of the object that lies at the first at bytes of the path prefix. Deeper than the
 * paths are it does not go. */
static bool
pick_member(
    const struct picker *picker, const char *prefix, size_t at, struct text name, struct text value)
{
	const char *deeper = NULL;
	size_t end;

	for (size_t i = 0; i < picker->count; i++) {
		const char *path = picker->paths[i];

		if (strncmp(path, prefix, at) != 0 || !goes_on(path, at, name, &end))
			continue;
		if (path[end] == '.')
			deeper = path;
		else
			picker->ret[i] = is_null(value) ? (struct text){ 0 } : value;
	}
	return deeper == NULL || value.len == 0 || value.at[0] != '{' ||
	       pick_inside(picker, value, deeper, at + name.len + 1);
}

static bool
pick_inside(const struct picker *picker, struct text object, const char *prefix, size_t at)
{
	struct json_items members = { .rest = object };
	struct text name, value;

	while (json_next_member(picker->task, &members, &name, &value)) {
		if (!pick_member(picker, prefix, at, name, value))
			return false;
	}
	return picker->task->err.code == ERR_NONE;
}

bool
pick_members(
    struct task *task, struct text object, const char *const *paths, size_t count, struct text *ret)
{
	const struct picker picker = { .task = task, .paths = paths, .count = count, .ret = ret };

	memset(ret, 0, count * sizeof(*ret));
	return pick_inside(&picker, object, "", 0);
}

struct text
pick_plain(struct task *task, struct text json)
{
	struct text text = { 0 };

	if (json.len == 0 || json.at[0] == '{' || json.at[0] == '[')
		return text;
	if (json.at[0] != '"')
		return json;
	if (!json_text_value(task, json, &text))
		return (struct text){ 0 };
	return text;
}
