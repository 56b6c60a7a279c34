#include "tests/entering.h"

#include "tests/api.h"

const char *
entering_add_user(const char *client, const char *body)
{
	const char *id;

	api_use_new_client(client);
	id = api_add("/v1/users", body);
	api_expect(204, "POST", api_text("/v1/users/%s/password", id),
	    "{\"password\":\"" ENTERING_PASSWORD "\"}");
	return id;
}

long
entering_set_password(const char *id, const char *members)
{
	return api_send(
	    "POST", api_text("/v1/users/%s/password", id), NULL, api_text("{%s}", members));
}

long
entering_login(const char *who, const char *password)
{
	return api_send(
	    "POST", "/v1/auth/login", NULL, api_text("{%s,\"password\":\"%s\"}", who, password));
}
