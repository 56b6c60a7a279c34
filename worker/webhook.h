/*
 * Sending to webhooks over HTTP. Redirects are not followed, and what is answered is not read
 * beyond its status.
 */
#ifndef WORKER_WEBHOOK_H
#define WORKER_WEBHOOK_H

#include "lib/task.h"

struct webhook_settings {
	int64_t timeout_ms; /* for all of it, from the name's resolution to the answer */
	bool allow_private; /* else only https, and only addresses of the public internet */
};

struct webhook_message {
	const char *url;
	const char *event;
	const char *delivery; /* its id */
	const char *signature;
	struct text body;
};

struct webhook_result {
	long status; /* 0: there was no answer */
	const char *error; /* ASCII, ours or libcurl's; NULL: the status is 2xx */
};

struct webhook_sender;

/* As long as the task's arena. */
struct webhook_sender *webhook_open(struct task *task, const struct webhook_settings *settings);
struct webhook_result webhook_send(
    struct task *task, struct webhook_sender *sender, const struct webhook_message *message);

#endif
