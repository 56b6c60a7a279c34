#include "app/ingest/commit.h"

#include <string.h>

#include "app/ingest/answer.h"
#include "app/ingest/authorize.h"
#include "app/ingest/credits.h"
#include "app/ingest/known.h"
#include "app/ingest/posting.h"
#include "app/ingest/split.h"
#include "app/ingest/tell.h"
#include "app/metrics.h"
#include "lib/failpoint.h"

/* How often a batch is tried that met with a change by others. */
#define COMMIT_TRIES 5

enum outcome {
	COMMITTED,
	AGAIN, /* nothing happened; the same batch may be tried again */
	SPLIT, /* nothing happened; some were answered, the others are left in the list */
	FAILED /* task->err says why */
};

/* The reply of each submission; made[i] is false for one that failed as a whole. False when all of
 * them did. */
static bool
make_answers(struct task *task, struct work *work, bool *made)
{
	struct batch_row *rows = work->batch.rows;
	size_t i = 0;

	for (struct submission *s = work->list; s != NULL; rows += s->count, s = s->next) {
		if (s->authorize != NULL || s->posting != NULL) {
			made[i++] = s->posting != NULL ? posting_answer(s) : authorize_answer(s);
			continue;
		}
		answer_count(s, rows);
		made[i] = (s->count == 0 || answer_find_stored(task, &work->batch, s, rows)) &&
			  answer_make(s, rows);
		if (task->err.code != ERR_NONE)
			return false;
		i++;
	}
	return true;
}

static void
finish_all(struct work *work, const bool *made)
{
	struct submission *next;
	size_t i = 0;

	for (struct submission *s = work->list; s != NULL; s = next) {
		next = s->next;
		answer_measure(s);
		request_finish(s->req, made[i++]);
	}
}

static bool
keyed_refusal(const struct work *work, const bool *made)
{
	size_t i = 0;

	for (const struct submission *s = work->list; s != NULL; s = s->next) {
		if (!made[i++] && s->req->idempotency_key != NULL)
			return true;
	}
	return false;
}

static void
fill_keys(struct work *work)
{
	size_t key = 0;

	for (const struct submission *s = work->list; s != NULL; s = s->next) {
		const struct reply *reply = &s->req->reply;

		if (s->req->idempotency_key == NULL)
			continue;
		work->batch.keys[key].status = reply->status;
		work->batch.keys[key].content_type = reply->content_type;
		work->batch.keys[key++].body = buf_text(&reply->body);
	}
}

/* The transaction of a batch in which some requests have an Idempotency-Key: their answers are kept
 * in it. */
static enum outcome
store_with_keys(struct task *task, struct work *work, bool *made, bool *unknown)
{
	if (!batch_take_keys(task, &work->batch))
		return FAILED;
	for (size_t i = 0; i < work->batch.key_count; i++) {
		if (!work->batch.keys[i].taken) {
			db_rollback(task);
			split_by_key(task, work);
			return SPLIT;
		}
	}
	if (!credits_decide(task, work))
		return FAILED;
	if (work->list == NULL)
		return SPLIT;
	if (!batch_store(task, &work->batch, false, unknown) || !make_answers(task, work, made))
		return FAILED;
	if (keyed_refusal(work, made)) {
		db_rollback(task);
		split_by_answer(work, made);
		return SPLIT;
	}
	fill_keys(work);
	FAILPOINT("ingest-stored");
	return batch_keep_answers(task, &work->batch, unknown) ? COMMITTED : FAILED;
}

static enum outcome
store(struct task *task, struct work *work, bool *made, bool *unknown)
{
	batch_begin(task, &work->batch);
	if (work->batch.key_count > 0)
		return store_with_keys(task, work, made, unknown);
	if (!credits_decide(task, work))
		return FAILED;
	if (work->list == NULL)
		return SPLIT;
	return batch_store(task, &work->batch, true, unknown) ? COMMITTED : FAILED;
}

/* What another transaction did in between is there, or gone, with the next try. */
static bool
may_pass_next_time(const struct task *task)
{
	static const char *const states[] = {
		BATCH_EPOCH_OVER,
		"23503", /* a user or session was removed that the batch had found */
		"40P01", /* a deadlock was ended at this batch's cost */
		"23505", /* a record was paid by another account at the same time */
	};

	for (size_t i = 0; i < COUNT(states); i++) {
		if (strcmp(task->err.sqlstate, states[i]) == 0)
			return true;
	}
	return false;
}

/* Everything that Redis says before the transaction. */
static bool
announce(struct task *task, struct work *work, const struct commit_shares *shares)
{
	struct counts *counts = &work->counts;
	struct batch *batch = &work->batch;

	if (!work_refer(task, work, shares->known) || !counts_find(task, counts) ||
	    !counts_announce(task, counts, batch->id, work->rows, batch->row_count) ||
	    !holds_take(task, counts, work->holds, work->hold_count))
		return false;
	split_by_hold(task, work, shares->loader);
	work_fill(task, work);
	return true;
}

/* The batch was not stored: what Redis was told is taken back. */
static enum outcome
undo(struct task *task, struct work *work, const struct commit_shares *shares, enum outcome outcome,
    bool unknown)
{
	struct counts *counts = &work->counts;

	/* With nobody to wait for, they were refused for good. */
	if (work->list == NULL) {
		db_rollback(task);
		credits_refuse(task, work);
	}
	credits_return(work);
	/* Where it is not known, the announcement stays until the count is mended from the log, and
	 * a hold until it expires. */
	if (unknown) {
		counts_doubt(counts);
		holds_leave(work->holds, work->hold_count);
	} else {
		counts_drop(task, counts, work->batch.id);
	}
	if (outcome != FAILED || !may_pass_next_time(task))
		return outcome;
	counts_forget(counts);
	known_forget(shares->known);
	return AGAIN;
}

static enum outcome
commit_once(struct task *task, struct work *work, const struct commit_shares *shares)
{
	struct counts *counts = &work->counts;
	struct batch *batch = &work->batch;
	bool *made = arena_array(task->arena, work->submissions, sizeof(bool));
	bool unknown = false, keyed;
	enum outcome outcome;

	if (!announce(task, work, shares))
		return undo(task, work, shares, FAILED, false);
	if (work->list == NULL)
		return COMMITTED;
	keyed = batch->key_count > 0;
	FAILPOINT("ingest-announced");
	outcome = store(task, work, made, &unknown);
	if (outcome != COMMITTED)
		return undo(task, work, shares, outcome, unknown);
	FAILPOINT("ingest-committed");
	credits_refuse(task, work);
	holds_leave(work->holds, work->hold_count);
	counts_confirm(task, counts, batch->id, work->rows, batch->rows, batch->row_count,
	    tell_events(task, work));
	FAILPOINT("ingest-confirmed");
	metrics_add(METRIC_BATCHES, 1);
	metrics_add(METRIC_AUTHORIZATIONS_ALLOWED, (int64_t)batch->authorization_count);
	metrics_add(METRIC_OVER_AUTHORIZED, (int64_t)batch->over_count);
	if (!keyed && !make_answers(task, work, made))
		return FAILED;
	db_rollback(task);
	finish_all(work, made);
	return COMMITTED;
}

/* Fails them all; but one that PostgreSQL refuses must not take the others with it, so each is
 * tried alone first. */
static void
fail_batch(struct task *task, const struct commit_shares *shares, struct submission *list)
{
	bool alone = list->next == NULL || task->err.code == ERR_UNAVAILABLE;
	struct submission *next;

	metrics_add(METRIC_BATCH_FAILURES, 1);
	if (task->err.code == ERR_UNAVAILABLE)
		metrics_add(METRIC_DATABASE_FAILURES, 1);
	for (struct submission *s = list; s != NULL; s = next) {
		next = s->next;
		if (alone) {
			holds_drop(task, s);
			answer_fail(task, s);
			continue;
		}
		s->next = NULL;
		task_clear_error(task);
		commit_submissions(task, shares, s);
	}
}

void
commit_submissions(struct task *task, const struct commit_shares *shares, struct submission *list)
{
	struct submission *later;

	for (; list != NULL; list = later) {
		enum outcome outcome = AGAIN;

		later = split_take_same_keys(list);
		/* A split leaves fewer each time; only changes by others could go on for ever. */
		for (int tries = 0; list != NULL && tries < COMMIT_TRIES && outcome != FAILED;) {
			struct work work = work_new(task, shares->book, list);

			task_clear_error(task);
			outcome = commit_once(task, &work, shares);
			list = outcome == COMMITTED ? NULL : work.list;
			tries += outcome == AGAIN;
		}
		if (list != NULL && strcmp(task->err.sqlstate, BATCH_EPOCH_OVER) == 0) {
			task_clear_error(task);
			(void)task_fail_later(task, 1, "The counters of a client change too fast.");
		}
		if (list != NULL)
			fail_batch(task, shares, list);
		task_clear_error(task);
	}
}
