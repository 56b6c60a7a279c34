/*
 * OTLP's ExportTraceServiceRequest (opentelemetry-proto 1.x, protobuf or JSON): its spans one by
 * one, with those attributes that say something about the call of a model.
 *
 * Names are taken from the semantic conventions for generative AI, current and older ones, from
 * OpenInference and from OpenLLMetry; several names of one thing share a slot, and the most current
 * one that is there wins.
 */
#ifndef APP_INGEST_OTEL_H
#define APP_INGEST_OTEL_H

#include "lib/json_read.h"

enum otel_slot {
	OTEL_OPERATION, /* what the span is, in the words of three conventions */
	OTEL_SPAN_KIND,
	OTEL_REQUEST_TYPE,
	OTEL_PROVIDER,
	OTEL_RESPONSE_MODEL,
	OTEL_REQUEST_MODEL,
	OTEL_INPUT_TOKENS,
	OTEL_OUTPUT_TOKENS,
	OTEL_CACHE_READ_TOKENS,
	OTEL_CACHE_WRITE_TOKENS,
	OTEL_REASONING_TOKENS,
	OTEL_TOTAL_TOKENS,
	OTEL_COST, /* dollars */
	OTEL_AGENT,
	OTEL_TOOL,
	OTEL_ENTITY, /* OpenLLMetry's name of an agent or a tool */
	OTEL_FEATURE,
	OTEL_USER,
	OTEL_CONVERSATION,
	OTEL_RESPONSE_ID,
	OTEL_ERROR_TYPE,
	OTEL_ENVIRONMENT,
	OTEL_SLOTS
};

struct otel_attributes {
	struct text at[OTEL_SLOTS]; /* numbers as decimal texts; at NULL where not given */
	uint8_t rank[OTEL_SLOTS];
};

struct otel_span {
	struct text
	    trace_id; /* lower-case hex; at NULL where it is not of its right length, or zero */
	struct text span_id;
	struct text parent_span_id;
	struct text name;
	int64_t started_at; /* microseconds since 1970 */
	int64_t ended_at;
	bool failed; /* its status */
	struct text status_message;
	struct otel_attributes attributes; /* of its own, and of its resource where it has none */
};

enum otel_format { OTEL_PROTOBUF, OTEL_JSON };

/* Where in the request the next span is looked for. */
struct otel_reader {
	enum otel_format format;
	struct otel_attributes resource; /* of the spans that come */
	struct text request, resource_spans, scope_spans; /* protobuf: what is left of each */
	struct json_items resources, scopes, spans; /* JSON: the same */
};

/* False: ERR_SYNTAX. The body must outlive the reader. */
NODISCARD bool otel_open(
    struct task *task, enum otel_format format, struct text body, struct otel_reader *ret);
/* False at the end, or ERR_SYNTAX. Texts live as long as the task or the body. */
NODISCARD bool otel_next(struct task *task, struct otel_reader *reader, struct otel_span *ret);

#endif
