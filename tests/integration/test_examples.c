/*
 * The scripts of conf/examples/ as somebody runs them who has read them: authorize a call, make it,
 * settle it. One whose language is not there is skipped, and with it the program.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/process.h"
#include "tests/receiver.h"

#define SKIPPED 77 /* automake's */
#define REFUSED 3 /* a script's */
#define END_MS 120000 /* twice what a script waits for */
#define MODEL "The model is called."
/* Whichever has the package: the one in PATH may be somebody's own. */
#define PYTHON \
	"$(python3 -c 'import requests' 2>/dev/null && echo python3 || echo /usr/bin/python3)"

static struct script {
	const char *name;
	const char *run; /* a shell's words before its path */
	const char *needs; /* a shell's command that fails where something is missing */
	const char *missing; /* of what it needs; NULL: nothing */
} scripts[] = {
	{ "authorize.sh", "bash", "curl --version && jq --version", NULL },
	{ "authorize.py", PYTHON, PYTHON " -c 'import requests'", NULL },
	{ "authorize.js", "node", "node -e 'fetch.name'", NULL },
};

static const char *
source(void)
{
	const char *folder = getenv("TALLY_SRCDIR");

	return folder != NULL ? folder : ".";
}

/* Whether what they need is there, all of it. */
static bool
scripts_are_there(void)
{
	bool all = true;

	for (size_t i = 0; i < COUNT(scripts); i++) {
		char *output;

		if (process_sh(scripts[i].needs, &output) != 0)
			scripts[i].missing = api_text("%s", output);
		all = all && scripts[i].missing == NULL;
		free(output);
	}
	return all;
}

static int
start(void **state)
{
	if (api_start(state) != 0)
		return -1;
	receiver_start();
	api_import_prices();
	return 0;
}

static int
stop(void **state)
{
	receiver_stop();
	return api_stop(state);
}

/* What a shell runs it by, with the key of the calls. */
static const char *
command(const struct script *script, const char *url, const char *call)
{
	return api_text("TALLY_URL=%s TALLY_API_KEY=%s exec %s %s/conf/examples/%s %s", url,
	    api_key(), script->run, source(), script->name, call);
}

/* Fails the test unless it ends with the status and says this. */
static void
expect(const struct script *script, const char *call, int status, const char *says)
{
	char *output;
	int ended = process_sh(command(script, servers_http_url(api_servers()), call), &output);

	if (ended != status || strstr(output, says) == NULL ||
	    (strstr(output, MODEL) != NULL) != (status == 0))
		fail_msg("%s ended with %d: %s", script->name, ended, output);
	free(output);
}

/* A client with a budget, and a key that may do what the scripts say theirs must. */
static void
use_budget(const struct script *script, const char *what, const char *limit)
{
	api_use_budget(
	    api_text("%s %s", script->name, what), api_text("\"window\":\"total\",%s", limit));
	api_use_scope("authorize,budgets:read");
}

/* Of the client of that name. */
static void
expect_rows(const struct script *script, const char *what, const char *table, const char *count)
{
	const char *rows = api_sql("SELECT count(*) FROM %s t JOIN clients c ON c.id = t.client_id"
				   " WHERE c.name = '%s %s'",
	    table, script->name, what);

	if (strcmp(rows, count) != 0)
		fail_msg("%s, %s: %s %s", script->name, what, rows, table);
}

static void
expect_spent(const char *cents)
{
	api_expect(200, "GET", "/v1/budgets/check?external_user_id=ada&feature=chat", NULL);
	api_expect_json("budgets.0.spent_cents", cents);
	api_expect_json("budgets.0.held_cents", "0");
}

static void
what_is_allowed_is_stored_once(const struct script *script)
{
	use_budget(script, "allowed", "\"limit_cents\":1");
	for (int i = 0; i < 2; i++) {
		expect(script, "call-1", 0,
		    api_text("Cost: 0.039 cents\nLeft of %s allowed: 0.961 cents", script->name));
		expect_rows(script, "allowed", "chat_logs", "1");
		expect_rows(script, "allowed", "authorizations", "1");
		expect_spent("0.039");
	}
	expect(script, "call-2", 0, ": 0.922 cents");
	expect(script, "", 0, ": 0.883 cents");
	expect_rows(script, "allowed", "chat_logs", "3");
}

static void
what_a_budget_refuses_is_not_made(const struct script *script)
{
	use_budget(script, "refused", "\"limit_cents\":0.05");
	expect(script, "call-1", REFUSED,
	    api_text("%s refused, 0.05 cents left, resets at ", script->name));
	expect_rows(script, "refused", "chat_logs", "0");
	expect_rows(script, "refused", "authorizations", "0");
	expect_spent("0");
}

static void
a_limit_of_requests_refuses_as_well(const struct script *script)
{
	use_budget(script, "requests", "\"limit_requests\":1");
	expect(script, "call-1", 0, "Cost: 0.039 cents");
	expect(script, "call-2", REFUSED, api_text("%s requests, ", script->name));
	expect_rows(script, "requests", "chat_logs", "1");
}

static void
what_tally_does_not_take_is_told(const struct script *script)
{
	api_use_new_client(api_text("%s told", script->name));
	api_use_scope("logs:read");
	expect(script, "call-1", 1, "Tally answers 403: {");
}

static pid_t
start_script(const struct script *script, const char *url, const char *log)
{
	struct process process = {
		.argv = { "sh", "-c", command(script, url, "call-1") },
		.log = log,
		.death_signal = SIGKILL,
	};

	return process_start(&process);
}

/* For servers_await(): whether the script whose output goes there waits. */
static bool
waits(void *log)
{
	char *said = process_read_file(log);
	bool found = said != NULL && strstr(said, ": again in 1 s") != NULL;

	free(said);
	return found;
}

static const struct {
	const char *what;
	enum server_part part;
	const char *says;
} absences[] = {
	{ "tallyd is away", SERVER_TALLYD, "Tally answers 503: again in 1 s" },
	{ "nobody answers", SERVER_NGINX, "Tally answers nothing: again in 1 s" },
};

static void
it_is_asked_again_until_it_is_there(const struct script *script)
{
	for (size_t i = 0; i < COUNT(absences); i++) {
		char *log, *said;
		pid_t pid;

		use_budget(script, absences[i].what, "\"limit_cents\":1");
		if (asprintf(&log, "%s/%s %zu", servers_folder(api_servers()), script->name, i) < 0)
			abort();
		servers_kill_tree(api_servers(), absences[i].part);
		pid = start_script(script, servers_http_url(api_servers()), log);
		assert_true(servers_await(waits, log));
		servers_restart(api_servers(), absences[i].part);
		assert_int_equal(process_wait(pid, END_MS), 0);
		said = process_read_file(log);
		if (strstr(said, absences[i].says) == NULL)
			fail_msg("%s, %s: %s", script->name, absences[i].what, said);
		expect_rows(script, absences[i].what, "chat_logs", "1");
		expect_spent("0.039");
		free(said);
		free(log);
	}
}

static void
what_is_sent_again_is_the_same(const struct script *script)
{
	const char *url = api_text("http://127.0.0.1:%d", receiver_port());
	char *first, *second;
	pid_t pid;

	receiver_forget();
	receiver_answer("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0"
			"\r\nConnection: close");
	pid = start_script(script, url, "/dev/null");
	receiver_await(2);
	kill(pid, SIGKILL);
	process_wait(pid, END_MS);
	assert_string_equal(receiver_request(0).body, receiver_request(1).body);
	first = receiver_header(0, "Idempotency-Key");
	second = receiver_header(1, "Idempotency-Key");
	assert_string_equal(first, "call-1");
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void
nobody_waits_for_an_hour(const struct script *script)
{
	const char *url = api_text("http://127.0.0.1:%d", receiver_port());
	char *output;

	receiver_forget();
	receiver_answer("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3600\r\nContent-Length: 0"
			"\r\nConnection: close");
	if (process_sh(command(script, url, ""), &output) != 1 ||
	    strstr(output, "Tally answers 503: ") == NULL)
		fail_msg("%s: %s", script->name, output);
	assert_int_equal(receiver_count(), 1);
	free(output);
}

static void (*const promises[])(const struct script *script) = {
	what_is_allowed_is_stored_once,
	what_a_budget_refuses_is_not_made,
	a_limit_of_requests_refuses_as_well,
	what_tally_does_not_take_is_told,
	it_is_asked_again_until_it_is_there,
	what_is_sent_again_is_the_same,
	nobody_waits_for_an_hour,
};

static void
keeps_its_promises(void **state)
{
	const struct script *script = *state;

	if (script->missing != NULL) {
		print_error(
		    "SKIPPED: conf/examples/%s is not tested, as what it needs is missing: %s\n",
		    script->name, script->missing);
		skip();
	}
	for (size_t i = 0; i < COUNT(promises); i++)
		promises[i](script);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		{ "authorize.sh", keeps_its_promises, NULL, NULL, &scripts[0] },
		{ "authorize.py", keeps_its_promises, NULL, NULL, &scripts[1] },
		{ "authorize.js", keeps_its_promises, NULL, NULL, &scripts[2] },
	};
	bool all = scripts_are_there();
	int failed = cmocka_run_group_tests(tests, start, stop);

	return failed == 0 && !all ? SKIPPED : failed;
}
