/*
 * What the two formats of OTLP share.
 */
#ifndef APP_INGEST_OTEL_PRIVATE_H
#define APP_INGEST_OTEL_PRIVATE_H

#include "app/ingest/otel.h"

#define OTEL_TRACE_ID_BYTES 16
#define OTEL_SPAN_ID_BYTES 8
#define OTEL_STATUS_ERROR 2

/* The place of an attribute of this name, or NULL: it says nothing to us, or a more current name
 * was there before. */
struct text *otel_find_slot(struct otel_attributes *attributes, struct text name);
/* What the resource says about all of its spans. */
struct otel_attributes otel_inherit(const struct otel_attributes *resource);

struct text otel_number_text(struct task *task, int64_t number);

bool otel_proto_next(struct task *task, struct otel_reader *reader, struct otel_span *ret);

bool otel_json_open(struct task *task, struct text body, struct otel_reader *reader);
bool otel_json_next(struct task *task, struct otel_reader *reader, struct otel_span *ret);

#endif
