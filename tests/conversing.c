#include "tests/conversing.h"

#include "tests/api.h"

const char *
conversing_at(const char *id, const char *rest)
{
	return api_text("/v1/conversations/%s%s", id, rest);
}

const char *
conversing_versions(const char *client)
{
	api_use_new_client(client);
	return conversing_at(api_add("/v1/conversations", "{}"), "/versions");
}

const char *
conversing_version(const char *versions, const char *rest)
{
	return api_text("%s/%s", versions, rest);
}
