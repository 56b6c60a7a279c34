#include "tests/test.h"

#include "lib/log.h"

#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

#define LONG 6000

/* Standard error as a socket that keeps writes apart: one packet is one write. */
static int kept_stderr, reader;

static int
setup(UNUSED void **state)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	reader = pair[0];
	kept_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_LEVEL_INFO);
	return 0;
}

static int
teardown(UNUSED void **state)
{
	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	close(reader);
	return 0;
}

/* The next line without its newline, or "" when nothing was written. */
static const char *
next_line(void)
{
	static char line[2 * LONG];
	ssize_t len = recv(reader, line, sizeof(line) - 1, 0);

	if (len < 0) {
		assert_int_equal(errno, EAGAIN);
		return "";
	}
	assert_true(len > 0);
	assert_int_equal(line[len - 1], '\n');
	line[len - 1] = '\0';
	assert_null(strchr(line, '\n'));
	return line;
}

static void
assert_matches(const char *line, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, line, 0, NULL, 0) != 0)
		fail_msg("\"%s\" does not match %s", line, pattern);
	regfree(&regex);
}

static void
an_event_is_one_line(UNUSED void **state)
{
	log_event(LOG_LEVEL_INFO, "request", "status=%d usec=%lld", 201, 17LL);
	assert_matches(next_line(),
	    "^ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z "
	    "level=info event=request status=201 usec=17$");
	assert_string_equal(next_line(), "");
}

static void
the_time_is_now(UNUSED void **state)
{
	int64_t before = clock_now(), logged = 0, after;
	const char *line;

	log_event(LOG_LEVEL_INFO, "x", "y=1");
	after = clock_now();
	line = next_line();
	assert_true(clock_parse((struct text){ line + 3, strcspn(line + 3, " ") }, &logged));
	assert_in_range(logged, before, after);
}

static void
an_event_may_stand_alone(UNUSED void **state)
{
	const char *nothing = "";

	log_event(LOG_LEVEL_ERROR, "stop", "%s", nothing);
	assert_matches(next_line(), "^ts=[^ ]+ level=error event=stop$");
}

static void
lower_levels_are_not_written(UNUSED void **state)
{
	for (enum log_level limit = LOG_LEVEL_ERROR; limit <= LOG_LEVEL_DEBUG; limit++) {
		log_set_level(limit);
		for (enum log_level level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
			assert_int_equal(log_enabled(level), level <= limit);
			log_event(level, "x", "y=1");
			assert_int_equal(*next_line() != '\0', level <= limit);
		}
	}
}

static void
under_systemd_a_line_begins_with_its_priority(UNUSED void **state)
{
	setenv("JOURNAL_STREAM", "8:1234", 1);
	log_open(LOG_LEVEL_DEBUG);
	unsetenv("JOURNAL_STREAM");
	log_event(LOG_LEVEL_ERROR, "x", "y=1");
	assert_matches(next_line(), "^<3>ts=[^ ]+ level=error event=x y=1$");
	log_event(LOG_LEVEL_WARNING, "x", "y=1");
	assert_matches(next_line(), "^<4>ts=[^ ]+ level=warning ");
	log_event(LOG_LEVEL_INFO, "x", "y=1");
	assert_matches(next_line(), "^<6>ts=[^ ]+ level=info ");
	log_event(LOG_LEVEL_DEBUG, "x", "y=1");
	assert_matches(next_line(), "^<7>ts=[^ ]+ level=debug ");
}

static void
a_long_line_is_cut_with_a_mark(UNUSED void **state)
{
	static char value[LONG];
	const char *line;

	memset(value, 'v', sizeof(value) - 1);
	log_event(LOG_LEVEL_INFO, "x", "y=%s", value);
	line = next_line();
	assert_matches(line, "^ts=[^ ]+ level=info event=x y=v+\\.\\.\\. cut=true$");
	assert_in_range(strlen(line), 4000, 4096);
	log_event(LOG_LEVEL_INFO, "x", "y=\"%s\" z=1", value);
	assert_matches(next_line(), " y=\"v+\"\\.\\.\\. cut=true$");
	assert_string_equal(next_line(), "");
}

/* Whether the cut falls between, before or behind backslashes, the quotes come out even. */
static void
a_cut_among_escapes_leaves_no_open_quote(UNUSED void **state)
{
	static char value[LONG];

	for (size_t i = 0; i + 1 < sizeof(value); i++)
		value[i] = i % 2 == 0 ? '\\' : '"';
	for (size_t shift = 0; shift < 4; shift++) {
		log_event(LOG_LEVEL_INFO, "x", "y=\"%.*s%s\"", (int)shift, "abcd", value);
		assert_matches(next_line(), " y=\"[abcd]*(\\\\\")+\"\\.\\.\\. cut=true$");
	}
}

/* Every length around the limit: never two lines, never a lost newline. */
static void
the_longest_line_is_not_cut(UNUSED void **state)
{
	static char value[LONG];
	size_t longest = 0;

	memset(value, 'v', sizeof(value) - 1);
	for (int len = 3900; len < 4200; len++) {
		const char *line;

		log_event(LOG_LEVEL_INFO, "x", "y=%.*s", len, value);
		line = next_line();
		assert_true(strlen(line) < 4096);
		if (strstr(line, "cut=true") == NULL)
			longest = strlen(line);
	}
	assert_in_range(longest, 4000, 4096);
}

static void
no_byte_can_forge_a_line(UNUSED void **state)
{
	log_event(LOG_LEVEL_INFO, "x", "y=%s", "a\nts=1\r\t\x1b[31m\xc3\xa4\x7f");
	assert_matches(
	    next_line(), "^ts=[^ ]+ level=info event=x y=a\\?ts=1\\?\\?\\?\\[31m\\?\\?\\?$");
	assert_string_equal(next_line(), "");
}

static void
errno_is_kept(UNUSED void **state)
{
	errno = ENOENT;
	log_event(LOG_LEVEL_INFO, "x", "y=1");
	assert_int_equal(errno, ENOENT);
	assert_matches(next_line(), " y=1$");
	close(reader);
	reader = dup(STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	errno = ENOENT;
	log_event(LOG_LEVEL_INFO, "x", "y=1");
	assert_int_equal(errno, ENOENT);
	signal(SIGPIPE, SIG_DFL);
}

static void
levels_have_names(UNUSED void **state)
{
	static const struct {
		const char *name;
		enum log_level level;
	} cases[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};
	static const char *const others[] = { "", "Info", "inf", "infos", "trace", "info " };
	enum log_level level = LOG_LEVEL_DEBUG;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text name = { cases[i].name, strlen(cases[i].name) };

		assert_true(log_parse_level(name, &level));
		assert_int_equal(level, cases[i].level);
	}
	for (size_t i = 0; i < COUNT(others); i++)
		assert_false(
		    log_parse_level((struct text){ others[i], strlen(others[i]) }, &level));
	assert_false(log_parse_level((struct text){ 0 }, &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
}

static void
values_are_quoted_where_needed(UNUSED void **state)
{
	static const struct {
		const char *what;
		const char *value;
		size_t size;
		const char *quoted;
	} cases[] = {
		{ "a word stays", "abc", 64, "abc" },
		{ "a path stays", "/v1/chat-logs?limit:5", 64, "/v1/chat-logs?limit:5" },
		{ "nothing is quoted", "", 64, "\"\"" },
		{ "a space", "a b", 64, "\"a b\"" },
		{ "an equals sign", "a=b", 64, "\"a=b\"" },
		{ "a quote", "a\"b", 64, "\"a\\\"b\"" },
		{ "a backslash", "a\\b", 64, "\"a\\\\b\"" },
		{ "line ends", "a\nb\rc\td", 64, "\"a\\nb\\rc\\td\"" },
		{ "control characters", "\x01\x1b", 64, "\"\\x01\\x1b\"" },
		{ "bytes above 126", "\x7f\xc3\xa4", 64, "\"\\x7f\\xc3\\xa4\"" },
		{ "a word is cut", "abcdef", 4, "abc" },
		{ "a word fits exactly", "abc", 4, "abc" },
		{ "quoted text is cut inside its quotes", "a bcdef", 7, "\"a bc\"" },
		{ "quoted text fits exactly", "a bcd", 8, "\"a bcd\"" },
		{ "an escape is not cut in two", "a \n", 6, "\"a \"" },
		{ "an escape fits exactly", "a \n", 7, "\"a \\n\"" },
		{ "the smallest room", "a b", 3, "\"\"" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text value = { cases[i].value, strlen(cases[i].value) };
		char *out = malloc(cases[i].size);

		assert_ptr_equal(log_quote(value, out, cases[i].size), out);
		if (strcmp(out, cases[i].quoted) != 0)
			fail_msg("%s: %s, not %s", cases[i].what, out, cases[i].quoted);
		free(out);
	}
}

static void
a_missing_value_is_quoted_as_empty(UNUSED void **state)
{
	char out[8];

	assert_string_equal(log_quote((struct text){ 0 }, out, sizeof(out)), "\"\"");
	assert_string_equal(log_quote((struct text){ "\0", 1 }, out, sizeof(out)), "\"\\x00\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_event_is_one_line, setup, teardown),
		cmocka_unit_test_setup_teardown(the_time_is_now, setup, teardown),
		cmocka_unit_test_setup_teardown(an_event_may_stand_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(lower_levels_are_not_written, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    under_systemd_a_line_begins_with_its_priority, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut_with_a_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_cut_among_escapes_leaves_no_open_quote, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_line_is_not_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(no_byte_can_forge_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(errno_is_kept, setup, teardown),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(values_are_quoted_where_needed),
		cmocka_unit_test(a_missing_value_is_quoted_as_empty),
	};

	/* The log writes to descriptor 2; what cmocka has to say must not get caught with it. */
	stderr = fdopen(dup(STDERR_FILENO), "w");
	setvbuf(stderr, NULL, _IONBF, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
