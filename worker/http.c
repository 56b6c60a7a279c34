#include "worker/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

struct http {
	CURL *curl;
	const char *url;
	struct curl_slist *headers;
	const char *authorization;
};

bool
http_open(struct task *task, const char *url, const char *key, struct http **ret)
{
	struct http *http = arena_alloc(task->arena, sizeof(*http));

	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return task_fail(task, ERR_INVALID, "--url must begin with http:// or https://");
	for (const char *c = key; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~')
			return task_fail(task, ERR_INVALID, "--key is not a key");
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	http->curl = curl_easy_init();
	if (http->curl == NULL)
		abort();
	http->url = url;
	http->authorization = arena_printf(task->arena, "Authorization: Bearer %s", key);
	*ret = http;
	return true;
}

void
http_close(struct http *http)
{
	curl_slist_free_all(http->headers);
	curl_easy_cleanup(http->curl);
	curl_global_cleanup();
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct buf *buf = context;

	if (buf->len + size * count > HTTP_ANSWER_MAX_BYTES)
		return 0;
	buf_add(buf, bytes, size * count);
	return size * count;
}

static void
set_headers(struct task *task, struct http *http, const char *content_type)
{
	const char *lines[] = {
		http->authorization, arena_printf(task->arena, "Content-Type: %s", content_type),
		"Expect:", /* a chunk goes out without asking first */
	};

	curl_slist_free_all(http->headers);
	http->headers = NULL;
	for (size_t i = 0; i < COUNT(lines); i++) {
		http->headers = curl_slist_append(http->headers, lines[i]);
		if (http->headers == NULL)
			abort();
	}
	curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, http->headers);
}

static size_t
url_len(const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return len;
}

bool
http_post(struct task *task, struct http *http, const char *path, const char *content_type,
    struct text body, struct http_answer *ret)
{
	struct buf answer = { .arena = task->arena };
	curl_off_t retry_after = 0;
	CURL *curl = http->curl;
	CURLcode code;

	set_headers(task, http, content_type);
	curl_easy_setopt(curl, CURLOPT_URL,
	    arena_printf(task->arena, "%.*s%s", (int)url_len(http->url), http->url, path));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.at);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, HTTP_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return task_fail_later(
		    task, 1, "the service does not answer: %s", curl_easy_strerror(code));
	buf_puts(&answer, "");
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
	ret->retry_after_s = retry_after;
	ret->body = buf_text(&answer);
	return true;
}
