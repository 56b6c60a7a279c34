/*
 * Values of spans and payloads that were not made for us, put into a record's input: what is only
 * too long is cut, for no exporter can be told to send it again.
 */
#ifndef APP_INGEST_FOREIGN_H
#define APP_INGEST_FOREIGN_H

#include "app/ingest/record.h"

/* Characters of a value in metadata. */
#define FOREIGN_SHOWN_MAX 128

/* The first characters of a text. */
struct text foreign_cut(struct text text, size_t most);
/* Terminated; NULL where the text is empty or not there. */
const char *foreign_string(struct task *task, struct text text);

/* Nothing where the value is empty or not there; a bad one is named in task->err. */
void foreign_set(
    struct task *task, struct record_input *input, const char *field, struct text value);
/* Names the value in task->err where the field may not have it; sets nothing. */
void foreign_check(struct task *task, const char *field, struct text value);
/* The same as foreign_set(), cut to the field's characters. */
void foreign_set_cut(
    struct task *task, struct record_input *input, const char *field, struct text value);
/* A member of metadata, cut. */
void foreign_add(struct json_out *metadata, const char *key, struct text value);

/* Where the duration is one that a record may have. */
void foreign_set_duration(struct record_input *input, int64_t usec);
/* A model's call that failed before any token: it cost nothing. One that succeeded without a count
 * of its tokens has no known cost. */
void foreign_set_no_tokens(struct record_input *input);
/* Dollars, as a decimal number; task->err names what is none, or out of range. */
void foreign_set_cost(struct task *task, struct record_input *input, struct text dollars);

#endif
