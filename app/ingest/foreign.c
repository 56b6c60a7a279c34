#include "app/ingest/foreign.h"

#include <string.h>

#include "lib/money.h"
#include "lib/utf8.h"

#define NANO_SCALE 9

struct text
foreign_cut(struct text text, size_t most)
{
	struct text rest = text;

	for (size_t i = 0; i < most && rest.len > 0; i++) {
		size_t len = utf8_char(rest);

		rest.at += len;
		rest.len -= len;
	}
	return (struct text){ .at = text.at, .len = text.len - rest.len };
}

const char *
foreign_string(struct task *task, struct text text)
{
	return text.len == 0 ? NULL : arena_strndup(task->arena, text.at, text.len);
}

void
foreign_set(struct task *task, struct record_input *input, const char *field, struct text value)
{
	if (value.len > 0)
		(void)!record_input_set(task, input, field, value);
}

void
foreign_check(struct task *task, const char *field, struct text value)
{
	struct record_input unused;

	foreign_set(task, &unused, field, value);
}

void
foreign_set_cut(struct task *task, struct record_input *input, const char *field, struct text value)
{
	foreign_set(task, input, field, foreign_cut(value, record_field_max(field)));
}

void
foreign_add(struct json_out *metadata, const char *key, struct text value)
{
	if (value.len > 0)
		json_text_n(metadata, key, foreign_cut(value, FOREIGN_SHOWN_MAX));
}

void
foreign_set_duration(struct record_input *input, int64_t usec)
{
	if (usec >= 0 && usec / 1000 <= RECORD_DURATION_MAX_MS)
		input->log.duration_ms = usec / 1000;
}

void
foreign_set_no_tokens(struct record_input *input)
{
	struct chat_log *log = &input->log;

	log->message_length = 0;
	if (!log->success)
		log->estimated_cost_nanos = 0;
}

void
foreign_set_cost(struct task *task, struct record_input *input, struct text dollars)
{
	int64_t nanos;

	if (money_parse_rounded(dollars, NANO_SCALE, &nanos) != MONEY_OK || nanos < 0 ||
	    nanos > RECORD_COST_MAX)
		(void)task_fail_field(
		    task, "estimated_cost_cents", "must be a number from 0 to a million dollars");
	else
		input->reported_cost_nanos = nanos;
}
