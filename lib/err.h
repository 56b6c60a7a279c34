/*
 * Why something failed: a code, one ASCII sentence of ours (never the caller's bytes), and for bad
 * input every bad field with its message. The first reason is kept, later ones are ignored.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include "lib/base.h"

enum err_code {
	ERR_NONE,
	ERR_SYNTAX, /* not readable as what it claims to be */
	ERR_UNAUTHENTICATED, /* no key, or one that is not valid */
	ERR_PAYMENT, /* budget or credit does not suffice */
	ERR_FORBIDDEN, /* the key lacks the scope */
	ERR_NOT_FOUND, /* also another tenant's */
	ERR_METHOD, /* the path exists, not with this method */
	ERR_CONFLICT, /* a unique value is taken, or the state does not allow it */
	ERR_PRECONDITION, /* If-Match does not match */
	ERR_TOO_LARGE,
	ERR_MEDIA_TYPE,
	ERR_INVALID, /* a field or parameter unknown, missing or out of range */
	ERR_RATE,
	ERR_UNAVAILABLE, /* PostgreSQL, Redis or a place in the queue is not to be had now: try
			    again */
	ERR_INTERNAL, /* a mistake of ours or of the schema */
	ERR_COUNT
};

#define ERR_TEXT_MAX 256
#define ERR_FIELDS_MAX 32

struct err_field {
	const char *field; /* as long as the task */
	const char *message;
};

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX];
	char sqlstate[6]; /* of PostgreSQL's refusal, else empty */
	const char *cause; /* what PostgreSQL said, made ASCII: for the log and the operator
			      only; NULL where it said nothing; as long as the task */
	const char *constraint; /* name of the violated constraint, or NULL; as long as the task */
	int retry_after; /* seconds; 0: not known; negative: retrying does not help */
	size_t field_count;
	struct err_field fields[ERR_FIELDS_MAX];
};

/* The short name of a code for logs and problem types: "not-found". */
const char *err_name(enum err_code code);

#endif
