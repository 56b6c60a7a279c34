#include "tests/test.h"

#include "lib/conf_private.h"

#include <string.h>

static struct task task;
static const struct source source = { .name = "some.conf", .line = 3 };

/* One of each type; sizes and numbers with limits that are easy to meet. */
static const struct setting a_text = { "t", SETTING_TEXT, offsetof(struct conf, database_url), 1, 8,
	"" };
static const struct setting a_secret = { "k", SETTING_SECRET, offsetof(struct conf, seal_key), 4, 8,
	"" };
static const struct setting a_socket = { "s", SETTING_SOCKET, offsetof(struct conf, listen), 0, 16,
	"" };
static const struct setting a_server = { "r", SETTING_SERVER, offsetof(struct conf, redis_url), 1,
	32, "" };
static const struct setting a_level = { "l", SETTING_LEVEL, offsetof(struct conf, log_level), 1, 16,
	"" };
static const struct setting an_int = { "i", SETTING_INT, offsetof(struct conf, threads), 5, 10,
	"" };
static const struct setting any_int = { "a", SETTING_INT, offsetof(struct conf, threads), 0,
	INT64_MAX, "" };
static const struct setting a_bool = { "b", SETTING_BOOL, offsetof(struct conf, development), 0, 1,
	"" };

static int
setup(UNUSED void **state)
{
	task_init(&task, arena_new());
	return 0;
}

static int
teardown(UNUSED void **state)
{
	arena_free(task.arena);
	return 0;
}

static bool
set(const struct setting *setting, const char *value, struct conf *conf)
{
	return conf_assign(&task, setting, source, (struct text){ value, strlen(value) }, conf);
}

static void
texts_are_kept(UNUSED void **state)
{
	static const struct {
		const char *what;
		const struct setting *setting;
		const char *value;
	} cases[] = {
		{ "the shortest text", &a_text, "x" },
		{ "the longest text", &a_text, "12345678" },
		{ "any characters", &a_text, "\xc3\xa4 #=\"" },
		{ "no secret", &a_secret, "" },
		{ "the shortest secret", &a_secret, "1234" },
		{ "an empty socket", &a_socket, "" },
		{ "a socket", &a_socket, "unix:/run/x" },
		{ "a socket in this folder", &a_socket, "unix:x" },
		{ "a server's socket", &a_server, "unix:/run/x" },
		{ "a server", &a_server, "redis://127.0.0.1:6379" },
		{ "a level", &a_level, "warning" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf conf = { 0 };
		const char *kept;

		if (!set(cases[i].setting, cases[i].value, &conf))
			fail_msg("%s: %s", cases[i].what, task.err.text);
		memcpy(&kept, (char *)&conf + cases[i].setting->offset, sizeof(kept));
		assert_string_equal(kept, cases[i].value);
	}
}

static void
numbers_are_read(UNUSED void **state)
{
	static const struct {
		const struct setting *setting;
		const char *value;
		int64_t number;
	} cases[] = {
		{ &an_int, "5", 5 },
		{ &an_int, "10", 10 },
		{ &an_int, "0007", 7 },
		{ &any_int, "0", 0 },
		{ &any_int, "9223372036854775807", INT64_MAX },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf conf = { 0 };

		assert_true(set(cases[i].setting, cases[i].value, &conf));
		assert_int_equal(conf.threads, cases[i].number);
	}
}

static void
every_word_for_yes_or_no_is_read(UNUSED void **state)
{
	static const char *const yes[] = { "true", "yes", "on", "1", "True", "YES" };
	static const char *const no[] = { "false", "no", "off", "0", "FALSE" };
	struct conf conf = { 0 };

	for (size_t i = 0; i < COUNT(yes); i++) {
		conf.development = false;
		assert_true(set(&a_bool, yes[i], &conf));
		assert_true(conf.development);
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		conf.development = true;
		assert_true(set(&a_bool, no[i], &conf));
		assert_false(conf.development);
	}
}

static void
other_values_are_refused_with_the_reason(UNUSED void **state)
{
	static const char form[] = "some.conf, line 3: r must have the form unix:PATH or "
				   "redis://HOST:PORT";
	static const char path[] = "some.conf, line 3: s must have the form unix:PATH";
	static const char level[] = "some.conf, line 3: l must be error, warning, info or debug";
	static const char number[] = "some.conf, line 3: i must be a whole number from 5 to 10";
	static const char truth[] = "some.conf, line 3: b must be true or false";
	static const struct {
		const char *what;
		const struct setting *setting;
		const char *value, *reason;
	} cases[] = {
		{ "an empty text", &a_text, "", "some.conf, line 3: t must not be empty" },
		{ "a long text", &a_text, "123456789", "some.conf, line 3: t is too long" },
		{ "a short secret", &a_secret, "123", "some.conf, line 3: k is too short" },
		{ "a long secret", &a_secret, "123456789", "some.conf, line 3: k is too long" },
		{ "a port to listen on", &a_socket, "8080", path },
		{ "a socket without its path", &a_socket, "unix:", path },
		{ "another kind of socket", &a_socket, "redis://x", path },
		{ "a long socket", &a_socket, "unix:/12345678901",
		    "some.conf, line 3: s is too long" },
		{ "no server", &a_server, "", "some.conf, line 3: r must not be empty" },
		{ "a server without its kind", &a_server, "127.0.0.1:6379", form },
		{ "a server without its name", &a_server, "redis://", form },
		{ "another kind of server", &a_server, "rediss://x", form },
		{ "an unknown level", &a_level, "loud", level },
		{ "a level in capitals", &a_level, "INFO", level },
		{ "no number", &an_int, "", number },
		{ "letters", &an_int, "six", number },
		{ "a plus", &an_int, "+6", number },
		{ "a fraction", &an_int, "6.0", number },
		{ "a unit", &an_int, "6s", number },
		{ "a comment", &an_int, "6 # six", number },
		{ "below the limit", &an_int, "4", number },
		{ "above the limit", &an_int, "11", number },
		{ "minus one", &any_int, "-1", "whole number from 0 to 9223372036854775807" },
		{ "a number behind INT64_MAX", &any_int, "9223372036854775808", "whole number" },
		{ "a number that wraps in 64 bits", &an_int, "18446744073709551622", number },
		{ "no truth", &a_bool, "", truth },
		{ "half a truth", &a_bool, "perhaps", truth },
		{ "two", &a_bool, "2", truth },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf conf = { 0 };

		task_clear_error(&task);
		if (set(cases[i].setting, cases[i].value, &conf))
			fail_msg("%s was taken", cases[i].what);
		assert_int_equal(task.err.code, ERR_INVALID);
		if (strstr(task.err.text, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].what, task.err.text);
	}
}

static void
a_nul_character_is_refused(UNUSED void **state)
{
	struct conf conf = { 0 };

	assert_false(conf_assign(&task, &a_text, source, (struct text){ "a\0b", 3 }, &conf));
	assert_string_equal(task.err.text, "some.conf, line 3: t must not hold a NUL character");
}

static void
a_source_without_lines_is_named_alone(UNUSED void **state)
{
	assert_false(conf_refuse(&task, (struct source){ .name = "environment" }, "x", "is bad"));
	assert_string_equal(task.err.text, "environment: x is bad");
}

static void
a_thread_is_left_to_read_requests(UNUSED void **state)
{
	static const struct {
		const char *sentence;
		int64_t threads, committers, expected;
	} cases[] = {
		{ "fewer than threads stay", 4, 3, 3 },
		{ "as many are one less", 4, 4, 3 },
		{ "more are one less", 4, 64, 3 },
		{ "of two threads one commits", 2, 2, 1 },
		{ "the only thread commits", 1, 2, 1 },
		{ "so it does alone", 1, 1, 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf conf = {
			.threads = cases[i].threads,
			.committers = cases[i].committers,
		};

		if (conf_committers(&conf) != cases[i].expected)
			fail_msg("%s", cases[i].sentence);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(texts_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(every_word_for_yes_or_no_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    other_values_are_refused_with_the_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(a_nul_character_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_source_without_lines_is_named_alone, setup, teardown),
		cmocka_unit_test(a_thread_is_left_to_read_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
