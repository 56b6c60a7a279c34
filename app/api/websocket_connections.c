#include "app/api/websocket_connections.h"

#include "app/rest.h"
#include "lib/model/websocket_connection.h"

bool
websocket_connections_ping(struct request *req, struct reply *reply)
{
	struct websocket_connection connection;
	struct id id;

	if (!request_id_param(req, 0, &id) ||
	    !websocket_connection_ping(req->task, id, &connection))
		return false;
	return rest_reply(reply, 200, &websocket_connection_resource, &connection, false);
}

bool
websocket_connections_end(struct request *req, struct reply *reply)
{
	struct websocket_connection connection;
	struct id id;

	if (!request_id_param(req, 0, &id) || !websocket_connection_end(req->task, id, &connection))
		return false;
	return rest_reply(reply, 200, &websocket_connection_resource, &connection, false);
}
