/*
 * Sending to servers that clients name: webhooks and integrations. Redirects are not followed, and
 * what is answered is not read beyond its status.
 */
#ifndef WORKER_SENDER_H
#define WORKER_SENDER_H

#include "lib/task.h"

struct sender_settings {
	int64_t timeout_ms; /* for all of it, from the name's resolution to the answer */
	bool allow_private; /* else only https, and only addresses of the public internet */
};

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

/* As long as the task's arena. */
struct sender *sender_open(struct task *task, const struct sender_settings *settings);
struct sender_result sender_send(struct sender *sender, const struct sender_message *message);

#endif
