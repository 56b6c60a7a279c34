/*
 * Posting to a tallyd over HTTP. The only door to libcurl in tally.
 */
#ifndef WORKER_HTTP_H
#define WORKER_HTTP_H

#include "lib/task.h"

#define HTTP_TIMEOUT_S 120L
#define HTTP_ANSWER_MAX_BYTES ((size_t)16 << 20)

struct http;

struct http_answer {
	long status;
	int64_t retry_after_s; /* 0: not said */
	struct text body; /* as long as the task */
};

/* url: of the service, without a path. key: an API key. Nothing is sent yet. */
NODISCARD bool http_open(struct task *task, const char *url, const char *key, struct http **ret);
void http_close(struct http *http);

/* ERR_UNAVAILABLE: no answer. Any answer is one, whatever its status. */
NODISCARD bool http_post(struct task *task, struct http *http, const char *path,
    const char *content_type, struct text body, struct http_answer *ret);

#endif
