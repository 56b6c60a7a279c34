#include "tests/integrating.h"

#include <signal.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base.h"
#include "tests/api.h"
#include "tests/books.h"
#include "tests/receiver.h"
#include "tests/test.h"

void
integrating_restart_tallyd(const char *setting, const char *value)
{
	struct servers *servers = api_servers();

	servers_setting(servers, setting, value);
	servers_signal(servers, SERVER_TALLYD, SIGTERM);
	(void)servers_wait(servers, SERVER_TALLYD);
	servers_restart(servers, SERVER_TALLYD);
}

int
integrating_start(void **state)
{
	receiver_start();
	api_start(state);
	servers_setting(api_servers(), "webhook_timeout_ms", "20000");
	servers_setting(api_servers(), "log_level", "debug");
	integrating_restart_tallyd("webhook_allow_private", "yes");
	return 0;
}

int
integrating_stop(void **state)
{
	api_stop(state);
	receiver_stop();
	return 0;
}

int
integrating_begin(UNUSED void **state)
{
	static int made;

	receiver_forget();
	receiver_answer(INTEGRATING_OK);
	api_use_new_client(api_text("acme-%d", ++made));
	return 0;
}

const char *
integrating_add_at(const char *url, const char *members)
{
	const char *place = strstr(url, "RECEIVER");

	if (place != NULL)
		url = api_text("%.*s%d%s", (int)(place - url), url, receiver_port(),
		    place + strlen("RECEIVER"));
	return api_text("/v1/integrations/%s",
	    api_add("/v1/integrations",
		api_text("{\"name\":\"shop\",\"base_url\":\"%s\"%s}", url, members)));
}

const char *
integrating_add(const char *members)
{
	return integrating_add_at(
	    "http://127.0.0.1:RECEIVER/api/", api_text(",\"type\":\"http\"%s", members));
}

const char *
integrating_add_endpoint(const char *integration, const char *members)
{
	const char *path = api_text("%s/endpoints", integration);

	return api_text("%s/%s", path, api_add(path, api_text("{\"name\":\"e\"%s}", members)));
}

void
integrating_run(void)
{
	struct servers *servers = api_servers();

	EXPECT_TALLY(EX_OK, NULL, "alerts");
}

void
integrating_test(const char *path)
{
	api_expect(202, "POST", api_text("%s/test", path), NULL);
	assert_string_not_equal(api_json("test_due_at"), "null");
	integrating_run();
	api_expect(200, "GET", path, NULL);
	api_expect_json("test_due_at", "null");
	assert_string_not_equal(api_json("last_test_at"), "null");
}
