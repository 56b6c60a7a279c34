#include "tests/servers_private.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A machine with less keeps its memory for programs. */
#define MEMORY_MIN (INT64_C(6) << 30)

static const enum server_part parts[] = { SERVER_POSTGRES, SERVER_REDIS };

static bool
mount_one(const struct servers *servers, enum server_part part, int disk_mib)
{
	char *path = servers_data(servers, part);
	char size[32];
	bool fine;

	(void)snprintf(size, sizeof(size), "size=%dm,mode=0755", disk_mib);
	fine = mkdir(path, 0755) == 0 && mount("tmpfs", path, "tmpfs", 0, size) == 0;
	free(path);
	return fine;
}

/* Removing a thousand files from a disk costs more than many a test. Who keeps the folder wants to
 * see it from outside. */
static bool
memory_is_wanted(void)
{
	int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

	return memory >= MEMORY_MIN && getenv("TALLY_TEST_KEEP") == NULL;
}

static void
mount_small(struct servers *servers, int disk_mib)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!mount_one(servers, parts[i], disk_mib)) {
			perror("a small disk");
			exit(1);
		}
	}
	servers->small_disk = true;
}

/* What is mounted in a name space of our own is gone with us, however we end. */
void
servers_mount(struct servers *servers, int disk_mib)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		if (disk_mib > 0)
			fprintf(stderr, "no small disks: %s\n", strerror(errno));
		return;
	}
	servers->in_memory =
	    memory_is_wanted() && mount("tmpfs", servers->folder, "tmpfs", 0, "mode=0755") == 0;
	if (disk_mib > 0)
		mount_small(servers, disk_mib);
}

void
servers_unmount(struct servers *servers)
{
	for (size_t i = 0; servers->small_disk && i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *path = servers_data(servers, parts[i]);

		umount2(path, MNT_DETACH);
		free(path);
	}
	if (servers->in_memory)
		umount2(servers->folder, MNT_DETACH);
}

bool
servers_disk_is_small(const struct servers *servers)
{
	return servers->small_disk;
}
