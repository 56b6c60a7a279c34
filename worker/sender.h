/*
 * Sending to servers that clients name: webhooks and integrations. Redirects are not followed, and
 * what is answered is not read beyond its status.
 */
#ifndef WORKER_SENDER_H
#define WORKER_SENDER_H

#include "worker/job.h"

struct sender_message {
	const char *method, *url;
	const char *const *headers; /* lines; NULL behind the last */
	const char *username, *password; /* as Basic; or NULL */
	struct text body; /* at NULL: none */
};

enum sender_failure {
	SENDER_NONE, /* the status is 2xx */
	SENDER_STATUS,
	SENDER_PRIVATE, /* it leads to an address that is not public, or is not https */
	SENDER_NAME,
	SENDER_CONNECTION,
	SENDER_TLS,
	SENDER_TIMEOUT,
	SENDER_OTHER
};

struct sender_result {
	long status; /* 0: there was no answer */
	enum sender_failure failure;
	const char *error; /* ASCII, ours or libcurl's; NULL: the status is 2xx */
};

struct sender;

struct sender_result sender_send(struct sender *sender, const struct sender_message *message);

struct sender_work {
	/* Takes what is due next, if there is any, sends it and commits. */
	bool (*step)(struct task *task, struct sender *sender, bool *ret_any);
	int max; /* steps of one run */
	int64_t time_s; /* after which none is begun */
};

/*
 * Steps until there is nothing more or a limit is reached; adds them to the result's rows. The
 * settings of webhooks hold for all: how long one may take, from the name's resolution to the
 * answer, and whether it may lead elsewhere than by https to the public internet.
 */
NODISCARD bool sender_run(
    struct command_context *context, const struct sender_work *work, struct job_result *result);

#endif
