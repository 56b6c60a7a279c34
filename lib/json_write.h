/*
 * Writing JSON into a buf. Keys and texts must be UTF-8 (what PostgreSQL gives is). Not by yajl's
 * generator: that took a quarter of what a POST of a record costs.
 */
#ifndef LIB_JSON_WRITE_H
#define LIB_JSON_WRITE_H

#include "lib/buf.h"
#include "lib/id.h"
#include "lib/json_read.h"

struct json_out;

/* Writes to the end of buf; lives as long as buf's arena. Compact, no spaces. */
struct json_out *json_out_new(struct buf *buf);

void json_open(struct json_out *out); /* { */
void json_close(struct json_out *out); /* } */
void json_open_array(struct json_out *out);
void json_close_array(struct json_out *out);

/* key NULL inside an array. A NULL text and a NULL pointer give null. */
void json_open_at(struct json_out *out, const char *key); /* "key": { */
void json_open_array_at(struct json_out *out, const char *key);
void json_text(struct json_out *out, const char *key, const char *value);
void json_text_n(struct json_out *out, const char *key, struct text value);
/* A part of a text as it stands in quotes, for one that is written in portions. */
void json_add_part(struct buf *buf, struct text part);
void json_int(struct json_out *out, const char *key, int64_t value);
void json_bool(struct json_out *out, const char *key, bool value);
void json_null(struct json_out *out, const char *key);
void json_cents(struct json_out *out, const char *key, int64_t nanos);
/* A credit is a dollar; all of its nano-dollars are written. */
void json_credits(struct json_out *out, const char *key, int64_t nanos);
void json_rate(
    struct json_out *out, const char *key, int64_t picos); /* dollars per 1,000,000 tokens */
void json_millionths(struct json_out *out, const char *key, int64_t value);
void json_time(struct json_out *out, const char *key, int64_t usec);
void json_date(struct json_out *out, const char *key, int32_t date);
void json_id(struct json_out *out, const char *key, struct id id); /* nil gives null */
void json_number(struct json_out *out, const char *key, const char *digits); /* as it stands */
void json_raw(
    struct json_out *out, const char *key, struct text json); /* valid JSON, as it stands */
/* The same without the spaces between its parts, which jsonb has. */
void json_packed(struct json_out *out, const char *key, struct text json);
void json_texts(struct json_out *out, const char *key, struct json_texts texts);
void json_ints(struct json_out *out, const char *key, struct json_ints ints);

#endif
