/*
 * Calls of tools as they come in: read, given their ids, times and days, and without secrets.
 */
#ifndef APP_API_TOOL_EXECUTIONS_READ_H
#define APP_API_TOOL_EXECUTIONS_READ_H

#include "app/ingest/rejection.h"
#include "app/request.h"
#include "lib/model/tool_execution.h"

struct tool_calls {
	struct tool_call *at;
	size_t *indexes; /* of each, as in rejection */
	size_t count;
	struct rejection *rejections; /* room for one of each element */
	size_t rejection_count;
	bool single; /* the body was one object */
};

/* From the body. False when the request as a whole fails; a single object that is no good does. */
NODISCARD bool tool_executions_read(struct request *req, struct tool_calls *ret);

#endif
