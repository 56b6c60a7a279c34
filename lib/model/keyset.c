#include "lib/model/keyset.h"

#include "lib/clock.h"
#include "lib/model/chat_log.h"

#include <string.h>

struct id
keyset_below(struct id after)
{
	struct id top;

	if (!id_is_nil(after))
		return after;
	memset(top.bytes, 0xff, sizeof top.bytes);
	return top;
}

/* The cursor of a page ends the time of what is below it. */
void
keyset_add_bounds(struct task *task, struct db_params *params, const struct keyset_bounds *bounds)
{
	const int64_t end_of_time = (DATE_MAX + INT64_C(1)) * CLOCK_DAY;
	int64_t until = bounds->until < end_of_time ? bounds->until : end_of_time;
	struct id below = keyset_below(bounds->after);

	if (id_compare(chat_log_first_id(until), below) < 0)
		below = chat_log_first_id(until);
	else if (id_time(below) < until)
		until = id_time(below) + 1;
	db_add_id(params, task->client);
	db_add_id(params, below);
	db_add_time(params, bounds->since);
	db_add_time(params, until);
	db_add_int(params, bounds->limit);
	db_add_id(params, chat_log_first_id(bounds->since));
}
