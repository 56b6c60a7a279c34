#include "tests/test.h"

#include "tests/otlp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json_write.h"
#include "lib/proto.h"
#include "tests/api.h"

#define TOOK INT64_C(1500000)
#define PARENT "00f067aa0ba902b7"
static const char resource[] = "service.name=shop;deployment.environment.name=test";

static struct arena *
arena(void)
{
	static struct arena *kept;

	if (kept == NULL)
		kept = arena_new();
	return kept;
}

struct otlp_span
otlp_span(unsigned number)
{
	return (struct otlp_span){
		.trace_id = arena_printf(arena(), "5b8efff798038103d269b633%08x", number),
		.span_id = arena_printf(arena(), "eee19b7e%08x", number),
		.attributes = "gen_ai.operation.name=chat;gen_ai.usage.input_tokens=#1",
		.started_at = clock_now() - 2 * CLOCK_SECOND,
	};
}

static struct text
text_of(const char *string)
{
	return (struct text){ .at = string, .len = strlen(string) };
}

/* Takes the next "name=value"; false at the end. */
static bool
next_attribute(char **rest, const char **ret_name, const char **ret_value)
{
	char *pair = strsep(rest, ";");

	if (pair == NULL || *pair == '\0')
		return false;
	*ret_name = strsep(&pair, "=");
	*ret_value = pair;
	return true;
}

static void
write_attributes(struct json_out *out, const char *attributes)
{
	char *rest = arena_strdup(arena(), attributes);
	const char *name, *value;

	json_open_array_at(out, "attributes");
	while (next_attribute(&rest, &name, &value)) {
		json_open(out);
		json_text(out, "key", name);
		json_open_at(out, "value");
		if (*value == '#')
			json_text(out, "intValue", value + 1);
		else if (*value == '%')
			json_number(out, "doubleValue", value + 1);
		else
			json_text(out, "stringValue", value);
		json_close(out);
		json_close(out);
	}
	json_close_array(out);
}

static void
write_span(struct json_out *out, const struct otlp_span *span)
{
	json_open(out);
	json_text(out, "traceId", span->trace_id);
	json_text(out, "spanId", span->span_id);
	json_text(out, "parentSpanId", PARENT);
	json_text(out, "name", "a span");
	json_int(out, "kind", 3);
	json_text(
	    out, "startTimeUnixNano", arena_printf(arena(), "%" PRId64 "000", span->started_at));
	json_text(out, "endTimeUnixNano",
	    arena_printf(arena(), "%" PRId64 "000", span->started_at + TOOK));
	write_attributes(out, span->attributes);
	json_open_at(out, "status");
	if (span->failed) {
		json_int(out, "code", 2);
		json_text(out, "message", "it broke");
	}
	json_close(out);
	json_close(out);
}

static void
write_export(struct buf *body, const struct otlp_span *spans, size_t count)
{
	struct json_out *out = json_out_new(body);

	json_open(out);
	json_open_array_at(out, "resourceSpans");
	json_open(out);
	json_open_array_at(out, "scopeSpans");
	json_open(out);
	json_open_array_at(out, "spans");
	for (size_t i = 0; i < count; i++)
		write_span(out, &spans[i]);
	json_close_array(out);
	json_close(out);
	json_close_array(out);
	json_open_at(out, "resource");
	write_attributes(out, resource);
	json_close(out);
	json_close(out);
	json_close_array(out);
	json_close(out);
}

static void
add_double(struct buf *buf, uint32_t number, double value)
{
	buf_putc(buf, (char)(number << 3 | PROTO_FIXED64));
	buf_add(buf, &value, sizeof(value));
}

static void
add_time(struct buf *buf, uint32_t number, int64_t usec)
{
	uint64_t nanos = (uint64_t)usec * 1000;

	buf_putc(buf, (char)(number << 3 | PROTO_FIXED64));
	buf_add(buf, &nanos, sizeof(nanos));
}

/* KeyValues in a field of this number. */
static void
add_attributes(struct buf *to, uint32_t number, const char *attributes)
{
	char *rest = arena_strdup(arena(), attributes);
	const char *name, *said;

	while (next_attribute(&rest, &name, &said)) {
		struct buf pair = { .arena = arena() }, value = { .arena = arena() };

		if (*said == '#')
			proto_add_number(&value, 3, (uint64_t)strtoll(said + 1, NULL, 10));
		else if (*said == '%')
			add_double(&value, 4, strtod(said + 1, NULL));
		else
			proto_add_bytes(&value, 1, text_of(said));
		proto_add_bytes(&pair, 1, text_of(name));
		proto_add_bytes(&pair, 2, buf_text(&value));
		proto_add_bytes(to, number, buf_text(&pair));
	}
}

static void
add_id(struct buf *to, uint32_t number, const char *hex)
{
	struct buf bytes = { .arena = arena() };

	for (; *hex != '\0'; hex += 2) {
		const char digits[] = { hex[0], hex[1], '\0' };

		buf_putc(&bytes, (char)strtol(digits, NULL, 16));
	}
	proto_add_bytes(to, number, buf_text(&bytes));
}

static void
add_span(struct buf *to, const struct otlp_span *span)
{
	struct buf body = { .arena = arena() }, status = { .arena = arena() };

	add_id(&body, 1, span->trace_id);
	add_id(&body, 2, span->span_id);
	add_id(&body, 4, PARENT);
	proto_add_bytes(&body, 5, text_of("a span"));
	proto_add_number(&body, 6, 3);
	add_time(&body, 7, span->started_at);
	add_time(&body, 8, span->started_at + TOOK);
	add_attributes(&body, 9, span->attributes);
	if (span->failed) {
		proto_add_bytes(&status, 2, text_of("it broke"));
		proto_add_number(&status, 3, 2);
		proto_add_bytes(&body, 15, buf_text(&status));
	}
	proto_add_bytes(to, 2, buf_text(&body));
}

static void
add_export(struct buf *body, const struct otlp_span *spans, size_t count)
{
	struct buf scope = { .arena = arena() }, all = { .arena = arena() };
	struct buf of_resource = { .arena = arena() };

	for (size_t i = 0; i < count; i++)
		add_span(&scope, &spans[i]);
	add_attributes(&of_resource, 1, resource);
	proto_add_bytes(&all, 2, buf_text(&scope));
	proto_add_bytes(&all, 1, buf_text(&of_resource));
	proto_add_bytes(body, 1, buf_text(&all));
}

struct text
otlp_export(enum otel_format format, const struct otlp_span *spans, size_t count)
{
	struct buf body = { .arena = arena() };

	if (format == OTEL_JSON)
		write_export(&body, spans, count);
	else
		add_export(&body, spans, count);
	return buf_text(&body);
}

struct http_answer
otlp_post(enum otel_format format, struct text body)
{
	static const char *const json[] = { "Content-Type: application/json", NULL };
	static const char *const protobuf[] = { "Content-Type: application/x-protobuf", NULL };
	const struct http http = { .url = servers_http_url(api_servers()), .key = api_key() };

	return http_send_n(
	    &http, "POST", "/v1/traces", format == OTEL_JSON ? json : protobuf, body.at, body.len);
}

struct http_answer
otlp_send(enum otel_format format, const struct otlp_span *spans, size_t count)
{
	return otlp_post(format, otlp_export(format, spans, count));
}

void
otlp_expect(struct http_answer answer, const char *spans)
{
	const char *said = http_header(&answer, "x-tally-spans");

	if (answer.status != 200 || said == NULL || strcmp(said, spans) != 0)
		fail_msg("%ld %s: %s", answer.status, said != NULL ? said : "(none)", answer.body);
	http_free(&answer);
}
