#include "tests/browser.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/buf.h"
#include "tests/http.h"
#include "tests/process.h"
#include "tests/test.h"

#define START_MS 30000
#define STOP_MS 20000

static struct arena *arena;
static pid_t driver;
static struct http http;
static const char *session; /* the path of what it is asked */

bool
browser_is_there(void)
{
	struct process shell = { .argv = { "sh", "-c",
				     "command -v chromium && command -v chromedriver" } };
	char *output;
	int status = process_run(&shell, &output);

	free(output);
	return status == 0;
}

static struct buf
begin(void)
{
	return (struct buf){ .arena = arena };
}

static void
add_string(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			buf_printf(out, "\\u%04x", *text);
		else
			buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

/* The member "value" of the answer where it is a text, a number or a truth; else the JSON. */
static const char *
ask(const char *method, const char *path, const struct buf *body)
{
	struct http_answer answer =
	    http_send(&http, method, path, NULL, body == NULL ? NULL : body->at);
	const char *value = http_json(&answer, "value", 0);

	if (answer.status != 200)
		fail_msg("%s %s: %ld %s", method, path, answer.status,
		    answer.body == NULL ? "" : answer.body);
	value = arena_strdup(arena, value == NULL ? "" : value);
	http_free(&answer);
	return value;
}

static const char *
path_of(const char *what)
{
	return arena_printf(arena, "%s%s", session, what);
}

static void
send_command(const char *command, const char *params)
{
	struct buf body = begin();

	buf_printf(&body, "{\"cmd\":\"%s\",\"params\":%s}", command, params);
	ask("POST", path_of("/goog/cdp/execute"), &body);
}

/* The port that chromedriver has chosen; 0: it has not said so yet. */
static int
read_port(const char *log)
{
	static const char says[] = "started successfully on port ";
	char *text = process_read_file(log);
	const char *at = text == NULL ? NULL : strstr(text, says);
	const char *rest = at == NULL ? NULL : at + strlen(says);
	int port = rest != NULL && strchr(rest, '.') != NULL ? (int)strtol(rest, NULL, 10) : 0;

	free(text);
	return port;
}

static void
await_driver(const char *log)
{
	long long until = process_clock() + START_MS;
	int port;

	while ((port = read_port(log)) == 0) {
		if (process_clock() > until)
			fail_msg("chromedriver does not start: see %s", log);
		process_breathe();
	}
	http = (struct http){ .url = arena_printf(arena, "http://127.0.0.1:%d", port) };
}

/* Without the sandbox, which wants namespaces that neither root nor a container has: all that the
 * browser opens is the page under test. */
static void
open_session(void)
{
	static const char wanted[] =
	    "{\"capabilities\":{\"alwaysMatch\":{\"browserName\":\"chrome\","
	    "\"goog:loggingPrefs\":{\"browser\":\"ALL\"},\"goog:chromeOptions\":{\"args\":["
	    "\"--headless=new\",\"--no-sandbox\",\"--disable-gpu\",\"--disable-dev-shm-usage\","
	    "\"--no-first-run\",\"--hide-scrollbars\",\"--lang=en-US\"]}}}}";
	struct buf body = begin();
	struct http_answer answer;
	const char *id;

	buf_puts(&body, wanted);
	answer = http_send(&http, "POST", "/session", NULL, body.at);
	id = http_json(&answer, "value.sessionId", 0);
	if (id == NULL)
		fail_msg("chromium does not start: %s", answer.body == NULL ? "" : answer.body);
	session = arena_printf(arena, "/session/%s", id);
	http_free(&answer);
}

void
browser_start(const char *folder)
{
	struct process process = { .argv = { "chromedriver", "--port=0" },
		.death_signal = SIGTERM };

	arena = arena_new();
	process.log = arena_printf(arena, "%s/chromedriver.log", folder);
	driver = process_start(&process);
	await_driver(process.log);
	open_session();
	send_command("Browser.setDownloadBehavior",
	    arena_printf(arena, "{\"behavior\":\"allow\",\"downloadPath\":\"%s\"}", folder));
}

void
browser_stop(void)
{
	struct http_answer answer = { 0 };

	if (session != NULL)
		answer = http_send(&http, "DELETE", session, NULL, NULL);
	http_free(&answer);
	if (driver != 0) {
		kill(driver, SIGTERM);
		process_wait(driver, STOP_MS);
	}
	session = NULL;
	driver = 0;
	arena_free(arena);
	arena = NULL;
}

void
browser_go(const char *url)
{
	struct buf body = begin();

	buf_puts(&body, "{\"url\":");
	add_string(&body, url);
	buf_putc(&body, '}');
	ask("POST", path_of("/url"), &body);
}

const char *
browser_run(const char *script)
{
	struct buf body = begin();

	buf_puts(&body, "{\"args\":[],\"script\":");
	add_string(&body, script);
	buf_putc(&body, '}');
	return ask("POST", path_of("/execute/sync"), &body);
}

void
browser_await(const char *expression)
{
	const char *script = arena_printf(arena, "return Boolean(%s)", expression);
	long long until = process_clock() + START_MS;

	while (strcmp(browser_run(script), "true") != 0) {
		if (process_clock() > until)
			fail_msg("the page never came to: %s; it says: %s", expression,
			    browser_run("return document.body.innerText.slice(0, 2000)"));
		process_breathe();
	}
}

void
browser_type(const char *text)
{
	struct buf body = begin();

	buf_puts(&body, "{\"actions\":[{\"type\":\"key\",\"id\":\"keys\",\"actions\":[");
	for (const char *at = text; *at != '\0'; at++)
		buf_printf(&body,
		    "%s{\"type\":\"keyDown\",\"value\":\"%c\"},"
		    "{\"type\":\"keyUp\",\"value\":\"%c\"}",
		    at == text ? "" : ",", *at, *at);
	buf_puts(&body, "]}]}");
	ask("POST", path_of("/actions"), &body);
}

void
browser_press(int key, int times)
{
	struct buf body = begin();

	buf_puts(&body, "{\"actions\":[{\"type\":\"key\",\"id\":\"keys\",\"actions\":[");
	for (int i = 0; i < times; i++)
		buf_printf(&body,
		    "%s{\"type\":\"keyDown\",\"value\":\"\\u%04x\"},"
		    "{\"type\":\"keyUp\",\"value\":\"\\u%04x\"}",
		    i == 0 ? "" : ",", (unsigned)key, (unsigned)key);
	buf_puts(&body, "]}]}");
	ask("POST", path_of("/actions"), &body);
}

static void
set_size(int width, int height)
{
	send_command("Emulation.setDeviceMetricsOverride",
	    arena_printf(arena,
		"{\"width\":%d,\"height\":%d,\"deviceScaleFactor\":1,\"mobile\":%s}", width, height,
		width < 600 ? "true" : "false"));
}

void
browser_show_as(int width, int height, const char *scheme)
{
	set_size(width, height);
	send_command("Emulation.setEmulatedMedia",
	    arena_printf(arena,
		"{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]}", scheme));
}

void
browser_shoot(const char *path)
{
	const char *height = browser_run("return document.documentElement.scrollHeight");
	int width = (int)strtol(browser_run("return innerWidth"), NULL, 10);
	struct process decode = { .argv = {
				      "sh", "-c", arena_printf(arena, "base64 -d >'%s'", path) } };
	char *output;

	set_size(width, (int)strtol(height, NULL, 10));
	/* Two frames later, all is drawn at this size. */
	browser_run("window.drawn = false;"
		    "requestAnimationFrame(() => requestAnimationFrame(() => drawn = true))");
	browser_await("window.drawn");
	decode.input = ask("GET", path_of("/screenshot"), NULL);
	if (process_run(&decode, &output) != 0)
		fail_msg("%s: %s", path, output);
	free(output);
}

const char *
browser_complaints(void)
{
	struct buf body = begin();

	buf_puts(&body, "{\"type\":\"browser\"}");
	return ask("POST", path_of("/se/log"), &body);
}
