/*
 * One reading of a JSON object: yajl's events on one side, a table of fields on the other.
 */
#ifndef LIB_JSON_EVENTS_H
#define LIB_JSON_EVENTS_H

#include "lib/json_private.h"

#define JSON_FIELDS_MAX 64 /* of a table: bits of the masks */

struct yajl_handle_t;

struct json_reader {
	struct task *task;
	struct yajl_handle_t *yajl;
	struct text body;
	const struct json_field *fields;
	size_t count;
	void *base;
	size_t next; /* where the next key is looked for first */
	uint64_t seen, given, nulled; /* bits by place in the table */
	size_t bad_escape; /* offset of the next one that is not yet behind us */
	int depth; /* of open objects and arrays */
	bool lenient; /* fields that the table does not have are skipped */
	bool refused; /* the reason is in the task already */
	/* The field whose value comes or is open; NULL: its value is skipped. */
	const struct json_field *field;
	size_t object_at; /* where the open JSON_OBJECT begins */
	const char *object_trouble;
	struct json_list list; /* elements of the open array */
};

/* Runs the parser over reader->body. False: what is no JSON, or a reason that is in the task. */
NODISCARD bool json_events_run(struct json_reader *reader);

/* Reads the object of outer->field, a JSON_GROUP, by the table inside. Its bad fields are in the
 * task. */
void json_read_group(struct json_reader *outer, struct text object);

/* ERR_SYNTAX instead of whatever was found in fields before. Always false. */
bool json_events_refuse(struct json_reader *reader, const char *why);

#endif
