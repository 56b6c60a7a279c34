#include "lib/proto.h"

#include <math.h>
#include <string.h>

#define VARINT_BYTES_MAX 10

/* False when it does not end, or is larger than 64 bits. */
static bool
take_varint(struct text *rest, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < VARINT_BYTES_MAX && i < rest->len; i++) {
		uint8_t byte = (uint8_t)rest->at[i];

		if (i == VARINT_BYTES_MAX - 1 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			rest->at += i + 1;
			rest->len -= i + 1;
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool
take_bytes(struct text *rest, uint64_t len, struct text *ret)
{
	if (len > rest->len)
		return false;
	*ret = (struct text){ .at = rest->at, .len = (size_t)len };
	rest->at += len;
	rest->len -= (size_t)len;
	return true;
}

/* Little-endian. */
static bool
take_fixed(struct text *rest, size_t len, uint64_t *ret)
{
	struct text bytes;

	if (!take_bytes(rest, len, &bytes))
		return false;
	*ret = 0;
	for (size_t i = 0; i < len; i++)
		*ret |= (uint64_t)(uint8_t)bytes.at[i] << (8 * i);
	return true;
}

static bool
take_value(struct text *rest, struct proto_field *field)
{
	uint64_t len;

	switch (field->wire) {
	case PROTO_VARINT:
		return take_varint(rest, &field->value);
	case PROTO_FIXED64:
		return take_fixed(rest, 8, &field->value);
	case PROTO_BYTES:
		return take_varint(rest, &len) && take_bytes(rest, len, &field->bytes);
	case PROTO_FIXED32:
		return take_fixed(rest, 4, &field->value);
	}
	return false;
}

bool
proto_next(struct task *task, struct text *message, struct proto_field *ret)
{
	struct proto_field field = { 0 };
	uint64_t tag;

	if (message->len == 0)
		return false;
	if (!take_varint(message, &tag) || tag >> 3 == 0 || tag >> 3 > PROTO_FIELD_MAX)
		return task_fail(task, ERR_SYNTAX, "A field of the protobuf message is broken.");
	field.number = (uint32_t)(tag >> 3);
	field.wire = (enum proto_wire)(tag & 7);
	if (!take_value(message, &field))
		return task_fail(
		    task, ERR_SYNTAX, "The value of a field of the protobuf message is broken.");
	*ret = field;
	return true;
}

struct text
proto_double_text(struct task *task, uint64_t value)
{
	const char *text;
	double number;

	memcpy(&number, &value, sizeof(number));
	if (!isfinite(number))
		return (struct text){ 0 };
	text = arena_printf(task->arena, "%.15g", number);
	return (struct text){ .at = text, .len = strlen(text) };
}

static void
add_varint(struct buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_putc(buf, (char)(value | 0x80));
	buf_putc(buf, (char)value);
}

void
proto_add_number(struct buf *buf, uint32_t number, uint64_t value)
{
	add_varint(buf, (uint64_t)number << 3 | PROTO_VARINT);
	add_varint(buf, value);
}

void
proto_add_bytes(struct buf *buf, uint32_t number, struct text bytes)
{
	add_varint(buf, (uint64_t)number << 3 | PROTO_BYTES);
	add_varint(buf, bytes.len);
	buf_add(buf, bytes.at, bytes.len);
}
