/*
 * What WebSocket connections have beside the pattern: a sign of life, and an end.
 */
#ifndef APP_API_WEBSOCKET_CONNECTIONS_H
#define APP_API_WEBSOCKET_CONNECTIONS_H

#include "app/request.h"

bool websocket_connections_ping(struct request *req, struct reply *reply);
bool websocket_connections_end(struct request *req, struct reply *reply);

#endif
