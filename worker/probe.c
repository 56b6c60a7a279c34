#include "worker/probe.h"

#include "lib/clock.h"
#include "lib/model/integration_call.h"
#include "worker/sender.h"

static const int outcomes[] = {
	[SENDER_NONE] = INTEGRATION_OK,
	[SENDER_STATUS] = INTEGRATION_STATUS,
	[SENDER_PRIVATE] = INTEGRATION_PRIVATE,
	[SENDER_NAME] = INTEGRATION_NAME,
	[SENDER_CONNECTION] = INTEGRATION_CONNECTION,
	[SENDER_TLS] = INTEGRATION_TLS,
	[SENDER_TIMEOUT] = INTEGRATION_TIMEOUT,
	[SENDER_OTHER] = INTEGRATION_FAILED,
};

static struct integration_test
call_it(struct sender *sender, const struct integration_call *call)
{
	const char *const headers[] = { call->header, NULL };
	int64_t began = clock_monotonic();
	struct sender_result result =
	    sender_send(sender, &(struct sender_message){ .method = call->method,
				    .url = call->url,
				    .headers = headers,
				    .username = call->username,
				    .password = call->password });

	return (struct integration_test){ .at = clock_now(),
		.outcome = outcomes[result.failure],
		.status = result.status == 0 ? RESOURCE_NONE : result.status,
		.duration_ms = (clock_monotonic() - began) / 1000 };
}

/* No transaction is open while it is called; who dies in between calls it again. */
static bool
step(struct task *task, struct sender *sender, bool *ret_any)
{
	struct integration_test test = { .outcome = INTEGRATION_SEALED, .status = RESOURCE_NONE };
	struct integration_call call;

	task->now = test.at = clock_now();
	if (!integration_call_next(task, &call, ret_any) || !db_commit(task))
		return false;
	if (!*ret_any)
		return true;
	if (!call.sealed)
		test = call_it(sender, &call);
	return integration_call_done(task, &call, &test) && db_commit(task);
}

bool
probe_due(struct command_context *context, struct job_result *result)
{
	return sender_run(context,
	    &(struct sender_work){ .step = step, .max = PROBE_MAX, .time_s = PROBE_TIME_S },
	    result);
}
