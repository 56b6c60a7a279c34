#include "tests/bound.h"

#include "tests/test.h"

#include "lib/model/scope.h"
#include "tests/api.h"

void
bound_make_person(struct bound_person *person)
{
	const char *mark = person->mark;

	person->user = api_add("/v1/users",
	    api_text("{\"external_id\":\"%s\",\"email\":\"%s@example.com\"}", mark, mark));
	person->session = api_add("/v1/sessions",
	    api_text("{\"user_id\":\"%s\",\"user_agent\":\"%s\"}", person->user, mark));
	person->token = api_keep("token");
	person->record = api_add("/v1/chat-logs",
	    api_text("{\"user_id\":\"%s\",\"session_id\":\"%s\",\"feature\":\"%s\","
		     "\"input_tokens\":7,\"verified_cost_cents\":%s}",
		person->user, person->session, mark, person->cost));
	person->conversation = api_add("/v1/conversations",
	    api_text("{\"user_id\":\"%s\",\"title\":\"%s\"}", person->user, mark));
	api_add(api_text("/v1/conversations/%s/messages", person->conversation),
	    api_text("{\"role\":\"user\",\"content\":\"%s\"}", mark));
	api_add(api_text("/v1/conversations/%s/versions", person->conversation),
	    api_text("{\"html\":\"%s\"}", mark));
	person->authorization = api_add("/v1/authorizations",
	    api_text("{\"user_id\":\"%s\",\"max_cost_cents\":0.5,\"feature\":\"%s\"}", person->user,
		mark));
	person->budget = api_add(
	    "/v1/budgets", api_text("{\"name\":\"%s\",\"window\":\"total\",\"limit_cents\":1000000,"
				    "\"scope\":{\"user_id\":\"%s\"}}",
			       mark, person->user));
	person->agent = api_add("/v1/agent-sessions",
	    api_text("{\"user_id\":\"%s\",\"vision\":\"%s\"}", person->user, mark));
}

const char *
bound_make_key(const char *client, const char *user)
{
	const char *own = api_key(), *key, *id, *names = "";

	for (int i = 0; i < SCOPE_CLIENT_COUNT; i++)
		names = api_text("%s%s\"%s\"", names, names[0] ? "," : "", scope_names[i]);
	api_use_operator();
	id = api_add(api_text("/v1/clients/%s/api-keys", client),
	    api_text("{\"name\":\"bound\",\"scopes\":[%s]}", names));
	key = api_keep("key");
	api_sql("UPDATE auth_tokens SET user_id = '%s' WHERE id = '%s'", user, id);
	api_use_key(own);
	return key;
}
