#include "app/api/client_tools.h"

#include "lib/model/client_tool.h"

void
client_tools_fill(struct request *req, void *object)
{
	struct client_tool *tool = object;

	tool->allow_http = req->app->conf.webhook_allow_private;
}
