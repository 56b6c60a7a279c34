/*
 * /v1/tool-executions: what became of calls of tools, and how often that was.
 */
#ifndef APP_API_TOOL_EXECUTIONS_H
#define APP_API_TOOL_EXECUTIONS_H

#include "app/request.h"
#include "lib/json_read.h"

#define TOOL_STATISTICS_DAYS_DEFAULT 30
#define TOOL_STATISTICS_DAYS_MAX 366

extern const struct json_field tool_executions_post_fields[12];
extern const struct json_field tool_executions_list_fields[9];
extern const struct json_field tool_executions_statistics_fields[4];

/* One, an array or NDJSON. */
bool tool_executions_post(struct request *req, struct reply *reply);
bool tool_executions_list(struct request *req, struct reply *reply);
bool tool_executions_find(struct request *req, struct reply *reply);
bool tool_executions_statistics(struct request *req, struct reply *reply);

#endif
