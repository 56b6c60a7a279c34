#include "worker/webhook.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/address.h"
#include "lib/arena.h"

#define ANSWER_MAX_BYTES 65536
#define STATUS_OK 200
#define STATUS_OK_END 300

struct webhook_sender {
	CURL *curl;
	struct webhook_settings settings;
	bool refused; /* an address of this message */
	size_t answered; /* bytes of its answer */
};

static void
close_sender(void *object)
{
	struct webhook_sender *sender = object;

	curl_easy_cleanup(sender->curl);
	curl_global_cleanup();
}

struct webhook_sender *
webhook_open(struct task *task, const struct webhook_settings *settings)
{
	struct webhook_sender *sender = arena_alloc(task->arena, sizeof *sender);

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	sender->settings = *settings;
	sender->curl = curl_easy_init();
	if (sender->curl == NULL)
		abort();
	arena_defer(task->arena, close_sender, sender);
	return sender;
}

/* This is the address that is connected to: a name that resolves to another one a moment later
 * changes nothing. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose UNUSED, struct curl_sockaddr *address)
{
	struct webhook_sender *sender = context;

	if (!sender->settings.allow_private && !address_public(&address->addr)) {
		sender->refused = true;
		errno = EACCES;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t
skip_answer(char *bytes UNUSED, size_t size, size_t count, void *context)
{
	struct webhook_sender *sender = context;

	sender->answered += size * count;
	return sender->answered > ANSWER_MAX_BYTES ? 0 : size * count;
}

static struct curl_slist *
make_headers(struct task *task, const struct webhook_message *message)
{
	const char *lines[] = {
		"Content-Type: application/json",
		arena_printf(task->arena, "Tally-Event: %s", message->event),
		arena_printf(task->arena, "Tally-Delivery: %s", message->delivery),
		arena_printf(task->arena, "Tally-Signature: %s", message->signature),
		"Expect:",
	};
	struct curl_slist *headers = NULL;

	for (size_t i = 0; i < COUNT(lines); i++) {
		headers = curl_slist_append(headers, lines[i]);
		if (headers == NULL)
			abort();
	}
	return headers;
}

static void
set_options(struct webhook_sender *sender, const struct webhook_message *message,
    const struct curl_slist *headers)
{
	CURL *curl = sender->curl;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, message->url);
	curl_easy_setopt(
	    curl, CURLOPT_PROTOCOLS_STR, sender->settings.allow_private ? "http,https" : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* A proxy of the environment would be connected to instead. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, sender);
	/* A connection that is kept was judged for another name. */
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)sender->settings.timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "tally/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->body.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, message->body.at);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, skip_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, sender);
}

/* An answer that is too long, or breaks off behind its status, is one all the same. */
static struct webhook_result
judge(const struct webhook_sender *sender, CURLcode code)
{
	struct webhook_result result = { 0 };

	curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &result.status);
	if (result.status >= STATUS_OK && result.status < STATUS_OK_END)
		return result;
	if (result.status >= STATUS_OK)
		result.error = "it was not answered with 2xx";
	else if (sender->refused)
		result.error = "it leads to an address that is not public";
	else
		result.error = curl_easy_strerror(code);
	if (result.status < STATUS_OK)
		result.status = 0;
	return result;
}

struct webhook_result
webhook_send(
    struct task *task, struct webhook_sender *sender, const struct webhook_message *message)
{
	struct curl_slist *headers = make_headers(task, message);
	CURLcode code;

	sender->refused = false;
	sender->answered = 0;
	set_options(sender, message, headers);
	code = curl_easy_perform(sender->curl);
	curl_slist_free_all(headers);
	return judge(sender, code);
}
