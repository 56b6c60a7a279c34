#include "app/api/integrations.h"

#include "app/rest.h"
#include "lib/model/integration_call.h"

void
integrations_fill(struct request *req, void *object)
{
	struct integration *integration = object;

	integration->allow_http = req->app->conf.webhook_allow_private;
}

bool
integrations_test(struct request *req, struct reply *reply)
{
	struct integration integration;
	struct id id;

	if (!rest_id(req, &id) ||
	    !resource_find(req->task, &integration_resource, id, &integration) ||
	    !integration_call_ask(req->task, id, &integration.test.due_at))
		return false;
	return rest_reply(reply, 202, &integration_resource, &integration, false);
}

bool
integrations_test_endpoint(struct request *req, struct reply *reply)
{
	struct integration_endpoint endpoint;
	struct id id;

	if (!rest_id(req, &id) ||
	    !resource_find(req->task, &integration_endpoint_resource, id, &endpoint) ||
	    !rest_of_path(req, &endpoint) ||
	    !integration_call_ask_endpoint(req->task, &endpoint, &endpoint.test.due_at))
		return false;
	return rest_reply(reply, 202, &integration_endpoint_resource, &endpoint, false);
}
