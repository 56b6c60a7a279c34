/*
 * What the programs under torture have and the installed ones have not: places to die at, and a
 * clock that can be set back (the linker puts __wrap_clock_gettime() before the real one).
 */
#include "lib/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

void
failpoint_hit(const char *name)
{
	static atomic_int times;
	const char *wanted = getenv("TALLY_FAILPOINT");
	size_t len = strlen(name);

	if (wanted == NULL || strncmp(wanted, name, len) != 0 || wanted[len] != ':')
		return;
	if (atomic_fetch_add(&times, 1) + 1 == (int)strtol(wanted + len + 1, NULL, 10))
		raise(SIGKILL);
}

/* The file named by TALLY_CLOCK holds the seconds by which the time of day differs. */
static long
read_shift(void)
{
	const char *path = getenv("TALLY_CLOCK");
	FILE *in = path == NULL ? NULL : fopen(path, "re");
	char text[24] = "";

	if (in == NULL)
		return 0;
	if (fgets(text, sizeof(text), in) == NULL)
		text[0] = '\0';
	fclose(in);
	return strtol(text, NULL, 10);
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int result = __real_clock_gettime(clock, ret);

	if (clock == CLOCK_REALTIME)
		ret->tv_sec += read_shift();
	return result;
}
