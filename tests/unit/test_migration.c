#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/migration.h"

static char folder[] = "/tmp/tally-migration-XXXXXX";
static struct task task;

static const char good[] = "-- What it is for.\n\n-- migrate:up  \nUP;\n\n-- migrate:down\nDOWN;\n";

static char *
path_of(const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		abort();
	return path;
}

static void
write_file(const char *name, const void *bytes, size_t len)
{
	char *path = path_of(name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
	free(path);
}

static void
remove_file(const char *name)
{
	char *path = path_of(name);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static void
test_files_are_read_in_the_order_of_their_versions(void **state)
{
	static const char other[] = "-- migrate:no-transaction\n-- migrate:up\n-- migrate:down\n";
	struct migrations files;

	(void)state;
	write_file("20260102000000_b.sql", good, strlen(good));
	write_file("20260101000000_a.sql", other, strlen(other));
	write_file("README.md", "", 0);
	write_file(".20260103000000_c.sql", "", 0);
	assert_true(migrations_read(&task, folder, &files));
	assert_int_equal(files.count, 2);
	assert_string_equal(files.list[0].file, "20260101000000_a.sql");
	assert_true(files.list[0].no_transaction);
	assert_string_equal(files.list[0].up, "\n");
	assert_int_equal(files.list[1].version, 20260102000000);
	assert_false(files.list[1].no_transaction);
	assert_string_equal(files.list[1].up, "\nUP;\n\n");
	assert_string_equal(files.list[1].down, "\nDOWN;\n");
	assert_ptr_equal(migrations_find(&files, 20260102000000), &files.list[1]);
	assert_null(migrations_find(&files, 20260103000000));
	remove_file("20260102000000_b.sql");
	remove_file("20260101000000_a.sql");
	remove_file("README.md");
	remove_file(".20260103000000_c.sql");
}

static void
test_the_checksum_follows_the_bytes(void **state)
{
	struct migrations before, after;

	(void)state;
	write_file("20260101000000_a.sql", good, strlen(good));
	assert_true(migrations_read(&task, folder, &before));
	write_file("20260101000000_a.sql", good, strlen(good) - 1);
	assert_true(migrations_read(&task, folder, &after));
	assert_memory_not_equal(before.list[0].checksum, after.list[0].checksum, SEAL_HASH_SIZE);
	remove_file("20260101000000_a.sql");
}

static const struct {
	const char *sentence;
	const char *name;
	const char *text;
	const char *said;
} bad_files[] = {
	{ "a short version", "2026_x.sql", good, "is not named" },
	{ "a long version", "202601010000001_x.sql", good, "is not named" },
	{ "no name", "20260101000000_.sql", good, "is not named" },
	{ "no version", "x.sql", good, "is not named" },
	{ "a version twice", "20260101000000_again.sql", good, "the same version" },
	{ "no part down", "20260102000000_x.sql", "-- migrate:up\nSELECT 1;\n", "lacks" },
	{ "no part up", "20260102000000_x.sql", "-- migrate:down\nSELECT 1;\n", "behind" },
	{ "an empty file", "20260102000000_x.sql", "", "lacks" },
	{ "two parts up", "20260102000000_x.sql", "-- migrate:up\n-- migrate:up\n-- migrate:down\n",
	    "more than one" },
	{ "two parts down", "20260102000000_x.sql",
	    "-- migrate:up\n-- migrate:down\n-- migrate:down\n", "wants one" },
	{ "a statement in front", "20260102000000_x.sql",
	    "SELECT 1;\n-- migrate:up\n-- migrate:down\n", "before" },
};

static void
expect_refusal(const char *sentence, const char *name, const char *said)
{
	struct migrations files;

	if (migrations_read(&task, folder, &files) || task.err.code != ERR_INVALID ||
	    strstr(task.err.text, said) == NULL || strstr(task.err.text, name) == NULL)
		fail_msg("%s: %s", sentence, task.err.text);
	task_clear_error(&task);
}

static void
test_a_bad_file_is_named(void **state)
{
	(void)state;
	write_file("20260101000000_a.sql", good, strlen(good));
	for (size_t i = 0; i < COUNT(bad_files); i++) {
		write_file(bad_files[i].name, bad_files[i].text, strlen(bad_files[i].text));
		expect_refusal(bad_files[i].sentence, bad_files[i].name, bad_files[i].said);
		remove_file(bad_files[i].name);
	}
	write_file("20260102000000_x.sql", good, sizeof(good));
	expect_refusal("a NUL byte", "20260102000000_x.sql", "is not text");
	remove_file("20260102000000_x.sql");
	remove_file("20260101000000_a.sql");
}

static void
test_a_file_is_at_most_so_large(void **state)
{
	size_t len = MIGRATION_MAX_BYTES;
	char *text = malloc(len + 1);
	struct migrations files;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', len + 1);
	memcpy(text, good, strlen(good));
	write_file("20260101000000_a.sql", text, len);
	assert_true(migrations_read(&task, folder, &files));
	write_file("20260101000000_a.sql", text, len + 1);
	expect_refusal("one byte more", "20260101000000_a.sql", "larger than");
	remove_file("20260101000000_a.sql");
	free(text);
}

static void
test_a_folder_without_files_is_refused(void **state)
{
	struct migrations files;

	(void)state;
	expect_refusal("an empty folder", folder, "has no migrations");
	assert_false(migrations_read(&task, "/nonexistent", &files));
	assert_int_equal(task.err.code, ERR_INVALID);
	task_clear_error(&task);
}

static int
start(void **state)
{
	(void)state;
	seal_init();
	task_init(&task, arena_new());
	return mkdtemp(folder) == NULL;
}

static int
stop(void **state)
{
	(void)state;
	arena_free(task.arena);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_read_in_the_order_of_their_versions),
		cmocka_unit_test(test_the_checksum_follows_the_bytes),
		cmocka_unit_test(test_a_bad_file_is_named),
		cmocka_unit_test(test_a_file_is_at_most_so_large),
		cmocka_unit_test(test_a_folder_without_files_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
