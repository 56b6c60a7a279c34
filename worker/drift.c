#include "worker/drift.h"

#include "lib/clock.h"
#include "lib/model/alert.h"
#include "lib/model/audit.h"

static const char *const book_names[] = {
	[BOOK_DAILY_COSTS] = "daily_costs",
	[BOOK_COUNTER] = "counter",
};

static void
write_drift(struct json_out *out, const void *object)
{
	const struct drift *drift = object;
	const struct totals *log = &drift->books->log.totals;

	json_open(out);
	json_text(out, "book", book_names[drift->book]);
	json_date(out, "date", drift->books->date);
	json_cents(out, "log_cents", log->at[TOTAL_COST]);
	json_cents(out, "book_cents", drift->other->at[TOTAL_COST]);
	json_int(out, "log_requests", log->at[TOTAL_REQUESTS]);
	json_int(out, "book_requests", drift->other->at[TOTAL_REQUESTS]);
	json_bool(out, "healed", drift->healed);
	json_close(out);
}

bool
drift_tell(struct task *task, const struct drift *drift)
{
	char date[DATE_TEXT_SIZE];
	struct alert_input input = {
		.kind = ALERT_COUNTER_DRIFT,
		.key = arena_printf(task->arena, "%s:%s:%s", alert_kind_names[ALERT_COUNTER_DRIFT],
		    book_names[drift->book], date_format(drift->books->date, date)),
		.again_before = task->now - DRIFT_QUIET,
		.key_until = task->now + DRIFT_QUIET,
		.payload = audit_json(task, write_drift, drift),
	};
	struct alert alert;
	bool raised;

	if (!alert_raise(task, &input, &alert, &raised) || !db_commit(task))
		return false;
	alert_publish(task, &alert, raised);
	return true;
}
