#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ready.h"

/* A new migration without a new constant would let an old database pass for ready. */
static void
test_the_migration_that_is_asked_for_is_the_newest(void **state)
{
	const char *source = getenv("TALLY_SRCDIR");
	char newest[15] = "", path[4096];
	const struct dirent *entry;

	(void)state;
	snprintf(path, sizeof(path), "%s/migrations", source != NULL ? source : ".");
	DIR *folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL)
		if (strstr(entry->d_name, ".sql") != NULL && strcmp(entry->d_name, newest) > 0)
			snprintf(newest, sizeof(newest), "%.14s", entry->d_name);
	closedir(folder);
	assert_string_equal(newest, READY_MIGRATION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_migration_that_is_asked_for_is_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
