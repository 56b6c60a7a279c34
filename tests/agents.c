#include "tests/agents.h"

#include "tests/api.h"

const char *
agents_at(const char *id, const char *rest)
{
	return api_text(AGENTS_PATH "/%s%s", id, rest);
}

const char *
agents_begin(void)
{
	return api_add(AGENTS_PATH, "{}");
}

const char *
agents_begin_below(const char *parent)
{
	return api_add(AGENTS_PATH, api_text("{\"parent_id\":\"%s\"}", parent));
}

void
agents_expect_status(const char *id, const char *status)
{
	api_expect(200, "GET", agents_at(id, ""), NULL);
	api_expect_json("status", status);
}
