/*
 * /v1/agent-sessions: the sessions of agents; what they do beside what every resource does.
 */
#ifndef APP_API_AGENT_SESSIONS_H
#define APP_API_AGENT_SESSIONS_H

#include "app/request.h"
#include "lib/json_read.h"

#define AGENT_PROGRESS_FIELDS 8
extern const struct json_field agent_sessions_progress_fields[AGENT_PROGRESS_FIELDS];
extern const struct json_field agent_sessions_complete_fields[AGENT_PROGRESS_FIELDS + 3];
extern const struct json_field agent_sessions_fail_fields[AGENT_PROGRESS_FIELDS + 3];

void agent_sessions_fill(struct request *req, void *object);
bool agent_sessions_progress(struct request *req, struct reply *reply);
bool agent_sessions_complete(struct request *req, struct reply *reply);
bool agent_sessions_fail(struct request *req, struct reply *reply);
bool agent_sessions_cancel(struct request *req, struct reply *reply);
bool agent_sessions_tree(struct request *req, struct reply *reply);

#endif
