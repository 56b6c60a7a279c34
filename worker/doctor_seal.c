/* Whether what is sealed in the database can be opened. */
#include "lib/model/resealing.h"
#include "lib/seal.h"
#include "worker/doctor.h"

/* The first portion of each column shows whether the keys are those of this database. */
static bool
look(struct task *task, int64_t *ret_values, int64_t *ret_closed)
{
	*ret_values = *ret_closed = 0;
	for (size_t i = 0; i < RESEALING_COLUMNS; i++) {
		struct resealing at = { .column = i };
		int64_t previous;

		if (!resealing_next(task, &at, false, &previous) || !db_commit(task))
			return false;
		*ret_values += at.values;
		*ret_closed += at.left;
	}
	return true;
}

bool
doctor_seal(struct command_context *context, struct finding *finding)
{
	const struct seal_keys *keys = context->task->seal_keys;
	int64_t values, closed;

	if (!look(context->task, &values, &closed))
		return false;
	if (keys->current[0] == '\0' && values == 0)
		return doctor_good(finding, "none: second factors and secrets of integrations "
					    "are answered 503");
	if (keys->current[0] == '\0')
		return doctor_bad(finding, "none, and secrets are sealed with one");
	if (closed > 0)
		return doctor_bad(finding, "it does not open what is sealed");
	if (keys->previous[0] != '\0')
		return doctor_good(finding,
		    "it opens what is sealed; seal_key_previous goes after tally key rotate-seal");
	return doctor_good(finding, "it opens what is sealed");
}
