/*
 * The torture of a few faults, with a fixed seed and with each that once failed, and of some
 * postings; with SEED and FAULTS in the environment (make torture) that one only.
 */
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/process.h"
#include "tests/torture/torture.h"

#define FAULTS 10
#define SEED 20261122
#define POSTINGS 2000
#define KILLS 2

static void
test_ten_faults(void **state)
{
	(void)state;
	assert_true(torture_run(&(struct torture_plan){ .seed = SEED, .faults = FAULTS }));
}

static void
test_postings_between_kills(void **state)
{
	const struct torture_plan plan = { SEED, KILLS, POSTINGS };

	(void)state;
	assert_true(torture_run(&plan));
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
		const struct torture_plan plan = { strtoull(line, NULL, 10), FAULTS, 0 };

		if (line[0] != '#')
			assert_true(torture_run(&plan));
	}
	fclose(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_faults),
		cmocka_unit_test(test_postings_between_kills),
		cmocka_unit_test(test_seeds_that_failed),
	};
	const char *seed = getenv("SEED"), *count = getenv("FAULTS");
	const char *postings = getenv("POSTINGS");
	struct torture_plan plan;

	torture_use_programs();
	if (seed != NULL && count != NULL) {
		plan =
		    (struct torture_plan){ strtoull(seed, NULL, 10), (int)strtol(count, NULL, 10),
			    postings == NULL ? 0 : strtol(postings, NULL, 10) };
		return torture_run(&plan) ? 0 : 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
