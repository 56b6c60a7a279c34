/*
 * What an OTLP exporter is told: ExportTraceServiceResponse after the commit, google.rpc.Status for
 * a failure, each in the format of the request.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
 */
#ifndef APP_INGEST_OTEL_ANSWER_H
#define APP_INGEST_OTEL_ANSWER_H

#include "app/ingest/ingest.h"
#include "app/ingest/otel.h"
#include "app/reply.h"

#define OTEL_PROTOBUF_TYPE "application/x-protobuf"
/* What became of the spans, for who looks with curl; not part of OTLP. */
#define OTEL_SPANS_HEADER "X-Tally-Spans"

/* 200, with partial_success where spans were rejected. Always true. */
bool otel_answer(struct submission *submission);

/* From here on a failure is told in this format: a Status, or a problem document that is one as
 * well. */
void otel_answer_failures(struct request *req, enum otel_format format);

#endif
