#include "worker/migration.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".sql"
#define READ_BYTES 65536

static const char up_line[] = "-- migrate:up";
static const char down_line[] = "-- migrate:down";
static const char no_transaction_line[] = "-- migrate:no-transaction";

static bool
refuse(struct task *task, const char *file, const char *why)
{
	return task_fail(task, ERR_INVALID, "migration %s: %s", file, why);
}

static bool
read_file(struct task *task, const char *folder, const char *file, struct text *ret)
{
	const char *path = arena_printf(task->arena, "%s/%s", folder, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf buf = { .arena = task->arena };
	ssize_t got;

	if (fd < 0)
		return refuse(task, file, strerror(errno));
	do {
		got = read(fd, buf_room(&buf, READ_BYTES), READ_BYTES);
		buf.len += got > 0 ? (size_t)got : 0;
	} while (buf.len <= MIGRATION_MAX_BYTES && (got > 0 || (got < 0 && errno == EINTR)));
	close(fd);
	if (got < 0)
		return refuse(task, file, "cannot be read");
	if (buf.len > MIGRATION_MAX_BYTES)
		return refuse(task, file, "is larger than 1 MiB");
	buf_puts(&buf, "");
	*ret = buf_text(&buf);
	if (memchr(ret->at, '\0', ret->len) != NULL)
		return refuse(task, file, "is not text");
	return true;
}

/* The line's length without white space at its end. */
static size_t
trimmed(const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	return len;
}

static bool
is_line(const char *line, size_t len, const char *marker)
{
	return len == strlen(marker) && memcmp(line, marker, len) == 0;
}

/* Where the two parts begin and end in the text, while it is read. */
struct parts {
	const char *up, *up_end, *down;
	bool no_transaction;
};

static const char *
take_line(struct parts *parts, const char *line, size_t len)
{
	size_t words = trimmed(line, len);

	if (is_line(line, words, no_transaction_line)) {
		parts->no_transaction = true;
	} else if (is_line(line, words, up_line)) {
		if (parts->up != NULL)
			return "has more than one \"-- migrate:up\"";
		parts->up = line + len;
	} else if (is_line(line, words, down_line)) {
		if (parts->up == NULL || parts->down != NULL)
			return "wants one \"-- migrate:down\", behind \"-- migrate:up\"";
		parts->up_end = line;
		parts->down = line + len;
	} else if (parts->up == NULL && words > 0 && strncmp(line, "--", 2) != 0) {
		return "has a statement before \"-- migrate:up\"";
	}
	return NULL;
}

static bool
read_parts(struct task *task, struct text text, struct migration *migration)
{
	struct parts parts = { 0 };

	for (const char *line = text.at; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		const char *wrong = take_line(&parts, line, len);

		if (wrong != NULL)
			return refuse(task, migration->file, wrong);
		line += len;
		line += *line == '\n' ? 1 : 0;
	}
	if (parts.down == NULL)
		return refuse(
		    task, migration->file, "lacks \"-- migrate:up\" or \"-- migrate:down\"");
	migration->up = arena_strndup(task->arena, parts.up, (size_t)(parts.up_end - parts.up));
	migration->down = arena_strdup(task->arena, parts.down);
	migration->no_transaction = parts.no_transaction;
	return true;
}

static bool
read_version(struct task *task, const char *file, int64_t *ret)
{
	size_t digits = strspn(file, "0123456789");

	if (digits != MIGRATION_VERSION_DIGITS || file[digits] != '_' ||
	    strlen(file) <= digits + 1 + strlen(SUFFIX))
		return refuse(task, file, "is not named YYYYMMDDHHMMSS_name.sql");
	*ret = strtoll(file, NULL, 10);
	return true;
}

static bool
add(struct task *task, const char *folder, const char *name, struct migrations *migrations)
{
	struct migration *migration = &migrations->list[migrations->count];
	struct text text = { .at = "" };

	if (migrations->count == MIGRATIONS_MAX)
		return refuse(task, name, "is one too many");
	migration->file = arena_strdup(task->arena, name);
	if (!read_version(task, migration->file, &migration->version) ||
	    !read_file(task, folder, migration->file, &text) || !read_parts(task, text, migration))
		return false;
	seal_hash(text, migration->checksum);
	migrations->count++;
	return true;
}

static int
compare(const void *a, const void *b)
{
	int64_t left = ((const struct migration *)a)->version;
	int64_t right = ((const struct migration *)b)->version;

	return left < right ? -1 : left > right;
}

static bool
sort(struct task *task, struct migrations *migrations)
{
	const struct migration *list = migrations->list;

	qsort(migrations->list, migrations->count, sizeof(*list), compare);
	for (size_t i = 1; i < migrations->count; i++) {
		if (list[i].version == list[i - 1].version)
			return task_fail(task, ERR_INVALID,
			    "migrations %s and %s: the same version", list[i - 1].file,
			    list[i].file);
	}
	return true;
}

static bool
is_migration(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > strlen(SUFFIX) &&
	       strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

bool
migrations_read(struct task *task, const char *folder, struct migrations *ret)
{
	DIR *directory = opendir(folder);
	struct migrations found = { 0 };
	const struct dirent *entry;
	bool fine = true;

	if (directory == NULL)
		return task_fail(
		    task, ERR_INVALID, "migrations_dir %s: %s", folder, strerror(errno));
	found.list = arena_array(task->arena, MIGRATIONS_MAX, sizeof(*found.list));
	while (fine && (entry = readdir(directory)) != NULL) {
		if (is_migration(entry->d_name))
			fine = add(task, folder, entry->d_name, &found);
	}
	closedir(directory);
	if (fine && found.count == 0)
		fine = task_fail(task, ERR_INVALID, "migrations_dir %s has no migrations", folder);
	if (!fine || !sort(task, &found))
		return false;
	*ret = found;
	return true;
}

const struct migration *
migrations_find(const struct migrations *migrations, int64_t version)
{
	struct migration key = { .version = version };

	return bsearch(&key, migrations->list, migrations->count, sizeof(key), compare);
}
