#include "tests/test.h"

#include "lib/conf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct task task;
static char folder[] = "/tmp/test_conf.XXXXXX", path[sizeof(folder) + 16];

static void
upper(char *out, const char *key)
{
	do {
		*out++ = (char)toupper((unsigned char)*key);
	} while (*key++ != '\0');
}

static void
clear_environment(void)
{
	char name[64];

	for (size_t i = 0; conf_key(i) != NULL; i++) {
		upper(name, conf_key(i));
		unsetenv(name);
	}
	unsetenv("CREDENTIALS_DIRECTORY");
}

static int
make_folder(UNUSED void **state)
{
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/tally.conf", folder);
	return 0;
}

static int
remove_folder(UNUSED void **state)
{
	unlink(path);
	return rmdir(folder);
}

static int
setup(UNUSED void **state)
{
	clear_environment();
	task_init(&task, arena_new());
	return 0;
}

static int
teardown(UNUSED void **state)
{
	clear_environment();
	arena_free(task.arena);
	return 0;
}

static void
write_file_n(const char *name, const char *content, size_t len)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static struct conf
read_good(const char *content)
{
	struct conf conf = { 0 };

	write_file_n(path, content, strlen(content));
	task_clear_error(&task);
	if (!conf_read(&task, path, &conf))
		fail_msg("\"%s\" was refused: %s", content, task.err.text);
	return conf;
}

/* content must be refused with a reason that holds each of the words. */
static void
read_bad(const char *what, const char *content, const char *const words[3])
{
	struct conf conf = { .threads = -77 };

	write_file_n(path, content, strlen(content));
	task_clear_error(&task);
	if (conf_read(&task, path, &conf))
		fail_msg("%s: was read", what);
	assert_int_equal(task.err.code, ERR_INVALID);
	assert_int_equal(conf.threads, -77);
	for (size_t i = 0; i < 3; i++) {
		if (words[i] != NULL && strstr(task.err.text, words[i]) == NULL)
			fail_msg("%s: \"%s\" lacks %s", what, task.err.text, words[i]);
	}
}

static void
an_empty_file_gives_the_defaults(UNUSED void **state)
{
	struct conf conf = read_good("");

	assert_string_equal(conf.database_url, "");
	assert_string_equal(conf.database_worker_url, "");
	assert_string_equal(conf.database_owner_url, "");
	assert_int_equal(conf.database_pool_max, 20);
	assert_int_equal(conf.database_pool_min, 2);
	assert_int_equal(conf.database_idle_timeout_ms, 30000);
	assert_int_equal(conf.database_connect_timeout_ms, 2000);
	assert_int_equal(conf.database_acquire_timeout_ms, 2000);
	assert_int_equal(conf.database_statement_timeout_ms, 10000);
	assert_string_equal(conf.redis_url, "unix:/run/redis/redis.sock");
	assert_int_equal(conf.redis_connect_timeout_ms, 500);
	assert_int_equal(conf.redis_command_timeout_ms, 500);
	assert_string_equal(conf.listen, "");
	assert_int_equal(conf.threads, 4);
	assert_int_equal(conf.committers, 2);
	assert_int_equal(conf.connections_max, 4096);
	assert_int_equal(conf.queue_max, 50000);
	assert_int_equal(conf.body_max_bytes, 16777216);
	assert_int_equal(conf.key_failures_per_minute, 60);
	assert_int_equal(conf.io_timeout_ms, 10000);
	assert_int_equal(conf.stop_timeout_ms, 30000);
	assert_string_equal(conf.log_level, "info");
	assert_int_equal(conf.log_retention_days, 90);
	assert_int_equal(conf.message_retention_days, 30);
	assert_int_equal(conf.session_lifetime_s, 2592000);
	assert_int_equal(conf.user_grace_days, 30);
	assert_int_equal(conf.partitions_ahead, 7);
	assert_int_equal(conf.webhook_timeout_ms, 5000);
	assert_false(conf.webhook_allow_private);
	assert_string_equal(conf.migrations_dir, PKGDATADIR "/migrations");
	assert_false(conf.development);
}

static void
lines_are_read(UNUSED void **state)
{
	struct conf conf = read_good("# a comment = 5\n\n"
				     "  threads=7\n\tdatabase_pool_max \t = \t 9  \r\n"
				     "   # another\n"
				     "database_url = postgresql://u@/db?host=/run&x=#1 # part\n"
				     "log_level = error\nlog_level = debug\n"
				     "listen = unix:/run/tally/tallyd.sock\n"
				     "redis_url = redis://127.0.0.1:6379\n"
				     "development = yes");

	assert_int_equal(conf.threads, 7);
	assert_int_equal(conf.database_pool_max, 9);
	assert_string_equal(conf.database_url, "postgresql://u@/db?host=/run&x=#1 # part");
	assert_string_equal(conf.log_level, "debug");
	assert_string_equal(conf.listen, "unix:/run/tally/tallyd.sock");
	assert_string_equal(conf.redis_url, "redis://127.0.0.1:6379");
	assert_true(conf.development);
}

static void
the_database_stands_for_those_not_named(UNUSED void **state)
{
	struct conf conf = read_good("database_url = a\n");

	assert_string_equal(conf.database_worker_url, "a");
	assert_string_equal(conf.database_owner_url, "a");
	conf = read_good("database_url = a\ndatabase_worker_url = b\ndatabase_owner_url = c\n");
	assert_string_equal(conf.database_url, "a");
	assert_string_equal(conf.database_worker_url, "b");
	assert_string_equal(conf.database_owner_url, "c");
}

static void
bad_lines_are_refused_with_file_line_and_key(UNUSED void **state)
{
	static const struct {
		const char *what;
		const char *content;
		const char *reason;
	} cases[] = {
		{ "no equals sign", "\nthreads\n",
		    "line 2: a setting must have the form key = value" },
		{ "an unknown key", "\n\nthread = 4\n", "line 3: \"thread\" is not a setting" },
		{ "a longer key", "threadss = 4\n", "line 1: \"threadss\" is not a setting" },
		{ "an upper-case key", "THREADS = 4\n", "line 1: \"THREADS\" is not a setting" },
		{ "an empty key", "= 4\n", "line 1: \"\" is not a setting" },
		{ "a bad value", "#\nthreads = x\n", "line 2: threads must be a whole number" },
		{ "an empty number", "threads =\n", "line 1: threads must be a whole number" },
		{ "a comment behind a number", "threads = 4 # four\n", "line 1: threads must be" },
		{ "an empty folder", "migrations_dir =\n", "line 1: migrations_dir must not be" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *words[3] = { cases[i].reason, path, NULL };

		read_bad(cases[i].what, cases[i].content, words);
	}
}

static void
a_pool_is_not_smaller_than_its_least(UNUSED void **state)
{
	static const char *const words[3] = { "database_pool_min", "database_pool_max" };

	assert_int_equal(
	    read_good("database_pool_max = 4\ndatabase_pool_min = 4\n").database_pool_max, 4);
	read_bad("less than min", "database_pool_max = 3\ndatabase_pool_min = 4\n", words);
	read_bad("less than the default", "database_pool_max = 1\n", words);
}

static void
every_number_has_its_limits(UNUSED void **state)
{
	static const struct {
		const char *key;
		int64_t min, max;
	} cases[] = {
		{ "database_pool_max", 1, 1000 },
		{ "database_pool_min", 0, 1000 },
		{ "database_idle_timeout_ms", 1, 86400000 },
		{ "database_connect_timeout_ms", 1, 3600000 },
		{ "database_acquire_timeout_ms", 1, 3600000 },
		{ "database_statement_timeout_ms", 1, 86400000 },
		{ "redis_connect_timeout_ms", 1, 3600000 },
		{ "redis_command_timeout_ms", 1, 3600000 },
		{ "threads", 1, 256 },
		{ "usage_memory_mb", 0, 4096 },
		{ "committers", 1, 64 },
		{ "connections_max", 1, 65536 },
		{ "queue_max", 1, 10000000 },
		{ "key_failures_per_minute", 0, 10000 },
		{ "body_max_bytes", 1024, 1073741824 },
		{ "io_timeout_ms", 1, 3600000 },
		{ "stop_timeout_ms", 0, 3600000 },
		{ "log_retention_days", 1, 36500 },
		{ "message_retention_days", 1, 36500 },
		{ "session_lifetime_s", 1, 315360000 },
		{ "access_token_lifetime_s", 1, 86400 },
		{ "refresh_token_lifetime_s", 1, 315360000 },
		{ "user_grace_days", 0, 36500 },
		{ "partitions_ahead", 1, 366 },
		{ "webhook_timeout_ms", 1, 3600000 },
	};
	/* The two sizes of the pool depend on each other. */
	static const char start[] = "database_pool_min = 0\ndatabase_pool_max = 1000\n";
	char content[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const words[3] = { "line 3", cases[i].key };
		bool is_pool = strcmp(cases[i].key, "database_pool_max") == 0;
		const char *head = is_pool ? "database_pool_min = 0\n\n" : start;

		for (int most = 0; most < 2; most++) {
			long long good = most ? cases[i].max : cases[i].min;
			long long bad = most ? good + 1 : good - 1;

			snprintf(content, sizeof content, "%s%s = %lld", head, cases[i].key, good);
			read_good(content);
			snprintf(content, sizeof content, "%s%s = %lld", head, cases[i].key, bad);
			read_bad(cases[i].key, content, words);
		}
	}
}

static void
a_text_has_at_most_4096_bytes(UNUSED void **state)
{
	static char content[5000];
	int start = snprintf(content, sizeof(content), "database_url = ");
	static const char *const words[3] = { "line 1: database_url", "too long" };

	memset(content + start, 'x', 4096);
	assert_int_equal(strlen(read_good(content).database_url), 4096);
	content[start + 4096] = 'x';
	read_bad("4097 bytes", content, words);
}

static void
a_file_has_at_most_64_kib(UNUSED void **state)
{
	static char content[65538];
	static const char *const words[3] = { "larger than 65536 bytes" };

	memset(content, '\n', 65536);
	content[snprintf(content, sizeof(content), "threads = 7")] = '\n';
	assert_int_equal(read_good(content).threads, 7);
	content[65536] = '\n';
	read_bad("one byte more", content, words);
}

static void
what_is_no_file_is_named(UNUSED void **state)
{
	const char *const names[] = { "/nonexistent/tally.conf", folder };
	struct conf conf;

	for (size_t i = 0; i < COUNT(names); i++) {
		task_clear_error(&task);
		assert_false(conf_read(&task, names[i], &conf));
		assert_int_equal(task.err.code, ERR_INVALID);
		assert_non_null(strstr(task.err.text, names[i]));
	}
}

static void
the_environment_comes_after_the_file(UNUSED void **state)
{
	setenv("THREADS", "9", 1);
	setenv("DATABASE_URL", "from-environment", 1);
	setenv("LOG_LEVEL", "", 1);
	assert_int_equal(read_good("threads = 5\n").threads, 9);
	assert_string_equal(
	    read_good("database_url = x\n").database_worker_url, "from-environment");
	assert_string_equal(read_good("log_level = debug\n").log_level, "debug");
	setenv("THREADS", "many", 1);
	read_bad("a bad variable", "threads = 5\n",
	    (const char *const[3]){ "environment", "threads", "from 1 to 256" });
}

static void
every_setting_has_a_variable(UNUSED void **state)
{
	char name[64];

	for (size_t i = 0; conf_key(i) != NULL; i++) {
		static char wrong[5000]; /* too long, no number, no word */
		struct conf conf;

		memset(wrong, 'x', sizeof(wrong) - 1);
		upper(name, conf_key(i));
		setenv(name, wrong, 1);
		write_file_n(path, "", 0);
		task_clear_error(&task);
		assert_false(conf_read(&task, path, &conf));
		assert_non_null(strstr(task.err.text, conf_key(i)));
		unsetenv(name);
	}
}

static void
a_credential_comes_between_file_and_environment(UNUSED void **state)
{
	char credential[sizeof(folder) + 32];

	snprintf(credential, sizeof(credential), "%s/database_url", folder);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	write_file_n(credential, " secret \nsecond\n", 16);
	assert_string_equal(read_good("database_url = file\n").database_url, "secret");
	setenv("DATABASE_URL", "environment", 1);
	assert_string_equal(read_good("database_url = file\n").database_url, "environment");
	unsetenv("DATABASE_URL");
	write_file_n(credential, "\nsecond\n", 8);
	assert_string_equal(read_good("database_url = file\n").database_url, "file");
	unlink(credential);
	assert_string_equal(read_good("database_url = file\n").database_url, "file");
	snprintf(credential, sizeof(credential), "%s/threads", folder);
	write_file_n(credential, "none", 4);
	read_bad("a bad credential", "", (const char *const[3]){ credential, "threads", "whole" });
	unlink(credential);
}

static void
keys_end_with_null(UNUSED void **state)
{
	size_t count = 0;

	while (conf_key(count) != NULL)
		count++;
	assert_string_equal(conf_key(0), "database_url");
	assert_null(conf_key(SIZE_MAX));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_file_gives_the_defaults),
		TEST(lines_are_read),
		TEST(the_database_stands_for_those_not_named),
		TEST(bad_lines_are_refused_with_file_line_and_key),
		TEST(a_pool_is_not_smaller_than_its_least),
		TEST(every_number_has_its_limits),
		TEST(a_text_has_at_most_4096_bytes),
		TEST(a_file_has_at_most_64_kib),
		TEST(what_is_no_file_is_named),
		TEST(the_environment_comes_after_the_file),
		TEST(every_setting_has_a_variable),
		TEST(a_credential_comes_between_file_and_environment),
		cmocka_unit_test(keys_end_with_null),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
