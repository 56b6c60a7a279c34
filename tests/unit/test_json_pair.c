/* Fields that come, and go, together. */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "lib/json_read.h"

struct pair {
	const char *provider, *account;
	bool no_provider, no_account;
	const char *note;
};

#define PAIR(member) offsetof(struct pair, member)

static const struct json_field fields[] = {
	{ "provider", JSON_TEXT, .offset = PAIR(provider), .max = 9, .nulled = PAIR(no_provider),
	    .with = "account" },
	{ "account", JSON_TEXT, .offset = PAIR(account), .max = 9, .nulled = PAIR(no_account),
	    .with = "provider" },
	{ "note", JSON_TEXT, .offset = PAIR(note), .max = 9, .with = "provider" },
};

static const struct {
	const char *sentence;
	const char *body;
	const char *bad; /* the fields and messages, a bar behind each; "" where it is taken */
} bodies[] = {
	{ "neither", "{}", "" },
	{ "both", "{\"account\":\"b\",\"provider\":\"a\"}", "" },
	{ "both null", "{\"account\":null,\"provider\":null}", "" },
	{ "the first alone", "{\"provider\":\"a\"}", "account must be given with provider|" },
	{ "the second alone", "{\"account\":\"a\"}", "provider must be given with account|" },
	{ "the first null alone", "{\"provider\":null}", "account must be null with provider|" },
	{ "the second null alone", "{\"account\":null}", "provider must be null with account|" },
	{ "one given, one null", "{\"provider\":\"a\",\"account\":null}",
	    "account must be given with provider|provider must be null with account|" },
	{ "one that needs the pair", "{\"note\":\"n\"}", "provider must be given with note|" },
	{ "one that nobody needs", "{\"note\":null}", "" },
	{ "half of it beside another mistake", "{\"provider\":1,\"x\":1}",
	    "provider must be a text|x is not a known field|account must be given with provider|" },
};

static const char *
told(const struct err *err)
{
	static char text[400];

	text[0] = '\0';
	for (size_t i = 0; i < err->field_count; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s|",
		    err->fields[i].field, err->fields[i].message);
	return text;
}

static void
halves_are_refused_by_what_is_missing(UNUSED void **state)
{
	struct task task = { 0 };

	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct pair pair = { 0 };
		struct text body = { bodies[i].body, strlen(bodies[i].body) };
		bool taken;

		task_init(&task, arena_new());
		taken = json_read(&task, body, fields, COUNT(fields), &pair);
		if (taken != (bodies[i].bad[0] == '\0') ||
		    strcmp(told(&task.err), bodies[i].bad) != 0)
			fail_msg("%s: %s", bodies[i].sentence, told(&task.err));
		arena_free(task.arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves_are_refused_by_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
