#include "lib/json_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#include "lib/clock.h"
#include "lib/money.h"

#define RATE_SCALE 6 /* pico-dollars a token to dollars per 1,000,000 tokens */

struct json_out {
	yajl_gen yajl;
	struct buf *buf;
};

static void
print(void *context, const char *at, size_t len)
{
	struct json_out *out = context;

	buf_add(out->buf, at, len);
}

static void *
take_memory(void *context, size_t size)
{
	return arena_alloc(context, size);
}

/* Only for yajl's own buffer, which is not used where a print callback is set. */
static void *
grow_memory(void *context UNUSED, void *at UNUSED, size_t size UNUSED)
{
	abort();
}

static void
leave_memory(void *context UNUSED, void *at UNUSED)
{
}

/* A status other than ok is a call at the wrong place: a mistake of ours. */
static void
done(yajl_gen_status status)
{
	assert(status == yajl_gen_status_ok);
}

static void
put_key(struct json_out *out, const char *key)
{
	if (key != NULL)
		done(yajl_gen_string(out->yajl, (const unsigned char *)key, strlen(key)));
}

static void
put_text(struct json_out *out, const char *at, size_t len)
{
	done(yajl_gen_string(out->yajl, (const unsigned char *)at, len));
}

struct json_out *
json_out_new(struct buf *buf)
{
	const yajl_alloc_funcs memory = {
		.malloc = take_memory,
		.realloc = grow_memory,
		.free = leave_memory,
		.ctx = buf->arena,
	};
	struct json_out *out = arena_alloc(buf->arena, sizeof(*out));

	out->buf = buf;
	out->yajl = yajl_gen_alloc(&memory);
	assert(out->yajl != NULL);
	yajl_gen_config(out->yajl, yajl_gen_print_callback, print, out);
	return out;
}

void
json_open(struct json_out *out)
{
	done(yajl_gen_map_open(out->yajl));
}

void
json_close(struct json_out *out)
{
	done(yajl_gen_map_close(out->yajl));
}

void
json_open_array(struct json_out *out)
{
	done(yajl_gen_array_open(out->yajl));
}

void
json_close_array(struct json_out *out)
{
	done(yajl_gen_array_close(out->yajl));
}

void
json_open_at(struct json_out *out, const char *key)
{
	put_key(out, key);
	json_open(out);
}

void
json_open_array_at(struct json_out *out, const char *key)
{
	put_key(out, key);
	json_open_array(out);
}

void
json_text(struct json_out *out, const char *key, const char *value)
{
	json_text_n(
	    out, key, (struct text){ .at = value, .len = value == NULL ? 0 : strlen(value) });
}

void
json_text_n(struct json_out *out, const char *key, struct text value)
{
	if (value.at == NULL) {
		json_null(out, key);
		return;
	}
	put_key(out, key);
	put_text(out, value.at, value.len);
}

void
json_int(struct json_out *out, const char *key, int64_t value)
{
	put_key(out, key);
	done(yajl_gen_integer(out->yajl, value));
}

void
json_bool(struct json_out *out, const char *key, bool value)
{
	put_key(out, key);
	done(yajl_gen_bool(out->yajl, value));
}

void
json_null(struct json_out *out, const char *key)
{
	put_key(out, key);
	done(yajl_gen_null(out->yajl));
}

void
json_cents(struct json_out *out, const char *key, int64_t nanos)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_cents(nanos, digits));
}

void
json_rate(struct json_out *out, const char *key, int64_t picos)
{
	char digits[MONEY_TEXT_SIZE];

	json_number(out, key, money_format_scaled(picos, RATE_SCALE, digits));
}

void
json_time(struct json_out *out, const char *key, int64_t usec)
{
	char text[CLOCK_TEXT_SIZE];

	json_text(out, key, clock_format(usec, text));
}

void
json_date(struct json_out *out, const char *key, int32_t date)
{
	char text[DATE_TEXT_SIZE];

	json_text(out, key, date_format(date, text));
}

void
json_id(struct json_out *out, const char *key, struct id id)
{
	char text[ID_TEXT_SIZE];

	json_text(out, key, id_is_nil(id) ? NULL : id_format(id, text));
}

void
json_number(struct json_out *out, const char *key, const char *digits)
{
	json_raw(out, key, (struct text){ .at = digits, .len = strlen(digits) });
}

void
json_raw(struct json_out *out, const char *key, struct text json)
{
	if (json.at == NULL) {
		json_null(out, key);
		return;
	}
	put_key(out, key);
	done(yajl_gen_number(out->yajl, json.at, json.len));
}

void
json_texts(struct json_out *out, const char *key, struct json_texts texts)
{
	json_open_array_at(out, key);
	for (size_t i = 0; i < texts.count; i++)
		json_text(out, NULL, texts.at[i]);
	json_close_array(out);
}

void
json_ints(struct json_out *out, const char *key, struct json_ints ints)
{
	json_open_array_at(out, key);
	for (size_t i = 0; i < ints.count; i++)
		json_int(out, NULL, ints.at[i]);
	json_close_array(out);
}
