/*
 * The torture of a few faults, with a fixed seed and with each that once failed; with SEED and
 * FAULTS in the environment (make torture) that one only.
 */
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/process.h"
#include "tests/torture/torture.h"

#define FAULTS 10
#define SEED 20261122

static void
test_ten_faults(void **state)
{
	(void)state;
	assert_true(torture_run(SEED, FAULTS));
}

/* Lines of a number each; # begins a comment. */
static void
test_seeds_that_failed(void **state)
{
	const char *folder = getenv("TALLY_SRCDIR");
	char path[400], line[200];
	FILE *in;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/tests/torture/seeds", folder == NULL ? "." : folder);
	in = fopen(path, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (line[0] != '#')
			assert_true(torture_run(strtoull(line, NULL, 10), FAULTS));
	}
	fclose(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_faults),
		cmocka_unit_test(test_seeds_that_failed),
	};
	const char *seed = getenv("SEED"), *count = getenv("FAULTS");

	torture_use_programs();
	if (seed != NULL && count != NULL)
		return torture_run(strtoull(seed, NULL, 10), (int)strtol(count, NULL, 10)) ? 0 : 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
