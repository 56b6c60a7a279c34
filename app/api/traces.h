/*
 * OpenTelemetry's OTLP/HTTP for traces: spans into the write path.
 */
#ifndef APP_API_TRACES_H
#define APP_API_TRACES_H

#include "app/request.h"

/* Spans of models, agents and tools in one export; others are not counted. */
#define TRACES_SPANS_MAX 10000

extern const char *const traces_types[]; /* media types; NULL behind the last */

/* Failures are told in the request's format. */
void traces_prepare(struct request *req);
/* It parks: the request is finished after the commit. Always true. */
bool traces_post(struct request *req, struct reply *reply);

#endif
