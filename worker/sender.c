#include "worker/sender.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/address.h"
#include "lib/arena.h"
#include "lib/clock.h"

#define ANSWER_MAX_BYTES 65536
#define STATUS_OK 200
#define STATUS_OK_END 300

struct sender {
	CURL *curl;
	const struct conf *conf;
	bool refused; /* an address of this message */
	size_t answered; /* bytes of its answer */
};

static void
close_sender(void *object)
{
	struct sender *sender = object;

	curl_easy_cleanup(sender->curl);
	curl_global_cleanup();
}

static struct sender *
open_sender(const struct command_context *context)
{
	struct arena *arena = context->task->arena;
	struct sender *sender = arena_alloc(arena, sizeof *sender);

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	sender->conf = &context->conf;
	sender->curl = curl_easy_init();
	if (sender->curl == NULL)
		abort();
	arena_defer(arena, close_sender, sender);
	return sender;
}

/* This is the address that is connected to: a name that resolves to another one a moment later
 * changes nothing. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose UNUSED, struct curl_sockaddr *address)
{
	struct sender *sender = context;

	if (!sender->conf->webhook_allow_private && !address_public(&address->addr)) {
		sender->refused = true;
		errno = EACCES;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t
skip_answer(char *bytes UNUSED, size_t size, size_t count, void *context)
{
	struct sender *sender = context;

	sender->answered += size * count;
	return sender->answered > ANSWER_MAX_BYTES ? 0 : size * count;
}

static struct curl_slist *
make_headers(const struct sender_message *message)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; headers != NULL && message->headers[i] != NULL; i++)
		headers = curl_slist_append(headers, message->headers[i]);
	if (headers == NULL)
		abort();
	return headers;
}

static void
set_message(CURL *curl, const struct sender_message *message)
{
	curl_easy_setopt(curl, CURLOPT_URL, message->url);
	if (message->body.at != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->body.len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, message->body.at);
	}
	if (strcmp(message->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, message->method);
	if (message->username != NULL) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, message->username);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, message->password);
	}
}

static void
set_options(
    struct sender *sender, const struct sender_message *message, const struct curl_slist *headers)
{
	CURL *curl = sender->curl;

	curl_easy_reset(curl);
	set_message(curl, message);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
	    sender->conf->webhook_allow_private ? "http,https" : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* A proxy of the environment would be connected to instead. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, sender);
	/* A connection that is kept was judged for another name. */
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)sender->conf->webhook_timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "tally/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, skip_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender);
}

static enum sender_failure
failure_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return SENDER_NAME;
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return SENDER_CONNECTION;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return SENDER_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return SENDER_TIMEOUT;
	default:
		return SENDER_OTHER;
	}
}

static bool
is_open(const struct sender *sender, const char *url)
{
	return !sender->conf->webhook_allow_private && strncmp(url, "https://", 8) != 0;
}

/* An answer that is too long, or breaks off behind its status, is one all the same. */
static struct sender_result
judge(const struct sender *sender, const struct sender_message *message, CURLcode code)
{
	struct sender_result result = { 0 };

	curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &result.status);
	if (result.status >= STATUS_OK && result.status < STATUS_OK_END)
		return result;
	if (result.status >= STATUS_OK) {
		result.failure = SENDER_STATUS;
		result.error = "it was not answered with 2xx";
		return result;
	}
	result.status = 0;
	result.failure =
	    sender->refused || is_open(sender, message->url) ? SENDER_PRIVATE : failure_of(code);
	result.error = sender->refused ? "it leads to an address that is not public"
				       : curl_easy_strerror(code);
	return result;
}

struct sender_result
sender_send(struct sender *sender, const struct sender_message *message)
{
	struct curl_slist *headers = make_headers(message);
	CURLcode code;

	sender->refused = false;
	sender->answered = 0;
	set_options(sender, message, headers);
	code = curl_easy_perform(sender->curl);
	curl_slist_free_all(headers);
	return judge(sender, message, code);
}

bool
sender_run(
    struct command_context *context, const struct sender_work *work, struct job_result *result)
{
	struct task *task = context->task;
	struct sender *sender = open_sender(context);
	int64_t until = clock_monotonic() + work->time_s * CLOCK_SECOND;
	bool any = true;

	for (int i = 0; i < work->max && clock_monotonic() < until; i++) {
		struct arena_mark mark = arena_mark(task->arena);

		if (!work->step(task, sender, &any))
			return false;
		arena_undo(task->arena, mark);
		if (!any)
			return true;
		result->rows++;
	}
	return true;
}
