/*
 * A span as a record of the log.
 */
#ifndef APP_INGEST_OTEL_RECORD_H
#define APP_INGEST_OTEL_RECORD_H

#include "app/ingest/otel.h"
#include "app/ingest/record.h"

/*
 * The call of a model has tokens and a cost. Steps of agents and calls of tools are kept beside it
 * in the same trace, with agent_type or tools_used, and cost nothing: the usage that a framework
 * sums up on an agent's span is that of the calls inside it. All else is none of ours.
 */
enum otel_kind { OTEL_OTHER, OTEL_CALL, OTEL_AGENT_STEP, OTEL_TOOL_CALL };
enum otel_kind otel_kind(const struct otel_span *span);

/* ERR_INVALID with all that is wrong. Its id follows from the client, trace_id, span_id and the
 * start. kind: not OTEL_OTHER. */
NODISCARD bool otel_make_record(struct task *task, struct cache *cache,
    const struct identity *identity, enum otel_kind kind, const struct otel_span *span,
    struct record *ret);

#endif
