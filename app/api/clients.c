#include "app/api/clients.h"

#include "app/rest.h"
#include "lib/model/client.h"

bool
clients_deactivate(struct request *req, struct reply *reply)
{
	struct id id;
	struct client client;

	if (!request_id_param(req, 0, &id))
		return false;
	if (!client_deactivate(req->task, id, &client))
		return false;
	return rest_reply(reply, 200, &client_resource, &client, false);
}
