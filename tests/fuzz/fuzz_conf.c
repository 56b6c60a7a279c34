/* Configuration files: read, or refused with a reason in ASCII. */
#include "lib/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_reason(const struct err *err)
{
	must(err->code == ERR_INVALID && *err->text != '\0');
	for (const char *at = err->text; *at != '\0'; at++)
		must(*at >= ' ' && *at <= '~');
}

static void
check_values(const struct conf *conf)
{
	must(conf->database_pool_min >= 0 && conf->database_pool_min <= conf->database_pool_max);
	must(conf->threads >= 1 && conf->threads <= 256);
	must(strlen(conf->redis_url) > 0 && strlen(conf->database_worker_url) <= 4096);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];
	struct conf conf;
	struct task task;

	if (fd < 0) {
		clearenv();
		fd = memfd_create("tally.conf", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	task_init(&task, arena_new());
	if (conf_read(&task, path, &conf))
		check_values(&conf);
	else
		check_reason(&task.err);
	arena_free(task.arena);
	return 0;
}
