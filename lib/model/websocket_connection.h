/*
 * Connections of users to a gateway that forwards events (lib/model/event.h): who is connected, and
 * what each wants to hear. The gateway registers them, pings for them, and says when they end; one
 * without a ping for WEBSOCKET_SILENCE_S has ended (tally expire), and is forgotten
 * WEBSOCKET_KEPT_S later.
 *
 * That a connection is there makes the events of its types be kept and published. Every call sees
 * only the rows of task->client. Texts live as long as the task.
 */
#ifndef LIB_MODEL_WEBSOCKET_CONNECTION_H
#define LIB_MODEL_WEBSOCKET_CONNECTION_H

#include "lib/model/resource.h"

#define WEBSOCKET_ID_MAX 255
#define WEBSOCKET_AGENT_MAX 1000
#define WEBSOCKET_TYPE_MAX 50
#define WEBSOCKET_FILTERS_MAX 100
#define WEBSOCKET_SILENCE_S 90
#define WEBSOCKET_KEPT_S 86400

enum websocket_status { WEBSOCKET_ACTIVE, WEBSOCKET_DISCONNECTED };
extern const char *const websocket_status_names[];

struct websocket_connection {
	struct resource_head head; /* created_at: when it was registered */
	struct id user;
	const char *connection_id; /* the gateway's name for it, one of its kind in the client */
	const char *client_ip; /* NULL where not given, as below */
	const char *user_agent;
	const char *client_type;
	struct json_texts subscribed_events;
	struct json_texts session_filters; /* ids of agent sessions; none: any */
	int status; /* enum websocket_status */
	int64_t last_ping_at;
	int64_t disconnected_at; /* 0: it is there */
};

extern const struct resource websocket_connection_resource;

/* ERR_NOT_FOUND; ERR_CONFLICT where it has ended. */
NODISCARD bool websocket_connection_ping(
    struct task *task, struct id id, struct websocket_connection *ret);
/* A second time changes nothing. ERR_NOT_FOUND. */
NODISCARD bool websocket_connection_end(
    struct task *task, struct id id, struct websocket_connection *ret);

/* For expire: ends those that are silent and removes those that ended long ago; *ret: how many. In
 * one statement each. */
NODISCARD bool websocket_connection_reap(struct task *task, int64_t *ret);
/* How many it would be. */
NODISCARD bool websocket_connection_count_due(struct task *task, int64_t *ret);

extern const char *const websocket_connection_statements[]; /* for the tests; NULL behind the last
							     */
extern const char *const websocket_reap_statements[]; /* the worker's */

#endif
