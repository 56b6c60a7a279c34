/*
 * The wire format of Protocol Buffers: the fields of a message one by one, and the few that we
 * write ourselves. It knows no schema: who reads a field looks at its number and its wire type, and
 * passes over what it does not know. A nested message is a text that is read the same way, so no
 * depth of nesting costs more than its reader asks for.
 * https://protobuf.dev/programming-guides/encoding/
 */
#ifndef LIB_PROTO_H
#define LIB_PROTO_H

#include "lib/buf.h"
#include "lib/task.h"

#define PROTO_FIELD_MAX UINT32_C(536870911) /* 2^29 - 1 */

enum proto_wire { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

struct proto_field {
	uint32_t number;
	enum proto_wire wire;
	uint64_t value; /* but of PROTO_BYTES; a negative int32 or int64 as its two's complement */
	struct text bytes; /* of PROTO_BYTES: inside the message */
};

/*
 * Takes the next field off the message. False at its end, or when it is broken: ERR_SYNTAX.
 * Groups, which proto3 has no more, are broken, too.
 */
NODISCARD bool proto_next(struct task *task, struct text *message, struct proto_field *ret);

/* The decimal text of a fixed64 that holds a double, 15 digits at most; at NULL where that is no
 * number. Money must not be counted in it. */
struct text proto_double_text(struct task *task, uint64_t value);

void proto_add_number(struct buf *buf, uint32_t number, uint64_t value);
void proto_add_bytes(struct buf *buf, uint32_t number, struct text bytes);

#endif
