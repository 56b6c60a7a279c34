#include "app/ingest/commit.h"

#include <string.h>

#include "app/ingest/answer.h"
#include "app/ingest/counts.h"
#include "app/metrics.h"

/* How often a batch is tried that met with a change by others. */
#define COMMIT_TRIES 5

struct work {
	struct submission *list;
	struct batch batch;
	struct counts counts;
	struct count_row *rows; /* of batch.rows[i] */
	size_t submissions;
};

enum outcome {
	COMMITTED,
	AGAIN, /* nothing happened; the same batch may be tried again */
	SPLIT, /* nothing happened; some were answered, the others are left in the list */
	FAILED /* task->err says why */
};

static size_t
find_part(struct work *work, const struct identity *identity)
{
	struct counts *counts = &work->counts;

	for (size_t i = 0; i < counts->count; i++) {
		if (id_equal(counts->parts[i].client, identity->client))
			return i;
	}
	counts->parts[counts->count].client = identity->client;
	counts->zones[counts->count] = identity->zone;
	return counts->count++;
}

static void
add_rows(struct work *work, const struct submission *submission)
{
	const struct identity *identity = submission->req->identity;
	size_t part = find_part(work, identity);

	for (size_t i = 0; i < submission->count; i++) {
		const struct record *record = &submission->records[i];
		size_t at = work->batch.row_count++;

		work->batch.rows[at] = (struct batch_row){
			.client = identity->client,
			.log = &record->log,
			.external_user_id = record->external_user_id,
		};
		work->rows[at] = (struct count_row){
			.part = part,
			.day = record->day,
			.user = record->log.user_id,
		};
		record_add(record, &work->rows[at].totals);
	}
}

static void
add_key(struct work *work, const struct submission *submission)
{
	struct batch_key *key = &work->batch.keys[work->batch.key_count];

	if (submission->req->idempotency_key == NULL)
		return;
	key->client = submission->req->identity->client;
	key->key = submission->req->idempotency_key;
	memcpy(key->request_hash, submission->request_hash, sizeof(key->request_hash));
	work->batch.key_count++;
}

static struct work
make_work(struct task *task, struct counter_book *book, struct submission *list)
{
	struct work work = { .list = list, .counts.book = book };
	size_t records = 0;

	for (struct submission *s = list; s != NULL; s = s->next) {
		work.submissions++;
		records += s->count;
	}
	work.batch.id = id_new(task->now);
	work.batch.rows = arena_array(task->arena, records, sizeof(*work.batch.rows));
	work.batch.keys = arena_array(task->arena, work.submissions, sizeof(*work.batch.keys));
	work.rows = arena_array(task->arena, records, sizeof(*work.rows));
	work.counts.parts = arena_array(task->arena, work.submissions, sizeof(*work.counts.parts));
	work.counts.clients =
	    arena_array(task->arena, work.submissions, sizeof(*work.counts.clients));
	work.counts.zones = arena_array(task->arena, work.submissions, sizeof(*work.counts.zones));
	for (struct submission *s = list; s != NULL; s = s->next) {
		s->stored = s->duplicates = 0;
		s->rejection_count = s->unreadable;
		/* What an earlier try answered. */
		s->req->reply.body.len = 0;
		add_rows(&work, s);
		add_key(&work, s);
	}
	work.batch.clients = work.counts.clients;
	work.batch.client_count = work.counts.count;
	return work;
}

/* The reply of each submission; made[i] is false for one that failed as a whole. False when all of
 * them did. */
static bool
make_answers(struct task *task, struct work *work, bool *made)
{
	struct batch_row *rows = work->batch.rows;
	size_t i = 0;

	for (struct submission *s = work->list; s != NULL; rows += s->count, s = s->next) {
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
		request_finish(s->req, made[i++]);
	}
}

/* Answers those whose key another request has, and leaves the others in the list. */
static void
split_by_key(struct task *task, struct work *work)
{
	struct submission **link = &work->list, *s;
	size_t key = 0;

	while ((s = *link) != NULL) {
		bool keyed = s->req->idempotency_key != NULL;

		if (keyed && !work->batch.keys[key++].taken) {
			*link = s->next;
			answer_again(task, s);
		} else {
			link = &s->next;
		}
	}
}

/* Finishes those that were refused, whose keys must stay free, and leaves the others. */
static void
split_by_answer(struct work *work, const bool *made)
{
	struct submission **link = &work->list, *s;

	for (size_t i = 0; (s = *link) != NULL; i++) {
		if (made[i]) {
			link = &s->next;
		} else {
			*link = s->next;
			request_finish(s->req, false);
		}
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
	if (!batch_store(task, &work->batch, false, unknown) || !make_answers(task, work, made))
		return FAILED;
	if (keyed_refusal(work, made)) {
		db_rollback(task);
		split_by_answer(work, made);
		return SPLIT;
	}
	fill_keys(work);
	return batch_keep_answers(task, &work->batch, unknown) ? COMMITTED : FAILED;
}

static enum outcome
store(struct task *task, struct work *work, bool *made, bool *unknown)
{
	batch_begin(task, &work->batch);
	if (work->batch.key_count > 0)
		return store_with_keys(task, work, made, unknown);
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
	};

	for (size_t i = 0; i < COUNT(states); i++) {
		if (strcmp(task->err.sqlstate, states[i]) == 0)
			return true;
	}
	return false;
}

static enum outcome
commit_once(struct task *task, struct work *work)
{
	struct counts *counts = &work->counts;
	struct batch *batch = &work->batch;
	bool *made = arena_array(task->arena, work->submissions, sizeof(bool));
	bool unknown = false;
	enum outcome outcome;

	if (!counts_announce(task, counts, batch->id, work->rows, batch->row_count))
		return FAILED;
	outcome = store(task, work, made, &unknown);
	if (outcome != COMMITTED) {
		/* Where it is not known, the announcement stays until the count is mended from the
		 * log. */
		if (unknown)
			counts_doubt(counts);
		else
			counts_drop(task, counts, batch->id);
		if (outcome != FAILED || !may_pass_next_time(task))
			return outcome;
		counts_forget(counts);
		return AGAIN;
	}
	counts_confirm(task, counts, batch->id, work->rows, batch->rows, batch->row_count);
	metrics_add(METRIC_BATCHES, 1);
	if (batch->key_count == 0 && !make_answers(task, work, made))
		return FAILED;
	db_rollback(task);
	finish_all(work, made);
	return COMMITTED;
}

/* Fails them all; but one that PostgreSQL refuses must not take the others with it, so each is
 * tried alone first. */
static void
fail_batch(struct task *task, struct counter_book *book, struct submission *list)
{
	bool alone = list->next == NULL || task->err.code == ERR_UNAVAILABLE;
	struct submission *next;

	metrics_add(METRIC_BATCH_FAILURES, 1);
	if (task->err.code == ERR_UNAVAILABLE)
		metrics_add(METRIC_DATABASE_FAILURES, 1);
	for (struct submission *s = list; s != NULL; s = next) {
		next = s->next;
		if (alone) {
			answer_fail(task, s);
			continue;
		}
		s->next = NULL;
		task_clear_error(task);
		commit_submissions(task, book, s);
	}
}

/* Of requests with the same key only the first is for this batch: the others must find its answer.
 */
static struct submission *
take_same_keys(struct submission *list)
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

void
commit_submissions(struct task *task, struct counter_book *book, struct submission *list)
{
	struct submission *later;

	for (; list != NULL; list = later) {
		enum outcome outcome = AGAIN;

		later = take_same_keys(list);
		/* A split leaves fewer each time; only changes by others could go on for ever. */
		for (int tries = 0; list != NULL && tries < COMMIT_TRIES && outcome != FAILED;) {
			struct work work = make_work(task, book, list);

			task_clear_error(task);
			outcome = commit_once(task, &work);
			list = outcome == COMMITTED ? NULL : work.list;
			tries += outcome == AGAIN;
		}
		if (list != NULL && strcmp(task->err.sqlstate, BATCH_EPOCH_OVER) == 0) {
			task_clear_error(task);
			(void)task_fail_later(task, 1, "The counters of a client change too fast.");
		}
		if (list != NULL)
			fail_batch(task, book, list);
		task_clear_error(task);
	}
}
