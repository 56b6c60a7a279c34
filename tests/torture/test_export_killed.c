/*
 * tally export, killed at each of its places and run again, leaves the same bytes as one that was
 * not killed; and there is a manifest only where all that it lists is whole.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/exporting.h"
#include "tests/torture/torture.h"

static struct servers *servers;

static const struct form {
	const char *what, *format;
} forms[] = { { "records", "ndjson" }, { "usage", "csv" }, { "focus", "csv" },
	{ "audit", "ndjson" } };

/* Where, and how often it is passed in an export of 14 files. */
static const struct place {
	const char *name;
	int times[4];
} places[] = {
	{ "export-begun", { 1 } },
	{ "export-rows", { 1, 2, 14 } },
	{ "export-renamed", { 1, 7, 14 } },
	{ "export-added", { 1, 8, 14 } },
	{ "export-manifest", { 1 } },
	{ "export-listed", { 1 } },
};

static const char *
path_of(const char *what, const char *name, int time)
{
	return exporting_text("%s/%s-%s-%d", servers_folder(servers), what, name, time);
}

static void
run_export(const struct form *form, const char *folder, const char *environment, int status)
{
	exporting_run(servers, environment, status, "",
	    (const char *const[]){
		"--out", folder, "--what", form->what, "--format", form->format, NULL });
}

/* Whoever finds a manifest finds what it says. */
static void
expect_no_lie(const char *folder)
{
	free(exporting_sh("cd %s && if [ -e manifest.json ] && ! [ -e journal.ndjson ]; then "
			  "grep -o '\"file\":\"[^\"]*' manifest.json | cut -d '\"' -f 4 | "
			  "while read -r file; do [ -s $file ] || exit 1; done; fi",
	    folder));
}

static void
expect_equal(const char *folder, const char *whole)
{
	char *difference = exporting_sh("diff -r %s %s 2>&1 || :", folder, whole);

	if (difference[0] != '\0')
		fail_msg("%s", difference);
	free(difference);
}

static void
kill_at(const struct form *form, const struct place *place, int time, const char *whole)
{
	const char *folder = path_of(form->what, place->name, time);
	const char *environment = exporting_text("TALLY_FAILPOINT=%s:%d", place->name, time);

	run_export(form, folder, environment, 128 + SIGKILL);
	expect_no_lie(folder);
	run_export(form, folder, NULL, 0);
	expect_equal(folder, whole);
}

static void
what_was_killed_goes_on(UNUSED void **state)
{
	for (size_t i = 0; i < COUNT(forms); i++) {
		const char *whole = path_of(forms[i].what, "whole", 0);

		run_export(&forms[i], whole, NULL, 0);
		for (size_t j = 0; j < COUNT(places); j++) {
			for (const int *time = places[j].times; *time != 0; time++)
				kill_at(&forms[i], &places[j], *time, whole);
		}
	}
}

/* An export that is there, and gets a late record while it is killed. */
static void
what_was_killed_while_it_changed_goes_on(UNUSED void **state)
{
	const char *whole = path_of("records", "changed", 0);

	for (size_t j = 0; j < COUNT(places); j++)
		run_export(&forms[0], path_of("late", places[j].name, 1), NULL, 0);
	exporting_add(servers, "kolkata", 5, 3);
	run_export(&forms[0], whole, NULL, 0);
	for (size_t j = 0; j < COUNT(places); j++) {
		const char *folder = path_of("late", places[j].name, 1);

		run_export(&forms[0], folder,
		    exporting_text("TALLY_FAILPOINT=%s:1", places[j].name), 128 + SIGKILL);
		expect_no_lie(folder);
		run_export(&forms[0], folder, NULL, 0);
		expect_equal(folder, whole);
	}
}

/* A power cut may leave half a line behind. */
static void
a_torn_journal_is_read_up_to_the_tear(UNUSED void **state)
{
	const char *folder = path_of("torn", "journal", 1);
	const char *whole = path_of("records", "changed", 0);

	run_export(&forms[0], folder, "TALLY_FAILPOINT=export-added:5", 128 + SIGKILL);
	free(exporting_sh("truncate -s -40 %s/journal.ndjson", folder));
	exporting_run(servers, NULL, 0, "\"files_written\":10,\"files_kept\":4",
	    (const char *const[]){
		"--out", folder, "--what", "records", "--format", "ndjson", NULL });
	expect_equal(folder, whole);
}

static int
start(UNUSED void **state)
{
	torture_use_programs();
	servers = servers_start(SERVER_REDIS);
	exporting_client(servers, "utc", "UTC", 20);
	exporting_client(servers, "kolkata", "Asia/Kolkata", 20);
	exporting_audit(servers, "utc");
	exporting_audit(servers, "kolkata");
	return 0;
}

static int
stop(UNUSED void **state)
{
	servers_stop(servers);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_killed_goes_on),
		cmocka_unit_test(what_was_killed_while_it_changed_goes_on),
		cmocka_unit_test(a_torn_journal_is_read_up_to_the_tear),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
