/* /v1/agent-sessions: what a session tells of itself, and how it ends. */
#include "tests/test.h"

#include <string.h>

#include "lib/base.h"
#include "lib/model/agent_session.h"
#include "tests/agents.h"
#include "tests/api.h"
#include "tests/bound.h"
#include "tests/erasing.h"
#include "tests/listening.h"

#define UNKNOWN "01890000-0000-7000-8000-000000000000"

static void
tell(const char *id, const char *body)
{
	api_expect(200, "PATCH", agents_at(id, "/progress"), body);
}

static void
a_session_begins_as_what_was_given(UNUSED void **state)
{
	api_use_new_client("agents-begin");
	(void)agents_begin();
	api_expect_json("status", "running");
	api_expect_json("phase", "EXPLORE");
	api_expect_json("progress", "0");
	api_expect_json("depth", "0");
	api_expect_json("parent_id", "null");
	api_expect_json("root_id", api_keep("id"));
	api_expect_json("user_id", "null");
	api_expect_json("streaming_enabled", "true");
	api_expect_json("success", "false");
	api_expect_json("ended_at", "null");
	api_expect_json("total_cost_cents", "0");
	api_expect_json("tokens_used", "0");
	api_expect_json("calls", "0");
	api_add(AGENTS_PATH, "{\"external_id\":\"one\"}");
	api_send("POST", AGENTS_PATH, NULL, "{\"external_id\":\"one\"}");
	assert_int_equal(api_answer()->status, 409);
	api_expect_field("a name is given once", "external_id");
	api_use_new_client("agents-begin-2");
	api_add(AGENTS_PATH, "{\"external_id\":\"one\"}");
}

static const struct {
	const char *sentence;
	const char *phase;
	bool good;
} phases[] = {
	{ "what the seed names", "SUMMON", true },
	{ "what a caller names", "REVIEW_2", true },
	{ "one letter", "X", true },
	{ "twenty letters", "ABCDEFGHIJKLMNOPQRST", true },
	{ "one more", "ABCDEFGHIJKLMNOPQRSTU", false },
	{ "small letters", "explore", false },
	{ "a digit first", "2ND", false },
	{ "a low line first", "_A", false },
	{ "a blank", "A B", false },
	{ "nothing", "", false },
};

static void
a_phase_is_a_name(UNUSED void **state)
{
	const char *id;

	api_use_new_client("agents-phase");
	id = agents_begin();
	for (size_t i = 0; i < COUNT(phases); i++) {
		api_send("PATCH", agents_at(id, "/progress"), NULL,
		    api_text("{\"phase\":\"%s\"}", phases[i].phase));
		if (phases[i].good)
			api_expect_json("phase", phases[i].phase);
		else
			api_expect_field(phases[i].sentence, "phase");
	}
}

static void
counts_never_fall(UNUSED void **state)
{
	static const char first[] = "{\"progress\":0.25,\"iteration_count\":5,"
				    "\"tool_calls_count\":7,\"tokens_used\":100}";
	const char *id;

	api_use_new_client("agents-counts");
	id = agents_begin();
	for (int i = 0; i < 2; i++)
		tell(id, first);
	tell(id, "{\"progress\":0.125,\"iteration_count\":4,\"tool_calls_count\":6,"
		 "\"tokens_used\":99}");
	api_expect_json("progress", "0.125");
	api_expect_json("iteration_count", "5");
	api_expect_json("tool_calls_count", "7");
	api_expect_json("tokens_used", "100");
	tell(id, "{\"tool_calls_count\":8}");
	api_expect_json("iteration_count", "5");
	api_expect_json("tool_calls_count", "8");
	api_send("PATCH", agents_at(id, "/progress"), NULL, "{\"progress\":1.000001}");
	api_expect_field("more than all", "progress");
}

static void
a_sign_of_life_changes_nothing_but_its_time(UNUSED void **state)
{
	const char *id, *before, *row;

	api_use_new_client("agents-life");
	id = agents_begin();
	before = api_keep("last_activity_at");
	row = api_sql("SELECT to_jsonb(s) - 'last_activity_at' - 'updated_at'"
		      " FROM agent_sessions s WHERE id = '%s'",
	    id);
	tell(id, "{}");
	assert_true(strcmp(api_json("last_activity_at"), before) > 0);
	assert_string_equal(api_sql("SELECT to_jsonb(s) - 'last_activity_at' - 'updated_at'"
				    " FROM agent_sessions s WHERE id = '%s'",
				id),
	    row);
}

static const char *
files_of(const char *id)
{
	return api_sql("SELECT concat_ws('|', array_to_string(files_modified, ','),"
		       " array_to_string(files_created, ','), array_to_string(files_deleted, ','))"
		       " FROM agent_sessions WHERE id = '%s'",
	    id);
}

static void
files_are_sets(UNUSED void **state)
{
	const char *id;

	api_use_new_client("agents-files");
	id = agents_begin();
	tell(id, "{\"files_modified\":[\"b\",\"a\",\"b\"],\"files_created\":[\"n\"]}");
	tell(id, "{\"files_modified\":[\"c\",\"a\"],\"files_deleted\":[\"d\"]}");
	tell(id, "{\"files_modified\":[]}");
	assert_string_equal(files_of(id), "a,b,c|n|d");
	api_expect(200, "POST", agents_at(id, "/complete"), "{\"files_deleted\":[\"a\"]}");
	assert_string_equal(files_of(id), "a,b,c|n|a,d");
}

static void
a_set_has_so_many(UNUSED void **state)
{
	const char *names = "\"f0\"", *id;

	api_use_new_client("agents-files-max");
	id = agents_begin();
	for (int i = 1; i < AGENT_FILES_MAX; i++)
		names = api_text("%s,\"f%d\"", names, i);
	tell(id, api_text("{\"files_created\":[%s]}", names));
	tell(id, api_text("{\"files_created\":[%s]}", names));
	api_send("PATCH", agents_at(id, "/progress"), NULL, "{\"files_created\":[\"one more\"]}");
	api_expect_field("one file more", "files_created");
	api_send("PATCH", agents_at(id, "/progress"), NULL,
	    api_text("{\"files_created\":[%s,\"one more\"]}", names));
	api_expect_field("one more at once", "files_created");
	tell(id, api_text("{\"files_deleted\":[\"%0*d\"]}", AGENT_FILE_NAME_MAX, 1));
	api_send("PATCH", agents_at(id, "/progress"), NULL,
	    api_text("{\"files_deleted\":[\"%0*d\"]}", AGENT_FILE_NAME_MAX + 1, 1));
	api_expect_field("a longer name", "files_deleted");
}

static const struct {
	const char *call, *body;
	const char *status, *success;
} ends[] = {
	{ "/complete", "{}", "completed", "true" },
	{ "/complete", "{\"success\":false}", "completed", "false" },
	{ "/fail", "{\"error_message\":\"out of luck\"}", "failed", "false" },
	{ "/cancel", NULL, "cancelled", "false" },
};

static void
what_has_ended_stays_as_it_is(UNUSED void **state)
{
	api_use_new_client("agents-end");
	for (size_t i = 0; i < COUNT(ends); i++) {
		const char *id = agents_begin(), *ended_at;

		api_expect(200, "POST", agents_at(id, ends[i].call), ends[i].body);
		agents_expect_status(id, ends[i].status);
		api_expect_json("success", ends[i].success);
		ended_at = api_keep("ended_at");
		assert_string_not_equal(ended_at, "null");
		api_expect(409, "PATCH", agents_at(id, "/progress"), "{}");
		api_expect(409, "POST", agents_at(id, "/complete"), "{}");
		api_expect(409, "POST", agents_at(id, "/fail"), "{}");
		api_expect(200, "POST", agents_at(id, "/cancel"), NULL);
		api_expect_json("cancelled", "0");
		api_expect(409, "POST", AGENTS_PATH, api_text("{\"parent_id\":\"%s\"}", id));
		agents_expect_status(id, ends[i].status);
		api_expect_json("ended_at", ended_at);
	}
	api_expect(200, "GET", AGENTS_PATH "?status=failed", NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.error_message", "out of luck");
}

static void
a_report_has_a_limit(UNUSED void **state)
{
	const int most = AGENT_REPORT_MAX - (int)strlen("{\"a\":\"\"}");

	api_use_new_client("agents-report");
	api_send("POST", agents_at(agents_begin(), "/complete"), NULL,
	    api_text("{\"completion_report\":{\"a\":\"%0*d\"}}", most + 1, 1));
	api_expect_field("a longer report", "completion_report");
	api_expect(200, "POST", agents_at(agents_begin(), "/complete"),
	    api_text("{\"completion_report\":{\"a\":\"%0*d\"}}", most, 1));
	api_send("POST", agents_at(agents_begin(), "/fail"), NULL,
	    api_text("{\"error_message\":\"%0*d\"}", AGENT_ERROR_MAX + 1, 1));
	api_expect_field("a longer message", "error_message");
}

static void
a_list_has_bounds_of_time(UNUSED void **state)
{
	const char *times[3];

	api_use_new_client("agents-times");
	for (size_t i = 0; i < COUNT(times); i++) {
		(void)agents_begin();
		times[i] = api_keep("started_at");
	}
	api_expect(200, "GET", api_text(AGENTS_PATH "?since=%s", times[1]), NULL);
	assert_int_equal(api_rows(), 2);
	api_expect(200, "GET", api_text(AGENTS_PATH "?until=%s", times[1]), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.started_at", times[0]);
	api_expect(
	    200, "GET", api_text(AGENTS_PATH "?since=%s&until=%s", times[1], times[2]), NULL);
	assert_int_equal(api_rows(), 1);
	api_expect_json("data.0.started_at", times[1]);
}

static void
a_bound_key_begins_sessions_of_its_user(UNUSED void **state)
{
	const char *user, *other, *nobodys, *client;

	api_use_new_client("agents-bound");
	client = api_sql("SELECT id FROM clients WHERE name = 'agents-bound'");
	user = api_add("/v1/users", "{\"external_id\":\"ann\"}");
	other = api_add("/v1/users", "{\"external_id\":\"bob\"}");
	nobodys = agents_begin();
	api_use_key(bound_make_key(client, user));
	(void)agents_begin();
	api_expect_json("user_id", user);
	api_send("POST", AGENTS_PATH, NULL, api_text("{\"user_id\":\"%s\"}", other));
	api_expect_field("another user", "user_id");
	api_send("POST", AGENTS_PATH, NULL, api_text("{\"parent_id\":\"%s\"}", nobodys));
	api_expect_field("below what it does not see", "parent_id");
	api_expect(404, "GET", agents_at(nobodys, "/tree"), NULL);
	api_expect(200, "GET", AGENTS_PATH, NULL);
	assert_int_equal(api_rows(), 1);
}

/* Who listens hears how far it is, and how it ends. */
static void
what_is_told_is_heard(UNUSED void **state)
{
	struct listening listening;
	const char *id, *below;

	api_use_new_client("agents-heard");
	id = agents_begin();
	below = agents_begin_below(id);
	listening = listening_to("/v1/events?types=agent.progress");
	tell(id, "{\"phase\":\"PLAN\",\"progress\":0.25}");
	listening_await(&listening, "\"phase\":\"PLAN\",\"progress\":0.25");
	api_expect(200, "POST", agents_at(below, "/complete"), "{\"total_cost_cents\":1.5}");
	listening_await(&listening,
	    api_text("{\"agent_session_id\":\"%s\",\"user_id\":null,\"external_id\":null,"
		     "\"root_id\":\"%s\",\"status\":\"completed\"",
		below, id));
	listening_await(&listening, "\"total_cost_cents\":1.5");
	(void)agents_begin_below(id);
	api_expect(200, "POST", agents_at(id, "/cancel"), NULL);
	listening_await(&listening, "\"cancelled\":2");
	/* What changes nothing is not told. */
	api_expect(200, "POST", agents_at(id, "/cancel"), NULL);
	api_expect(409, "PATCH", agents_at(id, "/progress"), "{}");
	tell(agents_begin(), "{\"phase\":\"LAST\"}");
	listening_await(&listening, "\"phase\":\"LAST\"");
	assert_int_equal(listening_count(&listening, "event: agent.progress"), 4);
	listening_close(&listening);
}

static void
a_persons_sessions_go_with_the_person(UNUSED void **state)
{
	const char *user, *id;

	(void)erasing_use_client("agents-erased");
	user = erasing_add_user("agents-erased");
	id = api_add(AGENTS_PATH,
	    api_text("{\"user_id\":\"%s\",\"vision\":\"what-agents-erased-wants\"}", user));
	for (int i = 0; i < 3; i++)
		id = agents_begin_below(id);
	api_add("/v1/chat-logs", api_text("{\"agent_session_id\":\"%s\",\"input_tokens\":1}", id));
	(void)agents_begin();
	(void)erasing_run("--user", user);
	erasing_expect_nowhere("what-agents-erased-wants");
	api_expect(200, "GET", AGENTS_PATH, NULL);
	assert_int_equal(api_rows(), 1);
	assert_string_equal(
	    api_sql("SELECT count(*) FROM agent_session_usage WHERE agent_session_id = '%s'", id),
	    "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_begins_as_what_was_given),
		cmocka_unit_test(a_phase_is_a_name),
		cmocka_unit_test(counts_never_fall),
		cmocka_unit_test(a_sign_of_life_changes_nothing_but_its_time),
		cmocka_unit_test(files_are_sets),
		cmocka_unit_test(a_set_has_so_many),
		cmocka_unit_test(what_has_ended_stays_as_it_is),
		cmocka_unit_test(a_report_has_a_limit),
		cmocka_unit_test(a_list_has_bounds_of_time),
		cmocka_unit_test(a_bound_key_begins_sessions_of_its_user),
		cmocka_unit_test(what_is_told_is_heard),
		cmocka_unit_test(a_persons_sessions_go_with_the_person),
	};

	return cmocka_run_group_tests(tests, erasing_start, api_stop);
}
