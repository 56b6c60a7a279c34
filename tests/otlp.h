/*
 * Exports of OTLP as a test writes them. Texts live until the program ends.
 */
#ifndef TESTS_OTLP_H
#define TESTS_OTLP_H

#include "app/ingest/otel.h"
#include "tests/http.h"

struct otlp_span {
	const char *trace_id; /* hex */
	const char *span_id;
	const char *attributes; /* "name=text;name=#integer;name=%double" */
	int64_t started_at; /* it takes 1.5 s */
	bool failed; /* with the message "it broke" */
};

/* The call of a model with ids of its own, that began just now. */
struct otlp_span otlp_span(unsigned number);

/* Sends it with the key of api.h. Free the answer. */
struct http_answer otlp_post(enum otel_format format, struct text body);
/* Sends these spans. */
struct http_answer otlp_send(enum otel_format format, const struct otlp_span *spans, size_t count);
/* Fails the test unless the answer is 200 and says so of the spans; frees it. */
void otlp_expect(struct http_answer answer, const char *spans);

/* All of one resource: the service shop in the environment test. */
struct text otlp_export(enum otel_format format, const struct otlp_span *spans, size_t count);

#endif
