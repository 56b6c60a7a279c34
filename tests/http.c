#include "tests/http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TIMEOUT_SECONDS 60L
#define VALUE_MAX 4096

struct sink {
	CURL *curl; /* of a body */
	char *at;
	size_t len;
};

static void
append(struct sink *sink, const char *bytes, size_t len)
{
	sink->at = realloc(sink->at, sink->len + len + 1);
	if (sink->at == NULL)
		abort();
	memcpy(sink->at + sink->len, bytes, len);
	sink->len += len;
	sink->at[sink->len] = '\0';
}

/* Of an answer without an end the first part is enough: 0 makes libcurl stop. */
static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct sink *body = context;
	const char *type = NULL;

	append(body, bytes, size * count);
	curl_easy_getinfo(body->curl, CURLINFO_CONTENT_TYPE, &type);
	return type != NULL && strcmp(type, "text/event-stream") == 0 ? 0 : size * count;
}

/* An interim answer (100 Continue) begins with a status line too: only the last one counts. */
static size_t
take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct sink *headers = context;
	size_t len = size * count;
	const char *colon = memchr(bytes, ':', len);

	if (colon == NULL) {
		headers->len = 0;
		return len;
	}
	append(headers, bytes, len);
	for (size_t i = headers->len - len; headers->at[i] != ':'; i++)
		headers->at[i] = (char)tolower((unsigned char)headers->at[i]);
	return len;
}

static struct curl_slist *
add_header(struct curl_slist *list, const char *line)
{
	list = curl_slist_append(list, line);
	if (list == NULL)
		abort();
	return list;
}

static struct curl_slist *
lay_out_headers(const struct http *http, const char *const *headers)
{
	struct curl_slist *list = add_header(NULL, "Expect:");
	bool typed = false;
	char line[1024];

	for (; headers != NULL && *headers != NULL; headers++) {
		list = add_header(list, *headers);
		if (strncasecmp(*headers, "Content-Type:", strlen("Content-Type:")) == 0)
			typed = true;
	}
	if (!typed)
		list = add_header(list, "Content-Type: application/json");
	if (http->key != NULL) {
		snprintf(line, sizeof(line), "Authorization: Bearer %s", http->key);
		list = add_header(list, line);
	}
	return list;
}

static pthread_key_t handles;

static void
make_key(void)
{
	if (pthread_key_create(&handles, curl_easy_cleanup) != 0)
		abort();
}

/* One connection for each thread, as a real caller would keep it. */
static CURL *
handle(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CURL *curl;

	pthread_once(&once, make_key);
	curl = pthread_getspecific(handles);
	if (curl == NULL) {
		curl = curl_easy_init();
		pthread_setspecific(handles, curl);
	}
	if (curl == NULL)
		abort();
	curl_easy_reset(curl);
	return curl;
}

static void
set_body(CURL *curl, const char *method, const void *body, size_t len)
{
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body);
	}
}

struct http_answer
http_send_n(const struct http *http, const char *method, const char *path,
    const char *const *headers, const void *body, size_t len)
{
	CURL *curl = handle();
	struct curl_slist *list = lay_out_headers(http, headers);
	struct http_answer answer = { 0 };
	struct sink got = { .curl = curl }, told = { 0 };
	CURLcode code;
	char *url;

	append(&got, "", 0);
	append(&told, "", 0);
	if (asprintf(&url, "%s%s", http->url, path) < 0)
		abort();
	set_body(curl, method, body, len);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &told);
	code = curl_easy_perform(curl);
	if (code == CURLE_OK || code == CURLE_WRITE_ERROR)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
	curl_slist_free_all(list);
	free(url);
	answer.body = got.at;
	answer.len = got.len;
	answer.headers = told.at;
	return answer;
}

struct http_answer
http_send(const struct http *http, const char *method, const char *path, const char *const *headers,
    const char *body)
{
	return http_send_n(http, method, path, headers, body, body == NULL ? 0 : strlen(body));
}

void
http_free(struct http_answer *answer)
{
	free(answer->body);
	free(answer->headers);
	*answer = (struct http_answer){ 0 };
}

const char *
http_header(const struct http_answer *answer, const char *name)
{
	static _Thread_local char value[VALUE_MAX];
	size_t len = strlen(name);
	const char *line = answer->headers;

	while (line != NULL && *line != '\0') {
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			line += len + 1;
			line += strspn(line, " \t");
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r\n"), line);
			return value;
		}
		line += strcspn(line, "\n");
		line += *line == '\n' ? 1 : 0;
	}
	return NULL;
}
