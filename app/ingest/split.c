#include "app/ingest/split.h"

#include <string.h>

#include "app/ingest/answer.h"
#include "app/ingest/authorize.h"

struct submission *
split_take_same_keys(struct submission *list)
{
	struct submission *same = NULL;

	for (struct submission *s = list; s != NULL; s = s->next) {
		struct submission **link = &s->next, *other;

		if (s->req->idempotency_key == NULL)
			continue;
		while ((other = *link) != NULL) {
			if (other->req->idempotency_key != NULL &&
			    strcmp(other->req->idempotency_key, s->req->idempotency_key) == 0 &&
			    id_equal(other->req->identity->client, s->req->identity->client)) {
				*link = other->next;
				other->next = same;
				same = other;
			} else {
				link = &other->next;
			}
		}
	}
	return same;
}

/* With one question to Redis for all of them. */
static void
refuse(struct task *task, struct submission *list)
{
	struct submission *next;

	authorize_count_refusals(task, list);
	for (struct submission *s = list; s != NULL; s = next) {
		next = s->next;
		authorize_refuse(s);
	}
}

/* What was allowed the first time may have left nothing for a second one: its answer comes first.
 */
static bool
was_answered(struct task *task, struct submission *submission)
{
	return submission->req->idempotency_key != NULL && answer_before(task, submission);
}

void
split_by_hold(struct task *task, struct work *work, struct loader *loader)
{
	struct submission **link = &work->list, *refused = NULL, *s;
	size_t hold = 0;

	while ((s = *link) != NULL) {
		enum hold_result result =
		    s->authorize == NULL ? HOLD_TAKEN : work->holds[hold++].result;

		if (result == HOLD_TAKEN) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		if (result == HOLD_UNLOADED) {
			loader_add(loader, s);
		} else if (!was_answered(task, s)) {
			s->next = refused;
			refused = s;
		}
	}
	refuse(task, refused);
}

void
split_by_key(struct task *task, struct work *work)
{
	struct submission **link = &work->list, *s;
	size_t key = 0;

	while ((s = *link) != NULL) {
		bool keyed = s->req->idempotency_key != NULL;

		if (keyed && !work->batch.keys[key++].taken) {
			*link = s->next;
			holds_drop(task, s);
			answer_again(task, s);
		} else {
			link = &s->next;
		}
	}
}

void
split_by_answer(struct work *work, const bool *made)
{
	struct submission **link = &work->list, *s;

	for (size_t i = 0; (s = *link) != NULL; i++) {
		if (made[i]) {
			link = &s->next;
		} else {
			*link = s->next;
			answer_measure(s);
			request_finish(s->req, false);
		}
	}
}
