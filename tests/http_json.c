#include "tests/http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 8
#define WHITE " \t\r\n"

/* The answers under test are JSON: what is not is found by http_json() giving NULL. */

static const char *
skip_white(const char *at)
{
	return at + strspn(at, WHITE);
}

/* Behind a string; at its opening quote. */
static const char *
skip_string(const char *at)
{
	for (at++; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
	}
	return *at == '"' ? at + 1 : at;
}

/* Behind any value. */
static const char *
skip_value(const char *at)
{
	int depth = 0;

	at = skip_white(at);
	do {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			depth--;
			at++;
		} else if (depth == 0) {
			return at + strcspn(at, ",]}" WHITE);
		} else if (*at != '\0') {
			at++;
		}
	} while (depth > 0 && *at != '\0');
	return at;
}

/* The value of the member of that name; at is the opening brace. NULL: there is none. */
static const char *
member(const char *at, const char *name, size_t len)
{
	at = skip_white(at + 1);
	while (*at == '"') {
		const char *key = at + 1;

		at = skip_string(at);
		if ((size_t)(at - 1 - key) == len && strncmp(key, name, len) == 0) {
			at = skip_white(at);
			return *at == ':' ? skip_white(at + 1) : NULL;
		}
		at = skip_white(at);
		if (*at != ':')
			return NULL;
		at = skip_white(skip_value(at + 1));
		at = *at == ',' ? skip_white(at + 1) : at;
	}
	return NULL;
}

static const char *
element(const char *at, long index)
{
	at = skip_white(at + 1);
	for (; index > 0 && *at != ']' && *at != '\0'; index--) {
		at = skip_white(skip_value(at));
		if (*at != ',')
			return NULL;
		at = skip_white(at + 1);
	}
	return *at == ']' || *at == '\0' ? NULL : at;
}

static const char *
find(const char *at, const char *path)
{
	at = skip_white(at);
	while (at != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		if (*at == '{')
			at = member(at, path, len);
		else if (*at == '[')
			at = element(at, strtol(path, NULL, 10));
		else
			at = NULL;
		path += len;
		path += *path == '.' ? 1 : 0;
	}
	return at;
}

static char
unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

/* \u escapes are left as they are: tests compare UTF-8, which Tally does not escape. */
static char *
copy(const char *at, const char *end)
{
	char *text = malloc((size_t)(end - at) + 1);
	char *out = text;

	if (text == NULL)
		abort();
	while (at < end) {
		if (*at == '\\' && at + 1 < end && at[1] != 'u') {
			*out++ = unescape(at[1]);
			at += 2;
		} else {
			*out++ = *at++;
		}
	}
	*out = '\0';
	return text;
}

static pthread_key_t slots_key;

static void
free_slots(void *of_thread)
{
	char **slots = of_thread;

	for (int i = 0; i < SLOTS; i++)
		free(slots[i]);
	free(slots);
}

static void
make_key(void)
{
	if (pthread_key_create(&slots_key, free_slots) != 0)
		abort();
}

/* The calling thread's, which end with it. */
static char **
slots_of_thread(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char **slots;

	(void)pthread_once(&once, make_key);
	slots = pthread_getspecific(slots_key);
	if (slots != NULL)
		return slots;
	slots = calloc(SLOTS, sizeof(*slots));
	if (slots == NULL || pthread_setspecific(slots_key, slots) != 0)
		abort();
	return slots;
}

const char *
http_json(const struct http_answer *answer, const char *path, int slot)
{
	char **slots = slots_of_thread();
	const char *at = answer->body == NULL ? NULL : find(answer->body, path);

	if (slot < 0 || slot >= SLOTS)
		abort();
	free(slots[slot]);
	slots[slot] = NULL;
	if (at == NULL)
		return NULL;
	if (*at == '"')
		slots[slot] = copy(at + 1, skip_string(at) - 1);
	else
		slots[slot] = copy(at, skip_value(at));
	return slots[slot];
}
