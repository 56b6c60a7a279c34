#include "lib/zone.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/zone_private.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_FILE_MAX 65536
#define DAY 86400
#define DATE_LIMIT 100000000 /* days whose microseconds an int64_t holds */

/* Guards zones and zones_arena, which only grow: a zone once found is read without it. */
static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *zones;
static struct arena *zones_arena;

/* Zones that mean another thing on another machine, and copies of the whole database. */
static bool
is_local(const char *name)
{
	return strcmp(name, "localtime") == 0 || strcmp(name, "posixrules") == 0 ||
	       strncmp(name, "posix/", 6) == 0 || strncmp(name, "right/", 6) == 0;
}

/* Letters, digits, "_+-", and single slashes inside: no dots, so no way out of the folder. */
static bool
is_name(const char *name)
{
	size_t len = strnlen(name, ZONE_NAME_MAX + 1);
	char before = '/';

	if (len == 0 || len > ZONE_NAME_MAX || name[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; before = name[i++]) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool other = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';

		if (!letter && !other && !(c == '/' && before != '/'))
			return false;
	}
	return !is_local(name);
}

static bool
read_bytes(int fd, char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
refuse_name(struct task *task)
{
	return task_fail(task, ERR_INVALID, "The time zone is not in the IANA database.");
}

static bool
read_open_file(struct task *task, int fd, struct text *ret)
{
	struct stat stat;
	char *at;

	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size > ZONE_FILE_MAX)
		return refuse_name(task);
	at = arena_alloc(task->arena, (size_t)stat.st_size);
	if (!read_bytes(fd, at, (size_t)stat.st_size))
		return task_fail(task, ERR_INTERNAL, "The time zone database cannot be read.");
	*ret = (struct text){ .at = at, .len = (size_t)stat.st_size };
	return true;
}

static bool
read_file(struct task *task, const char *name, struct text *ret)
{
	const char *folder = getenv("TZDIR");
	const char *path;
	bool done;
	int fd;

	if (folder == NULL || *folder == '\0')
		folder = ZONE_FOLDER;
	path = arena_printf(task->arena, "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return refuse_name(task);
		return task_fail(
		    task, ERR_INTERNAL, "The time zone database cannot be opened (%d).", errno);
	}
	done = read_open_file(task, fd, ret);
	close(fd);
	return done;
}

/* With the lock held. */
static const struct zone *
find_kept(const char *name)
{
	for (const struct zone *zone = zones; zone != NULL; zone = zone->next)
		if (strcmp(zone->name, name) == 0)
			return zone;
	return NULL;
}

/* With the lock held. NULL when the file is no TZif file. */
static const struct zone *
keep(const char *name, struct text tzif)
{
	struct arena_mark mark;
	struct zone *zone;

	if (zones_arena == NULL)
		zones_arena = arena_new();
	mark = arena_mark(zones_arena);
	zone = arena_alloc(zones_arena, sizeof(*zone));
	if (!zone_parse(zones_arena, tzif, zone)) {
		arena_undo(zones_arena, mark);
		return NULL;
	}
	zone->name = arena_strdup(zones_arena, name);
	zone->next = zones;
	zones = zone;
	return zone;
}

bool
zone_find(struct task *task, const char *name, const struct zone **ret)
{
	const struct zone *zone;
	struct text tzif = { .at = NULL };

	if (!is_name(name))
		return refuse_name(task);
	pthread_mutex_lock(&zones_lock);
	zone = find_kept(name);
	pthread_mutex_unlock(&zones_lock);
	if (zone == NULL) {
		if (!read_file(task, name, &tzif))
			return false;
		pthread_mutex_lock(&zones_lock);
		zone = find_kept(name); /* another thread may have been faster */
		if (zone == NULL)
			zone = keep(name, tzif);
		pthread_mutex_unlock(&zones_lock);
	}
	if (zone == NULL)
		return refuse_name(task);
	*ret = zone;
	return true;
}

/* Index of the last transition at or before the instant, which is not before the first. */
static size_t
find_transition(const struct zone *zone, int64_t at)
{
	size_t low = 0, high = zone->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->times[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int32_t
last_offset(const struct zone *zone)
{
	return zone->count == 0 ? zone->first_offset : zone->offsets[zone->count - 1];
}

static struct zone_span
span_at(const struct zone *zone, int64_t at)
{
	size_t i;

	if (zone->count == 0 || at >= zone->times[zone->count - 1]) {
		if (zone->rule.given)
			return zone_rule_span(&zone->rule, at);
		return (struct zone_span){ .end = INT64_MAX, .offset = last_offset(zone) };
	}
	if (at < zone->times[0])
		return (struct zone_span){ .end = zone->times[0], .offset = zone->first_offset };
	i = find_transition(zone, at);
	return (struct zone_span){ .end = zone->times[i + 1], .offset = zone->offsets[i] };
}

static int64_t
divide_down(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

const char *
zone_name(const struct zone *zone)
{
	return zone->name;
}

int32_t
zone_offset(const struct zone *zone, int64_t usec)
{
	return span_at(zone, divide_down(usec, CLOCK_SECOND)).offset;
}

int32_t
zone_date(const struct zone *zone, int64_t usec)
{
	int64_t at = divide_down(usec, CLOCK_SECOND);

	return (int32_t)divide_down(at + span_at(zone, at).offset, DAY);
}

int64_t
zone_day_start(const struct zone *zone, int32_t date)
{
	int64_t local = (int64_t)date * DAY;
	int64_t at = local - ZONE_OFFSET_LIMIT; /* before that, no zone has the day */

	assert(date > -DATE_LIMIT && date < DATE_LIMIT);
	for (;;) {
		struct zone_span span = span_at(zone, at);
		int64_t start = local - span.offset > at ? local - span.offset : at;

		if (start < span.end)
			return start * CLOCK_SECOND;
		at = span.end;
	}
}
